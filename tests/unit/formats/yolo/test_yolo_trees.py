"""The trees that the YOLO writer makes: the task by the shapes, names, splits and the list of images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from headrace.errors import FormatError, ParseError
from headrace.formats import get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry.outlines import mask_rings
from headrace.formats.options import WriteOptions
from headrace.model.geometry import ring_area
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

BOX = Rectangle(label="dog", x=10, y=5, w=20, h=10)
TRIANGLE = Polygon(label="dog", rings=[[0, 0, 50, 0, 50, 25]])
TURNED = Polygon(label="dog", rings=[[20, 10, 30, 20, 20, 30, 10, 20]])
UPRIGHT = Polygon(label="dog", rings=[[20, 10, 30, 10, 30, 30, 20, 30]])
POSE = Keypoints(label="dog", points=[10, 10, 2, 20, 20, 1])
CLASS = Classification(label="dog")
# Two pixels in the corner of a mask of 50 x 100 (height x width).
MASK = Mask(label="dog", counts=encode([0, 2, 4998]), height=50, width=100)


def image(filename: str, *shapes: AnyShape, **more: Any) -> Sample:
    return Sample(filename=filename, width=100, height=50, shapes=list(shapes), **more)


def write(target: Path, *batches: Sequence[Sample], strict: bool = False, **options: Any) -> Any:
    writer = get("yolo").create(
        target,
        [LabelInfo(name="dog")],
        options=WriteOptions(**options),
        findings=Findings(strict=strict),
    )
    with writer:
        for batch in batches:
            writer.write(batch)
    return writer


def row(root: Path, stem: str = "a") -> list[float]:
    (line,) = (root / f"labels/train/{stem}.txt").read_text().splitlines()
    return [float(word) for word in line.split()]


@pytest.mark.parametrize(
    ("shapes", "task"),
    [
        ([], "detect"),
        ([BOX], "detect"),
        ([BOX, TRIANGLE], "segment"),
        ([MASK], "segment"),
        ([UPRIGHT], "segment"),
        ([UPRIGHT, TURNED], "obb"),
        ([TURNED, BOX], "obb"),
        ([TURNED, TRIANGLE], "segment"),
        ([TURNED] * 4 + [Polygon(label="dog", rings=[[0, 0, 50, 0, 40, 9, 10, 9]])], "segment"),
        ([POSE, POSE, BOX], "pose"),
        ([POSE, BOX], "detect"),
        ([Rectangle(label="dog", x=0, y=0, w=9, h=9, iscrowd=True), TRIANGLE], "segment"),
    ],
)
def test_y28_the_task_follows_the_shapes(
    tmp_path: Path, shapes: Sequence[AnyShape], task: str
) -> None:
    for number, batches in enumerate(
        ([[image("a.jpg", *shapes)]], [[image(f"{n}.jpg", each)] for n, each in enumerate(shapes)])
    ):
        out = tmp_path / str(number)
        writer = write(out, *batches)
        assert writer.task == task
        assert yaml.safe_load((out / "data.yaml").read_text())["task"] == task


def test_y28_a_strict_conversion_has_the_same_task(tmp_path: Path) -> None:
    assert write(tmp_path / "a", [image("a.jpg", TRIANGLE)], strict=True).task == "segment"
    with pytest.raises(FormatError, match="several rings"):
        write(
            tmp_path / "b",
            [image("a.jpg", Polygon(label="dog", rings=TRIANGLE.rings * 2))],
            strict=True,
        )


def test_boxes_before_the_first_outline_become_outlines_too(tmp_path: Path) -> None:
    late = [image("c.jpg", TRIANGLE), image("d.jpg", BOX)]
    writer = write(tmp_path, [image("a.jpg", BOX), image("b.jpg")], late)
    assert writer.task == "segment"
    corners = [0, 0.1, 0.1, 0.3, 0.1, 0.3, 0.3, 0.1, 0.3]
    assert row(tmp_path) == pytest.approx(corners)
    assert row(tmp_path, "d") == pytest.approx(corners)
    assert (tmp_path / "labels/train/b.txt").read_text() == ""
    (finding,) = [each for each in writer.found.kinds if each.code == "LOSS"]
    assert finding.count == 2


def test_classifications_need_the_images(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="images themselves"):
        write(tmp_path / "out", [image("a.jpg", CLASS)])
    assert list(tmp_path.iterdir()) == []


def test_a_mask_becomes_its_outline(tmp_path: Path) -> None:
    crowd = Mask(label="dog", counts=MASK.counts, height=50, width=100, iscrowd=True)
    writer = write(tmp_path, [image("a.jpg", MASK, crowd)])
    assert sorted(row(tmp_path)) == sorted([0, 0, 0, 0.01, 0, 0.01, 0.04, 0, 0.04])
    assert (writer.found.shapes_out, writer.shapes_lost) == (1, {"dog": 1})


def test_outlines_of_masks_enclose_their_pixels() -> None:
    # Three rows and columns with a hole in the middle, and one pixel that touches a corner.
    rings = mask_rings([0, 3, 1, 1, 1, 1, 1, 3, 4, 1], 4)
    assert sorted(map(ring_area, rings)) == [1, 1, 9]


def test_y27_a_missing_split_val_is_reported(tmp_path: Path) -> None:
    for strict in (False, True):
        out = tmp_path / str(strict)
        writer = write(out, [image("a.jpg", BOX)], strict=strict)
        assert [each.code for each in writer.found.kinds] == ["Y27"]
        text = (out / "data.yaml").read_text()
        assert "--split-by 80/20" in text
        assert yaml.safe_load(text)["val"] == "images/train"
    full = [image("a.jpg", BOX, split="train"), image("b.jpg", split="valid")]
    assert write(tmp_path / "full", full).found.kinds == []
    assert "#" not in (tmp_path / "full/data.yaml").read_text()


def test_y29_the_sizes_of_all_images_are_listed(tmp_path: Path) -> None:
    samples = [
        image("a.jpg", BOX),
        image("sub/b.c.png", split="val"),
        Sample(filename="n.jpg", annotated=False),
        image("suffixless"),
    ]
    write(tmp_path / "a", samples)
    lines = (tmp_path / "a/image-sizes.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        ["images/train/a.jpg", 100, 50],
        ["images/val/sub/b.c.png", 100, 50],
        ["images/train/n.jpg", None, None],
        ["images/train/suffixless", 100, 50],
    ]
    assert not (tmp_path / "a/labels/train/n.txt").exists()
    write(tmp_path / "b", samples, strict=True)


def test_an_image_without_label_file_still_holds_its_name(tmp_path: Path) -> None:
    samples = [image("a.jpg", annotated=False), image("a.png", BOX), image("a.bmp", BOX)]
    writer = get("yolo").create(tmp_path, [], options=WriteOptions(), findings=Findings())
    writer.image_paths = []
    with writer:
        writer.write(samples)
    assert writer.image_paths == [
        "images/train/a.jpg",
        "images/train/a-2.png",
        "images/train/a-3.bmp",
    ]
    assert {path.name for path in (tmp_path / "labels/train").iterdir()} == {"a-2.txt", "a-3.txt"}
    with pytest.raises(ParseError, match="Y23"):
        write(tmp_path / "strict", samples, strict=True)


@pytest.mark.parametrize(
    ("name", "split", "path"),
    [
        ("images/train/a.jpg", "train", "images/train/a.jpg"),
        ("images/a.jpg", "val", "images/val/a.jpg"),
        ("valid/images/a.jpg", "val", "images/val/a.jpg"),
        ("train/a.jpg", "train", "images/train/a.jpg"),
        ("valid/a.jpg", "val", "images/val/valid/a.jpg"),
        ("day/images/a.jpg", "train", "images/train/day/a.jpg"),
    ],
)
def test_ultralytics_finds_the_label_of_every_name(
    tmp_path: Path, name: str, split: str, path: str
) -> None:
    write(tmp_path, [image(name, BOX, split=split)])
    assert json.loads((tmp_path / "image-sizes.jsonl").read_text())[0] == path
    label = path.replace("images/", "labels/").replace(".jpg", ".txt")
    assert (tmp_path / label).is_file()


@pytest.mark.parametrize("split", ["images", "names", "nc"])
def test_a_split_with_a_name_of_the_yaml_is_refused(tmp_path: Path, split: str) -> None:
    with pytest.raises(ParseError, match="cannot be called"):
        write(tmp_path / "out", [image("a.jpg", BOX, split=split)])


def test_folders_of_classes_without_val_are_told(tmp_path: Path) -> None:
    writer = get("yolo").create(
        tmp_path / "out", [], options=WriteOptions(task="classify"), findings=Findings()
    )
    writer.image_paths = []
    with writer:
        writer.write([image("a.jpg", CLASS), image("b.jpg", CLASS, split="test")])
    assert writer.image_paths == ["train/dog/a.jpg", "test/dog/b.jpg"]
    assert [each.code for each in writer.found.kinds] == ["Y27"]
