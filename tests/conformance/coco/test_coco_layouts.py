"""Rows C31 to C33 and C36 of the conformance table: folders as people have them, read without any option."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import ParseError
from headrace.formats.findings.collect import Severity
from tests.support.data.formats import fails, lay_out, strict_fails
from tests.support.data.formats import read as read_any
from tests.support.layouts import SCENE, Build, draw, mixed, of_splits
from tests.support.layouts import coco as layouts
from tests.support.layouts.check import check_layout
from tests.support.layouts.coco import document, save


def read(path: Path, **options: Any) -> Any:
    return read_any(path, "coco", **options)


def save_splits(folder: Path, names: dict[str, str]) -> None:
    """Write files about the images of splits, and all images in one folder."""
    for name, splits in names.items():
        images = of_splits(*splits.split())
        save(folder / name, document(images, lambda image: f"{image.stem}.jpg"))
    for image in SCENE:
        draw(folder / "images" / f"{image.stem}.jpg", image.width, image.height)


@pytest.mark.parametrize(
    "build",
    [
        layouts.build_roboflow_coco,
        layouts.build_coco_2017,
        layouts.build_coco_2017_as_unpacked,
        layouts.build_file_for_each_split,
        layouts.build_mmdetection_coco,
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_c31_a_file_for_each_split_is_one_source(
    tmp_path: Path, build: Build, strict: bool
) -> None:
    check_layout(build, tmp_path, strict=strict)


def test_c31_labels_are_merged_by_name(tmp_path: Path) -> None:
    first = document(
        of_splits("train"),
        lambda image: f"{image.stem}.jpg",
        numbers={"cat": 1, "dog": 2, "car": 3},
    )
    second = document(
        of_splits("val"), lambda image: f"{image.stem}.jpg", numbers={"dog": 1, "cat": 5, "bus": 3}
    )
    second["categories"][1]["keypoints"] = ["nose"]
    save(tmp_path / "train.json", first)
    save(tmp_path / "val.json", second)
    found = read(tmp_path, strict=True)
    labels = [(label.name, label.id, label.keypoints) for label in found.labels]
    assert labels == [("cat", 1, ["nose"]), ("dog", 2, []), ("car", 3, []), ("bus", None, [])]
    assert found.samples == read(tmp_path).samples


def test_c31_files_of_other_tasks_are_left_and_said(tmp_path: Path) -> None:
    layouts.build_coco_2017(tmp_path)
    found = read(tmp_path)
    assert read(tmp_path, strict=True).samples == found.samples
    (left,) = [finding for finding in found.findings if finding.code == "C31"]
    assert (left.severity, left.count) == (Severity.NOTE, 9)
    for path in (tmp_path / "annotations").glob("instances_*"):
        path.unlink()
    (kept,) = {
        sample.filename
        for sample in read(tmp_path, strict=True).samples
        if sample.shapes and sample.split == "val"
    }
    assert kept == "000000000285.jpg"
    assert [label.name for label in read(tmp_path).labels] == ["person"]


def test_c31_captions_alone_are_named_for_what_they_are(tmp_path: Path) -> None:
    layouts.build_coco_2017(tmp_path)
    for path in (tmp_path / "annotations").iterdir():
        if not path.name.startswith("captions"):
            path.unlink()
    for strict in (False, True):
        with pytest.raises(
            ParseError, match=r"hold captions, no objects: annotations/captions_train2017\.json"
        ):
            read(tmp_path, strict=strict)


def test_c31_a_file_that_repeats_splits_is_left(tmp_path: Path) -> None:
    save_splits(
        tmp_path,
        {
            "train.json": "train",
            "val.json": "val",
            "trainval.json": "train val",
            "minival.json": "val",
        },
    )
    for strict in (False, True):
        found = read(tmp_path, strict=strict)
        assert [sample.split for sample in found.samples] == ["train"] * 3 + ["val"] * 2
    assert sum(finding.count for finding in found.findings) == 2


def test_c31_a_split_that_only_has_the_name_of_a_repeat_is_read(tmp_path: Path) -> None:
    save_splits(tmp_path, {"train.json": "train", "val.json": "val", "minival.json": "test"})
    for strict in (False, True):
        found = read(tmp_path, strict=strict)
        assert [sample.split for sample in found.samples][-2:] == ["val", "minival"]
        assert found.codes == set()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("splits", [("train", "night", None), ("night",), (None,), ("night", None)])
def test_c31_a_folder_that_headrace_wrote_is_read_whole(
    tmp_path: Path, splits: tuple[str | None, ...], strict: bool
) -> None:
    for split, image in zip(splits, SCENE, strict=False):
        end = "" if split is None else f"_{split}"
        content = document([image], lambda image: f"{image.stem}.jpg")
        save(tmp_path / "annotations" / f"instances{end}.json", content)
        place = tmp_path / (split or "images") / f"{image.stem}.jpg"
        draw(place, image.width, image.height)
    found = read(tmp_path, strict=strict)
    assert {sample.split: sample.path for sample in found.samples} == {
        split: f"{split or 'images'}/{image.stem}.jpg"
        for split, image in zip(splits, SCENE, strict=False)
    }
    assert found.codes == set()


def test_c31_a_file_without_a_split_beside_splits_is_odd(tmp_path: Path) -> None:
    save_splits(tmp_path, {"train.json": "train", "val.json": "val", "everything.json": ""})
    assert {sample.split for sample in read(tmp_path).samples} == {"train", "val"}
    strict_fails(tmp_path, "coco", "C31")


def test_c31_an_image_in_two_files_is_an_error(tmp_path: Path) -> None:
    save_splits(tmp_path, {"train.json": "train val", "val.json": "val"})
    for strict in (False, True):
        error = fails(tmp_path, "coco", strict=strict)
        assert "C31" in error.message
        assert "images/street_04.jpg" in error.message
    found = read(tmp_path, on_error="skip")
    assert [sample.split for sample in found.samples] == ["train"] * 5
    (finding,) = found.findings
    assert (finding.dropped_images, finding.dropped_shapes) == (2, 3)


def test_c31_equal_names_in_folders_apart_stay_apart(tmp_path: Path) -> None:
    for split in ("train", "val"):
        image = of_splits(split)[0]
        save(tmp_path / split / "labels.json", document([image], lambda image: "a.jpg"))
        draw(tmp_path / split / "data" / "a.jpg", image.width, image.height)
    found = read(tmp_path)
    assert [(sample.filename, sample.path) for sample in found.samples] == [
        ("a.jpg", "train/data/a.jpg"),
        ("val/data/a.jpg", "val/data/a.jpg"),
    ]
    assert found.codes == {"C31"}
    assert read(tmp_path, strict=True).samples == found.samples


@pytest.mark.parametrize(
    "build",
    [
        layouts.build_coco_beside_images,
        layouts.build_fiftyone_coco,
        layouts.build_label_studio_coco,
        layouts.build_cvat_coco,
        layouts.build_via_coco,
    ],
)
def test_c32_images_are_found_where_tools_put_them(tmp_path: Path, build: Build) -> None:
    check_layout(build, tmp_path)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("/home/someone/upload/NAME", "pictures/of the street"),
        ("../../data/local-files/NAME", "images"),
        ("https://example.com/a/NAME?x=1", "images"),
        ("C:\\data\\NAME", "."),
        ("day/one/NAME", "images/day/one"),
        ("day/one/NAME", "images"),
    ],
)
def test_c32_names_of_another_machine(tmp_path: Path, name: str, place: str, strict: bool) -> None:
    image = SCENE[0]
    content = document([image], lambda image: name.replace("NAME", f"{image.stem}.jpg"))
    del content["images"][0]["width"]
    save(tmp_path / "coco.json", content)
    draw(tmp_path / place / f"{image.stem}.jpg", image.width, image.height)
    (sample,) = read(tmp_path, strict=strict).samples
    assert sample.path == (Path(place) / f"{image.stem}.jpg").as_posix()
    assert (sample.width, sample.height) == (image.width, image.height)


def test_c32_no_path_leads_out_of_the_source(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.jpg": (9, 9), "inside/other/b.jpg": (9, 9)})
    for name in ("../a.jpg", "x/../../a.jpg", str(tmp_path / "a.jpg")):
        save(tmp_path / "inside" / "coco.json", {"images": [{"id": 1, "file_name": name}]})
        assert read(tmp_path / "inside").samples[0].path is None
        strict_fails(tmp_path / "inside", "coco", "C20")


def test_c32_a_file_has_paths_beside_it_and_no_split(tmp_path: Path) -> None:
    wanted = layouts.build_roboflow_coco(tmp_path)
    for strict in (False, True):
        found = read(tmp_path / "valid" / "_annotations.coco.json", strict=strict).samples
        assert [f"valid/{sample.path}" for sample in found] == wanted.paths[3:5]
        assert {sample.split for sample in found} == {None}


@pytest.mark.parametrize("strict", [False, True])
def test_c32_beside_a_file_only_usual_folders_are_looked_at(tmp_path: Path, strict: bool) -> None:
    path = tmp_path / "coco.json"
    save(path, document(SCENE[:1], lambda image: "a.jpg"))
    draw(tmp_path / "another set" / "a.jpg", 64, 48)
    assert [sample.path for sample in read(path, strict=strict).samples] == [None]
    assert [sample.path for sample in read(tmp_path, strict=strict).samples] == [
        "another set/a.jpg"
    ]
    draw(tmp_path / "images" / "a.jpg", 64, 48)
    assert [sample.path for sample in read(path, strict=strict).samples] == ["images/a.jpg"]


def via(**more: Any) -> dict[str, Any]:
    shape = {"id": 1, "image_id": "7", "category_id": "1", "bbox": [1, 2, 3, 4], "area": 12}
    return {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 9, "height": 9}],
        "annotations": [shape, {**shape, "id": 2, "image_id": 7}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 1, "name": "cat"}],
        **more,
    }


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("options", [{}, {"geometry": "raw"}, {"task": "detect"}])
def test_c33_ids_as_texts_and_as_numbers_are_equal(
    tmp_path: Path, strict: bool, options: dict[str, Any]
) -> None:
    (tmp_path / "coco.json").write_text(json.dumps(via()))
    found = read(tmp_path / "coco.json", strict=strict, **options)
    assert [shape.label for shape in found.samples[0].shapes] == ["cat", "cat"]
    assert {(each.code, each.severity) for each in found.findings} == {
        ("C16", Severity.NOTE),
        ("C33", Severity.NOTE),
    }


def test_c33_a_text_is_preferred_where_both_are_there(tmp_path: Path) -> None:
    image = {"id": "7", "file_name": "b.jpg", "width": 9, "height": 9}
    content = via(images=[via()["images"][0], image], categories=[{"id": "1", "name": "cat"}])
    (tmp_path / "coco.json").write_text(json.dumps(content))
    for strict in (False, True):
        found = read(tmp_path / "coco.json", strict=strict)
        assert [len(sample.shapes) for sample in found.samples] == [1, 1]


@pytest.mark.parametrize("strict", [False, True])
def test_c33_the_size_behind_a_name_is_cut_off(tmp_path: Path, strict: bool) -> None:
    images = [{"id": 7, "file_name": "a.jpg104733", "width": 9, "height": 9}]
    lay_out(tmp_path, {"coco.json": json.dumps(via(images=images)), "images/a.jpg": (9, 9)})
    (sample,) = read(tmp_path, strict=strict).samples
    assert (sample.filename, sample.path) == ("a.jpg", "images/a.jpg")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("build", "others"),
    [(mixed.build_three_formats, {"voc", "yolo"}), (mixed.build_voc_with_strays, {"coco"})],
)
def test_c36_of_several_formats_one_is_read_and_the_others_are_noted(
    tmp_path: Path, build: Build, others: set[str], strict: bool
) -> None:
    findings = check_layout(build, tmp_path, strict=strict)
    assert {(each.code, each.severity) for each in findings} == {("S03", Severity.NOTE)}
    assert {each.message.rpartition(" ")[2] for each in findings} == others
