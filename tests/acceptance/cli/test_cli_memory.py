"""A file of a million annotations goes through in 192 MiB (F30)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.cli import COMMAND, environment

ANNOTATIONS = 1_000_000
PER_IMAGE = 10
MOST = 192 * 1024
"""KiB of memory."""

# The peak of a process begins with that of the process which started it, so a small one stands between.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO file of a million boxes."""
    path = tmp_path_factory.mktemp("million") / "instances.json"
    with path.open("w", encoding="utf-8") as out:
        out.write('{"categories": [{"id": 1, "name": "cat"}], "images": [')
        for number in range(ANNOTATIONS // PER_IMAGE):
            image = {"id": number, "file_name": f"{number:06}.jpg", "width": 640, "height": 480}
            out.write(("," if number else "") + json.dumps(image))
        out.write('], "annotations": [')
        for number in range(ANNOTATIONS):
            box = [number % 600, number % 400, 30, 40.5]
            row = {"id": number, "image_id": number // PER_IMAGE, "category_id": 1, "bbox": box}
            out.write(("," if number else "") + json.dumps(row))
        out.write("]}")
    return path


def peak(*arguments: str | Path) -> int:
    """The most memory of a command in KiB."""
    command = [sys.executable, "-c", MEASURE, *COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    status, memory = map(int, done.stdout.split())
    assert status == 0, done.stderr
    return memory


@pytest.mark.slow
@pytest.mark.parametrize("to", ["coco", "yolo"])
def test_f30_a_conversion(million: Path, tmp_path: Path, to: str) -> None:
    assert peak("convert", million, tmp_path / "out", "--to", to) < MOST
