"""Ultralytics itself, with torch, checks, scans and trains on data sets that ``headrace export`` writes.

Runs where a build of torch for CPUs can be installed, and is skipped, with the reason, where none can.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.environments import CACHE, PeerEnvironmentError, python_of
from headrace import formats
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Classification, Keypoints, Polygon, Rectangle
from tests.support.layouts import draw
from tests.support.processes.cli import new_lake
from tests.support.processes.peers import ask

# The environment is large.
pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.timeout(900)]

PEER = "ultralytics-torch"
TYPES = {
    "detect": "object_detection",
    "segment": "segmentation",
    "pose": "keypoint",
    "obb": "segmentation",
    "classify": "classification",
}
TURNED = [20.0, 4.0, 44.0, 16.0, 38.0, 28.0, 14.0, 16.0]


@pytest.fixture(scope="module", autouse=True)
def environment() -> None:
    try:
        python_of(PEER, CACHE)
    except PeerEnvironmentError as error:
        pytest.skip(f"no torch for CPUs: {str(error)[-200:]}")


def shape(task: str, number: int) -> AnyShape:
    label = ("cat", "dog", "car")[number % 3]
    if task == "classify":
        return Classification(label=label)
    if task == "segment":
        return Polygon(
            label=label, rings=[[5.0, 4.0, 40.0, 6.0, 33.0, 30.0, 20.0, 34.0, 6.0, 20.0]]
        )
    if task == "obb":
        return Polygon(label=label, rings=[TURNED])
    if task == "pose":
        joints = [10.0, 8.0, 2.0, 30.0, 9.0, 1.0, 0.0, 0.0, 0.0]
        return Keypoints(label=label, points=joints, bbox=(8.0, 6.0, 30.0, 20.0))
    return Rectangle(label=label, x=4.0 + number, y=5.0, w=20.0, h=16.0)


def samples(task: str) -> list[Sample]:
    """Twelve images, the last of them without objects, of three splits."""
    found = []
    for number in range(12):
        empty = number == 11 and task != "classify"
        count = 1 if task == "classify" else 1 + number % 2
        found.append(
            Sample(
                filename=f"scene_{number:02}.png",
                width=64,
                height=48,
                split=("train", "train", "val", "test")[number % 4],
                shapes=[] if empty else [shape(task, number + more) for more in range(count)],
            )
        )
    return found


@pytest.mark.parametrize("task", TYPES)
def test_ultralytics_trains_on_an_export(tmp_path: Path, task: str) -> None:
    wanted = samples(task)
    images, source, target = tmp_path / "images", tmp_path / "source.json", tmp_path / "export"
    for sample in wanted:
        draw(images / str(sample.split) / sample.filename, 64, 48)
    if task == "classify":
        for sample in wanted:
            folder = tmp_path / "classes" / str(sample.split) / sample.shapes[0].label
            draw(folder / sample.filename, 64, 48)
        images = source = tmp_path / "classes"
    else:
        labels = [
            LabelInfo(name=name, keypoints=["nose", "tail", "paw"] if task == "pose" else [])
            for name in ("cat", "dog", "car")
        ]
        source = tmp_path / "coco"
        formats.write(wanted, source, "coco", labels=labels)
    lake = new_lake(tmp_path / "lake")
    lake.done("push", "birds/v1", images, "--type", TYPES[task])
    lake.done("import", "birds/v1", source)
    options = ["--task", "obb"] if task == "obb" else []
    lake.done("export", "birds/v1", target, "--format", "yolo", "--media", "copy", *options)
    told = ask(PEER, "read", task, target)
    for split in ("train", "val", "test"):
        mine = [sample for sample in wanted if sample.split == split]
        counts = Counter(each.label for sample in mine for each in sample.shapes)
        found: dict[str, Any] = told["splits"][split]
        assert found["images"] == len(mine)
        assert found["objects"] == counts
        if task != "classify":
            empty = sum(not sample.shapes for sample in mine)
            # They count a label file without rows as found and empty.
            assert (found["missing"], found["empty"], found["corrupt"]) == (0, empty, 0)
            assert found["messages"] == []
            assert math.isfinite(found["loss"])
