"""Folders of COCO files: what they are taken for, and which files are read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from headrace import formats
from headrace.engine.convert.run import convert_blocking
from headrace.errors import ParseError, UnknownFormatError
from headrace.formats.findings.collect import Severity
from tests.support.data.formats import lay_out, samples

COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
)
VIDEO = json.dumps(
    {
        "videos": [{"id": 1, "name": "clip"}],
        "images": [{"id": 1, "video_id": 1, "frame_id": 0, "file_name": "0.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "instance_id": 1, "bbox": [1, 2, 3, 4]}
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
)


@pytest.mark.parametrize(
    "place",
    ["a.json", "A.JSON", "annotations/instances_train.json", "train/_annotations.coco.json"],
)
@pytest.mark.parametrize(("text", "name"), [(COCO, "coco"), (VIDEO, "coco-video")])
def test_the_only_file_of_a_folder_is_read(
    tmp_path: Path, place: str, text: str, name: str
) -> None:
    lay_out(tmp_path, {place: text, "settings.json": "{}", "train/a.jpg": (9, 9)})
    guess = formats.detect(tmp_path)
    assert (guess.format, guess.confidence) == (name, "certain" if name == "coco" else "likely")
    assert place in guess.reason
    for told in (None, name):
        with formats.read(tmp_path, told, strict=True) as source:
            assert [len(sample.shapes) for sample in source] == [1]


def test_the_path_of_a_video_is_that_of_its_file(tmp_path: Path) -> None:
    lay_out(tmp_path, {"annotations/tracks.json": VIDEO, "clips/clip": b"a video"})
    with formats.read(tmp_path) as source:
        assert [sample.path for sample in source] == ["clips/clip"]
    (tmp_path / "clips" / "clip").unlink()
    with formats.read(tmp_path) as source:
        assert [sample.path for sample in source] == [None]


def test_packed_files_count(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.json.gz": gzip.compress(COCO.encode())})
    assert formats.detect(tmp_path).reason == "it holds a.json.gz"


def test_the_files_of_splits_are_one_source(tmp_path: Path) -> None:
    files = {f"{split}/_annotations.coco.json": COCO for split in ("train", "valid", "test")}
    lay_out(tmp_path, files)
    reason = formats.detect(tmp_path).reason
    assert all(name in reason for name in files)
    with formats.read(tmp_path) as source:
        names = [(sample.split, sample.filename) for sample in source]
    assert names == [("train", "a.jpg"), ("val", "val/a.jpg"), ("test", "test/a.jpg")]
    with formats.read(tmp_path / "valid") as source:
        assert len(list(source)) == 1
    with formats.read(tmp_path, split="valid") as source:
        assert [sample.split for sample in source] == ["val"]
    with pytest.raises(ParseError, match="splits: test, train, val"):
        formats.read(tmp_path, split="minival").__enter__()


def test_a_conversion_reads_one_split_or_names_it(tmp_path: Path) -> None:
    """A folder of splits is read for one of them; a file that tells none is written as it."""
    lay_out(tmp_path, {f"{split}/labels.json": COCO for split in ("train", "valid")})
    for number, source in enumerate((tmp_path, tmp_path / "train" / "labels.json")):
        target = tmp_path / f"yolo{number}"
        report = convert_blocking(source, target, to="yolo", split="val")
        assert report.images_out == 1
        assert [path.parent.name for path in target.rglob("a.txt")] == ["val"]


def test_many_files_are_not_all_named(tmp_path: Path) -> None:
    lay_out(tmp_path, {f"{number}.json": COCO for number in range(9)})
    with pytest.raises(ParseError, match=r"9 annotation files: 0\.json, .* 4\.json …"):
        formats.read(tmp_path).__enter__()


def test_of_both_kinds_the_images_are_read_and_the_other_is_said(tmp_path: Path) -> None:
    lay_out(tmp_path, {"images.json": COCO, "tracks.json": VIDEO})
    guess = formats.detect(tmp_path)
    assert (guess.format, guess.reason) == ("coco", "it holds images.json")
    assert [other.format for other in guess.others] == ["coco-video"]
    with formats.read(tmp_path) as source:
        assert [sample.filename for sample in source] == ["a.jpg"]
    (finding,) = source.findings
    assert (finding.code, finding.severity) == ("S03", Severity.NOTE)
    assert "tracks.json" in str(finding.examples[0])
    with formats.read(tmp_path, "coco-video") as source:
        assert [sample.filename for sample in source] == ["clip"]


def test_a_folder_without_any_is_refused_by_name(tmp_path: Path) -> None:
    lay_out(tmp_path, {"settings.json": "{}", "results.json": "[]"})
    with pytest.raises(UnknownFormatError):
        formats.detect(tmp_path)
    with pytest.raises(ParseError, match="name the annotation file"):
        formats.read(tmp_path, "coco").__enter__()


@pytest.mark.parametrize(
    ("folder", "name", "count"),
    [
        ("roboflow-python/datasets/sharks-tiny-coco", "coco", 3),
        ("labelme/instance_segmentation/data_dataset_coco", "coco", 1),
        ("cvat-polygons", "coco", 1),
        ("mmtracking/demo_cocovid_data", "coco-video", 1),
        ("od-metrics-toy/gts_coco_format", "coco", 1),
    ],
)
def test_real_folders(folder: str, name: str, count: int) -> None:
    path = samples(*folder.split("/"))
    assert formats.detect(path).format == name
    with formats.read(path) as source:
        found = list(source)
    assert found
    assert len({sample.split for sample in found}) == count
