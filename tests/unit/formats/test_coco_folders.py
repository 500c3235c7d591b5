"""Folders of COCO files: what they are taken for, which file is read, and what to do where there are several."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.errors import ParseError, UnknownFormatError
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
    assert (guess.format, guess.confidence) == (name, "possible")
    assert place in guess.reason
    for told in (None, name):
        with formats.read(tmp_path, told, strict=True) as source:
            assert [len(sample.shapes) for sample in source] == [1]


def test_packed_files_count(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.json.gz": gzip.compress(COCO.encode())})
    assert formats.detect(tmp_path).reason == "it holds a.json.gz"


def test_several_files_are_named_and_one_must_be_chosen(tmp_path: Path) -> None:
    files = {f"{split}/_annotations.coco.json": COCO for split in ("train", "valid", "test")}
    lay_out(tmp_path, files)
    reason = formats.detect(tmp_path).reason
    assert all(name in reason for name in files)
    with pytest.raises(ParseError) as caught, formats.read(tmp_path):
        pass
    assert all(name in str(caught.value) for name in files)
    assert f"name the one to read: {tmp_path}/train/_annotations.coco.json" in str(caught.value)
    with formats.read(tmp_path / "valid") as source:
        assert len(list(source)) == 1


def test_many_files_are_not_all_named(tmp_path: Path) -> None:
    lay_out(tmp_path, {f"{number}.json": COCO for number in range(9)})
    with pytest.raises(ParseError, match=r"9 annotation files: 0\.json, .* 4\.json …"):
        formats.read(tmp_path).__enter__()


def test_files_of_both_kinds_are_several_formats(tmp_path: Path) -> None:
    lay_out(tmp_path, {"images.json": COCO, "tracks.json": VIDEO})
    with pytest.raises(UnknownFormatError) as caught:
        formats.detect(tmp_path)
    assert "coco: it holds images.json" in str(caught.value)
    assert "coco-video: it holds tracks.json" in str(caught.value)
    assert "format=" in str(caught.value)
    with formats.read(tmp_path, "coco-video") as source:
        assert [sample.filename for sample in source] == ["clip"]


def test_a_folder_without_any_is_refused_by_name(tmp_path: Path) -> None:
    lay_out(tmp_path, {"settings.json": "{}", "results.json": "[]"})
    with pytest.raises(UnknownFormatError):
        formats.detect(tmp_path)
    with pytest.raises(ParseError, match="name the annotation file"):
        formats.read(tmp_path, "coco").__enter__()


def test_other_formats_folders_stay_what_they_are(tmp_path: Path) -> None:
    yolo: dict[str, Any] = {"data.yaml": "names: [a]\ntrain: images\n", "images/x.png": (9, 9)}
    xml = "<annotation><filename>x.jpg</filename></annotation>"
    for name, files in {"yolo": yolo, "voc": {"Annotations/x.xml": xml}}.items():
        root = lay_out(tmp_path / name, {**files, "annotations.json": COCO})
        assert formats.detect(root).format == name


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
    if count == 1:
        with formats.read(path) as source:
            assert list(source)
    else:
        with pytest.raises(ParseError, match=f"{count} annotation files"):
            formats.read(path).__enter__()
