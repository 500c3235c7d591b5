"""Commands whose progress cannot be written: stderr is closed, full, or a pipe without a reader (F42)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, environment
from tests.support.tiers import slow


@pytest.mark.parametrize("to", ["2>&-", *map(slow, ("2>/dev/full", "2> >(head -c 1 >/dev/null)"))])
def test_f42_a_transfer_does_not_care_who_watches(
    lake: Place, drawn: Drawn, tmp_path: Path, to: str
) -> None:
    lake.done("push", "demo/v1", drawn.images)
    out = tmp_path / "out"
    script = f'"{sys.executable}" -m headrace.cli pull "$0" demo/v1 "$1" --progress --json {to}'
    done = subprocess.run(
        ["bash", "-c", script, lake.target, str(out)],
        env=environment(),
        stdout=subprocess.PIPE,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["moved"] == len(list(drawn.images.iterdir()))
    there = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert there == {path.name: path.read_bytes() for path in drawn.images.iterdir()}
