"""An overwrite that is killed at any moment leaves the old or the new, and every file of a person's."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest

from headrace.engine.convert.run import convert_blocking
from headrace.folders.manifest import NEXT
from headrace.folders.state import state_of
from headrace.formats.io.atomic import AtomicTarget
from tests.support.processes.forked import Forked
from tests.support.tiers import scaled

IMAGES = 300
MINE = {
    "labels/train.cache": "a cache of a trainer",
    "labels/train/mine.txt": "beside the labels",
    "runs/exp/weights/best.pt": "weights",
    "images/train/a.jpg": "an image",
    "notes": "notes",
}


def source(path: Path, edition: int) -> Path:
    """A COCO file; editions differ in every box, and in some of the images."""
    numbers = range(edition * 20, IMAGES + edition * 20)
    document = {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": 64, "height": 48}
            for number in numbers
        ],
        "annotations": [
            {"id": number, "image_id": number, "category_id": 1, "bbox": [edition, 1, 9, 9]}
            for number in numbers
        ],
        "categories": [{"id": 1, "name": f"edition {edition}"}],
    }
    path.write_text(json.dumps(document))
    return path


def overwrite(path: Path, out: Path) -> None:
    convert_blocking(path, out, to="yolo", overwrite=True, workers=1)


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def put_mine(out: Path) -> None:
    for name, text in MINE.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)


def kill_somewhere(path: Path, out: Path, log: Path, dice: random.Random) -> None:
    """Kill an overwrite at a random moment; in every second case while it publishes."""
    publishing = state_of(out) / NEXT
    publishing.unlink(missing_ok=True)
    process = Forked(overwrite, path, out, log=log)
    if dice.random() < 0.5:
        time.sleep(dice.uniform(0, 0.2))
    else:
        while process.returncode is None and not publishing.exists():
            time.sleep(0.0002)
        time.sleep(dice.choice([0, dice.uniform(0, 0.005), dice.uniform(0, 0.05)]))
    process.kill()
    process.join(60)


def test_a_killed_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "state"))
    dice = random.Random(12)
    place = tmp_path / "place"
    place.mkdir()
    out = place / "out"
    editions = [source(tmp_path / f"{edition}.json", edition) for edition in range(3)]
    expected = []
    for path in editions:
        convert_blocking(path, tmp_path / f"{path.stem}-yolo", to="yolo")
        expected.append(tree(tmp_path / f"{path.stem}-yolo"))
    mine = {name: text.encode() for name, text in MINE.items()}
    overwrite(editions[0], out)
    put_mine(out)
    now = 0
    for _ in range(scaled(50)):
        following = (now + dice.choice([1, 2])) % 3
        kill_somewhere(editions[following], out, tmp_path / "log", dice)
        # The moment after: every file of the person's is at its path, or the folder is at its temporary name.
        old = place / ".out.headrace-old"
        assert all((out / name).exists() or (old / name).exists() for name in MINE)
        # The next run, whatever it does, brings it to its end.
        recovery = AtomicTarget(out, overwrite=True)
        recovery.begin(folder=True)
        recovery.discard()
        found = tree(out)
        is_new = found == expected[following] | mine
        assert is_new or found == expected[now] | mine
        assert os.listdir(place) == ["out"]
        now = following if is_new else now
    overwrite(editions[(now + 1) % 3], out)
    assert tree(out) == expected[(now + 1) % 3] | mine
