"""Ultralytics' own checks pass on what a version is exported to, and count what the version holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import headrace
from headrace import formats
from headrace.engine.exports.run import ExportReport
from headrace.formats.io.image_size import read_size
from headrace.model.rle import encode
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import (
    AnyShape,
    Classification,
    Keypoints,
    Mask,
    Polygon,
    Rectangle,
)
from headrace.platform.platform import Platform
from tests.support.data.images import draw_images
from tests.support.processes.peers import ask

# The first test of a peer installs it.
pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

COUNT = 6
SPLITS = ["train", "train", "train", "val", "test", None]
LABELS = ["cat", "traffic light"]


def label(number: int) -> str:
    return LABELS[number % len(LABELS)]


def boxes(number: int, width: int, height: int) -> list[AnyShape]:
    return [
        Rectangle(label=label(number + n), x=4 * n, y=2 * n, w=width / 3, h=height / 3)
        for n in range(number)
    ]


def outlines(number: int, width: int, height: int) -> list[AnyShape]:
    triangle = Polygon(label=label(number), rings=[[1, 1, width - 1, 1, 1, height - 1]])
    parts = Polygon(
        label="cat", rings=[[1, 1, 9, 1, 1, 9], [20, 20, 30, 20, 20, 30], [40, 9, 44, 9, 40, 12]]
    )
    # A ring of pixels with a hole, from the top left corner.
    counts = [0, 3, height - 3, 1, 1, 1, height - 3, 3]
    mask = Mask(
        label="cat",
        counts=encode([*counts, width * height - sum(counts)]),
        height=height,
        width=width,
    )
    return [triangle, parts, mask, *boxes(1, width, height)] if number != 2 else []


def poses(number: int, width: int, height: int) -> list[AnyShape]:
    points = [2.0, 2.0, 2, width / 2, 5.0, 1, 0, 0, 0]
    return [
        Keypoints(label=label(number), points=points, bbox=(0, 0, width / 2, 9 + n))
        for n in range(number)
    ]


def turned(number: int, width: int, height: int) -> list[AnyShape]:
    x, y = width / 2, height / 2
    return [
        Polygon(
            label=label(number), rings=[[x, y - 9, x + 9 + n, y + n, x + n, y + 9 + n, x - 9, y]]
        )
        for n in range(number)
    ]


def kinds(number: int, width: int, height: int) -> list[AnyShape]:
    return [Classification(label=label(number))]


TASKS: dict[str, tuple[str, Callable[[int, int, int], list[AnyShape]]]] = {
    "detect": ("OBJECT_DETECTION", boxes),
    "segment": ("NOT_CONFIGURED", outlines),
    "pose": ("KEYPOINT", poses),
    "obb": ("SEGMENTATION", turned),
    "classify": ("CLASSIFICATION", kinds),
}


async def exported(tmp_path: Path, task: str) -> ExportReport:
    """Fill a version with images and shapes, and export it without naming the task."""
    kind, draw = TASKS[task]
    draw_images(tmp_path / "images", COUNT)
    samples = []
    for number, path in enumerate(sorted((tmp_path / "images").iterdir())):
        size = read_size(path)
        assert size is not None
        shapes = draw(number, size.width, size.height)
        samples.append(
            Sample(
                filename=path.name,
                width=size.width,
                height=size.height,
                shapes=shapes,
                split=SPLITS[number],
            )
        )
    labels = [LabelInfo(name=name, keypoints=["a", "b", "c"]) for name in LABELS]
    formats.write(samples, tmp_path / "source", "coco", labels=labels)
    async with headrace.connect(tmp_path / "lake") as client:
        await client.push("set/v1", tmp_path / "images", type=kind)
        version = await client.version("set/v1")
        await version.import_annotations(tmp_path / "source")
        return await version.export(tmp_path / "out", "yolo", media="copy")


@pytest.mark.parametrize("task", TASKS)
async def test_ultralytics_accepts_an_export(tmp_path: Path, task: str) -> None:
    await Platform.create(tmp_path / "lake")
    report = await exported(tmp_path, task)
    assert report.task == task
    found = ask("ultralytics", "check", f"yolo-{task}", tmp_path / "out")
    assert (found["missing"], found["corrupt"], found["messages"]) == (0, 0, [])
    assert found["classes"] == report.labels
    # The image without a split is in train.
    assert found["splits"] == {"train": 4, "val": 1, "test": 1}
    if task in ("segment", "obb"):
        assert found["segments"] == report.shapes > 0
