"""Where the images of a YOLO dataset lie, what they are called, and where their sizes come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.errors import ParseError
from headrace.formats import ReadOptions, WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.model.sample import Sample
from headrace.model.shapes import Rectangle
from tests.support.data.formats import lay_out, read

YAML = "names: [a, b]\ntrain: images/train\nval: images/val\n"
ROW = "1 0.5 0.5 0.5 0.5\n"


def test_the_path_of_an_image_is_below_the_folder_that_was_given(tmp_path: Path) -> None:
    files: dict[str, Any] = {"data.yaml": YAML, "images/train/sub/x.png": (8, 8)}
    files |= {"images/val/y.png": (8, 8), "labels/val/y.txt": ROW}
    root = lay_out(tmp_path / "set", files)
    for source in (root, root / "data.yaml"):
        found = [(one.filename, one.path, one.split) for one in read(source, "yolo").samples]
        assert found == [
            ("sub/x.png", "images/train/sub/x.png", "train"),
            ("y.png", "images/val/y.png", "val"),
        ]


def test_an_image_outside_the_folder_has_no_path(tmp_path: Path) -> None:
    files: dict[str, Any] = {"cfg/data.yaml": "names: [a, b]\ntrain: ../pics\n"}
    files |= {"pics/x.png": (8, 8), "pics/x.txt": ROW}
    (one,) = read(lay_out(tmp_path, files) / "cfg", "yolo").samples
    assert (one.filename, one.path, len(one.shapes)) == ("x.png", None, 1)


def test_without_images_the_path_lacks_its_suffix(tmp_path: Path) -> None:
    files: dict[str, Any] = {"data.yaml": YAML, "labels/train/x.txt": ROW, "labels/val/y.txt": ""}
    root = lay_out(tmp_path, files)
    asked: list[tuple[str, str | None, str | None]] = []

    def sizes(images: Sequence[Sample]) -> list[tuple[int, int] | None]:
        asked.extend((one.filename, one.path, one.split) for one in images)
        return [(200, 100) if one.split == "train" else None for one in images]

    findings = Findings()
    reader = get("yolo").open(root, options=ReadOptions(), findings=findings)
    reader.size_lookup = sizes
    with reader:
        (one,) = [sample for batch in reader.batches() for sample in batch]
    assert asked == [("x", "images/train/x", "train"), ("y", "images/val/y", "val")]
    assert (one.path, one.width, one.height) == ("images/train/x", 200, 100)
    assert (one.shapes[0].x, one.shapes[0].y) == (50, 25)  # type: ignore[union-attr]
    # The size of the other image is unknown to all.
    assert [finding.code for finding in findings] == ["Y07"]


def test_the_size_of_a_file_is_never_asked_for(tmp_path: Path) -> None:
    files: dict[str, Any] = {"data.yaml": YAML, "images/train/x.png": (40, 20)}
    root = lay_out(tmp_path, files | {"labels/train/x.txt": ROW})
    reader = get("yolo").open(root, options=ReadOptions(), findings=Findings())
    reader.size_lookup = lambda images: [(1, 1)] * len(images)
    with reader:
        (one,) = [sample for batch in reader.batches() for sample in batch]
    assert (one.width, one.height) == (40, 20)


def test_mappings_of_other_tools_in_the_yaml_are_written_again(tmp_path: Path) -> None:
    roboflow = "roboflow:\n  workspace: w-7\n  version: 1\n  license: CC BY 4.0\n  tags: [a: 1]\n"
    files: dict[str, Any] = {"data.yaml": YAML + roboflow, "images/train/x.png": (8, 8)}
    root = lay_out(tmp_path / "in", files | {"labels/train/x.txt": ROW})
    found = read(root, "yolo")
    assert found.about["roboflow"]["version"] == 1
    target = tmp_path / "out"
    options = WriteOptions(about=found.about)
    with get("yolo").create(target, found.labels, options=options, findings=Findings()) as writer:
        writer.write(found.samples)
    with get("yolo").open(target, options=ReadOptions(), findings=Findings()) as reader:
        assert reader.about()["roboflow"] == found.about["roboflow"]


def test_the_current_folder_is_read_as_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Rectangle(label="cat", x=10, y=20, w=30, h=40)
    sample = Sample(filename="a/1.jpg", width=100, height=100, shapes=[box], split="train")
    formats.write([sample], tmp_path / "data", "yolo")
    monkeypatch.chdir(tmp_path / "data")
    named, here = list(formats.read(tmp_path / "data")), list(formats.read("."))
    assert [len(each.shapes) for each in here] == [1]
    assert here == named


def test_a_broken_yaml_is_an_error_and_not_a_dataset_without_names(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "1.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (tmp_path / "cats.yaml").write_text("train: images\nnames:\n  0: [cat\n")
    with pytest.raises(ParseError, match="invalid YAML") as caught:
        list(formats.read(tmp_path, "yolo"))
    assert caught.value.path == str(tmp_path / "cats.yaml")
    assert caught.value.line is not None
