"""COCO folders: one file for each split, and places for the images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.engine.convert.run import convert_blocking
from headrace.errors import ParseError
from headrace.formats.findings.collect import Findings
from headrace.formats.options import WriteOptions
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Line, Rectangle

LABELS = [LabelInfo(name=name) for name in ("cat", "dog")]


def image(filename: str, label: str, split: str | None = None) -> Sample:
    box = Rectangle(label=label, x=1, y=2, w=3, h=4)
    return Sample(filename=filename, width=100, height=50, split=split, shapes=[box])


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


SAMPLES = [
    image("a.jpg", "cat", "train"),
    image("b.jpg", "dog", "val"),
    image("c.jpg", "bird", "train"),
    image("d.jpg", "dog"),
]


def test_c34_one_file_for_each_split(tmp_path: Path) -> None:
    for strict in (False, True):
        out = tmp_path / str(strict)
        formats.write(SAMPLES, out, "coco", labels=LABELS, strict=strict)
        names = {"instances_train.json", "instances_val.json", "instances.json"}
        assert files(out) == {f"annotations/{name}" for name in names}
        found = {name: read(out / "annotations" / name) for name in names}
        assert {
            name: [each["file_name"] for each in data["images"]] for name, data in found.items()
        } == {
            "instances_train.json": ["a.jpg", "c.jpg"],
            "instances_val.json": ["b.jpg"],
            "instances.json": ["d.jpg"],
        }
        numbers = [
            {each["name"]: each["id"] for each in data["categories"]} for data in found.values()
        ]
        assert numbers == [{"cat": 1, "dog": 2, "bird": 3}] * 3
        annotations = found["instances_train.json"]["annotations"]
        assert [(each["id"], each["category_id"]) for each in annotations] == [(1, 1), (2, 3)]


def test_a_name_with_json_is_one_file(tmp_path: Path) -> None:
    findings = formats.write(SAMPLES, tmp_path / "out.json", "coco", labels=LABELS)
    assert len(read(tmp_path / "out.json")["images"]) == 4
    assert [each.message for each in findings] == ["not written: the split of an image"]


def test_a_folder_without_images_holds_an_empty_file(tmp_path: Path) -> None:
    formats.write([], tmp_path / "out", "coco", labels=LABELS)
    assert files(tmp_path / "out") == {"annotations/instances.json"}
    assert len(read(tmp_path / "out/annotations/instances.json")["categories"]) == 2


def test_images_of_one_name_get_places_of_their_own(tmp_path: Path) -> None:
    writer = formats.get("coco").create(
        tmp_path / "out", LABELS, options=WriteOptions(), findings=Findings()
    )
    writer.image_paths = []
    with writer:
        writer.write([image("x/a.jpg", "cat", "val"), image("x/a.jpg", "cat", "val")])
        writer.write([image("a.jpg", "cat")])
    assert writer.image_paths == ["val/x/a.jpg", "val/x/a-2.jpg", "images/a.jpg"]
    found = read(tmp_path / "out/annotations/instances_val.json")["images"]
    assert [each["file_name"] for each in found] == ["x/a.jpg", "x/a-2.jpg"]


@pytest.mark.parametrize("split", ["../up", "a/b", "annotations", "nul"])
def test_a_split_that_is_no_folder_is_refused(tmp_path: Path, split: str) -> None:
    with pytest.raises(ParseError, match="S01"):
        formats.write([image("a.jpg", "cat", split)], tmp_path / "out", "coco")
    assert list(tmp_path.iterdir()) == []


def test_shapes_left_out_are_counted_by_label(tmp_path: Path) -> None:
    sample = image("a.jpg", "cat")
    sample.shapes += [
        Line(label="dog", points=[0, 0, 1, 1]),
        Rectangle(label="cat", x=float("nan"), y=0, w=1, h=1),
    ]
    writer = formats.get("coco").create(
        tmp_path / "out", LABELS, options=WriteOptions(), findings=Findings()
    )
    with writer:
        writer.write([sample])
    assert writer.shapes_lost == {"dog": 1, "cat": 1}
    assert writer.found.shapes_out == 1


def test_a_conversion_from_coco_to_a_folder(tmp_path: Path) -> None:
    formats.write(SAMPLES[:1], tmp_path / "in.json", "coco", labels=LABELS)
    report = convert_blocking(tmp_path / "in.json", tmp_path / "out", to="coco")
    assert (report.images_out, report.shapes_out) == (1, 1)
    assert files(tmp_path / "out") == {"annotations/instances.json"}


def test_c35_an_image_without_annotation_says_so(tmp_path: Path) -> None:
    for strict in (False, True):
        out = tmp_path / f"{strict}.json"
        samples = [Sample(filename="a.jpg", annotated=False), Sample(filename="b.jpg")]
        formats.write(samples, out, "coco", strict=strict)
        images = read(out)["images"]
        assert [each.get("annotated") for each in images] == [False, None]


def test_an_image_without_annotation_is_read_as_one(tmp_path: Path) -> None:
    samples = [Sample(filename="a.jpg", annotated=False), Sample(filename="b.jpg")]
    formats.write(samples, tmp_path / "a.json", "coco")
    with formats.read(tmp_path / "a.json") as source:
        assert {each.filename: each.annotated for each in source} == {"a.jpg": False, "b.jpg": True}
