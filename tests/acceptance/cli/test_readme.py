"""The first screen of the README, word for word, on the data that it names."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.support.cli import headrace

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = Path(os.environ.get("HEADRACE_SAMPLES") or ROOT.parent / "shared" / "data")


@pytest.mark.slow
def test_the_first_screen(tmp_path: Path) -> None:
    if not (SAMPLES / "bccd").is_dir():
        pytest.skip(f"no samples in {SAMPLES.name}: set HEADRACE_SAMPLES")
    (tmp_path / "BCCD").symlink_to(SAMPLES / "bccd" / "BCCD")
    readme = (ROOT / "README.md").read_text()
    screen = re.search(r"```console\n(.*?)```", readme, re.DOTALL)
    assert screen
    steps = re.findall(r"^\$ headrace (.*)\n((?:[^$].*\n)*)", screen.group(1), re.MULTILINE)
    assert [words.split()[0] for words, _ in steps] == ["init", "push", "import", "export", "pull"]
    for words, shown in steps:
        done = headrace(*shlex.split(words), cwd=tmp_path)
        assert (done.status, done.out) == (0, shown), done.err
