"""The demo: from any folder, twice, on its own pictures and on a person's."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import environment

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = Path(os.environ.get("HEADRACE_SAMPLES") or ROOT.parent / "shared" / "data")


def demo(cwd: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the demo as `tools/demo` does once the environment is there."""
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "demo.py"), *map(str, arguments)],
        cwd=cwd,
        env=environment(TMPDIR=str(cwd)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_on_its_own_pictures(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        r"drew +24 images",
        r"pushed +24 images to \S+: 24 new in demo/v1",
        r"imported +24 annotations, \d+ shapes",
        r"  disc +\d+",
        r"exported +\d+ shapes as coco",
        r"exported +\d+ shapes as yolo",
        r"exported +\d+ shapes as voc",
        r"downloaded +24 files",
        r"file +\S+coco.json",
        r"lake +\S+/lake",
    ):
        assert re.search(words, done.stdout), words
    found = re.search(r"^lake +(\S+)$", done.stdout, re.MULTILINE)
    assert found
    lake = Path(found[1])
    assert (lake / "headrace.db").is_file()
    commands = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("  /")]
    assert [words[1] for words in commands] == ["ls", "stats", "serve"]
    for words in commands[:2]:
        subprocess.run(words, cwd="/", env=environment(), check=True, capture_output=True)
    assert str(lake.parent) in done.stdout.splitlines()[-1]


def test_a_second_run_in_the_same_lake(drawn: Drawn, tmp_path: Path) -> None:
    own = ["--images", drawn.images, "--annotations", drawn.annotations, "--lake", "mine"]
    for name in ("demo/v1", "demo-2/v1"):
        done = demo(tmp_path, *own)
        assert (done.returncode, done.stderr) == (0, "")
        assert f": 12 new in {name}" in done.stdout
        for label, shapes in drawn.labels.items():
            assert re.search(rf"  {label} +{shapes}\n", done.stdout)


def test_what_is_wrong_is_said_in_one_line(drawn: Drawn, tmp_path: Path) -> None:
    assert demo(tmp_path, "--images", drawn.images).returncode == 2
    gone = demo(tmp_path, "--images", drawn.images, "--annotations", "gone.json")
    assert gone.returncode == 1
    assert gone.stderr.startswith("error: gone.json")
    assert gone.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("images", "annotations", "count", "shapes"),
    [
        ("raccoon/images", "raccoon/annotations", 200, {"raccoon": 217}),
        ("bccd/BCCD/JPEGImages", "bccd/BCCD", 364, {"RBC": 4155, "WBC": 372, "Platelets": 361}),
    ],
)
def test_on_real_data(
    tmp_path: Path, images: str, annotations: str, count: int, shapes: dict[str, int]
) -> None:
    if not (SAMPLES / images).is_dir():
        pytest.skip(f"no samples in {SAMPLES.name}: set HEADRACE_SAMPLES")
    done = demo(tmp_path, "--images", SAMPLES / images, "--annotations", SAMPLES / annotations)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"imported    {count} annotations, {sum(shapes.values())} shapes" in done.stdout
    for label, number in shapes.items():
        assert re.search(rf"  {label} +{number}\n", done.stdout)
