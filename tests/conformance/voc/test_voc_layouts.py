"""Rows V18 and V19 of the conformance table: VOC as people lay it out, read without any option."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.formats.findings.collect import Severity
from tests.support.data.formats import read, strict_fails
from tests.support.layouts import SCENE, Build, draw, of_splits
from tests.support.layouts import voc as layouts
from tests.support.layouts.check import check_layout
from tests.support.layouts.voc import save_xml


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "build",
    [
        layouts.build_voc_devkit,
        layouts.build_cvat_voc,
        layouts.build_fiftyone_voc,
        layouts.build_voc_xmls,
        layouts.build_voc_annots,
        layouts.build_voc_other_names,
        layouts.build_voc_beside,
        layouts.build_roboflow_voc,
        layouts.build_voc_subfolders,
        layouts.build_voc_splits_of_other_names,
    ],
)
def test_v18_images_are_found_where_people_put_them(
    tmp_path: Path, build: Build, strict: bool
) -> None:
    check_layout(build, tmp_path, strict=strict)


def test_v18_names_are_those_of_the_image_files(tmp_path: Path) -> None:
    check_layout(layouts.build_voc_wrong_names, tmp_path)
    strict_fails(tmp_path, "voc", "V10")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("build", "suffix"),
    [
        (layouts.build_voc_annots, "png"),
        (layouts.build_voc_splits_of_other_names, "jpg"),
        (layouts.build_voc_xmls, "jpg"),
    ],
)
def test_v18_folders_of_annotations_do_not_become_part_of_names(
    tmp_path: Path, build: Build, suffix: str, strict: bool
) -> None:
    build(tmp_path)
    names = {sample.filename for sample in read(tmp_path, "voc", strict=strict).samples}
    assert names == {f"{image.stem}.{suffix}" for image in SCENE}


def test_v18_no_path_leads_out_of_the_source(tmp_path: Path) -> None:
    image = SCENE[0]
    save_xml(tmp_path / "inside" / "annots" / "a.xml", image, "a.jpg")
    draw(tmp_path / "a.jpg", image.width, image.height)
    draw(tmp_path / "outside" / "a.jpg", image.width, image.height)
    for strict in (False, True):
        (sample,) = read(tmp_path / "inside", "voc", strict=strict).samples
        assert sample.path is None
        found = read(tmp_path / "inside", "voc", strict=strict, images=tmp_path / "outside")
        assert found.samples[0].path is None


@pytest.mark.parametrize("strict", [False, True])
def test_v18_one_file_tells_the_path_of_its_image(tmp_path: Path, strict: bool) -> None:
    layouts.build_roboflow_voc(tmp_path)
    path = next((tmp_path / "test").glob("*.xml"))
    (sample,) = read(path, "voc", strict=strict).samples
    assert sample.path == f"{path.stem}.jpg"


@pytest.mark.parametrize("strict", [False, True])
def test_v19_images_of_two_splits_with_one_name(tmp_path: Path, strict: bool) -> None:
    findings = check_layout(layouts.build_voc_equal_names, tmp_path, strict=strict)
    (finding,) = findings
    assert (finding.code, finding.severity, finding.count) == ("V19", Severity.NOTE, 3)
    found = read(tmp_path, "voc", strict=strict)
    assert [sample.filename for sample in found.samples if sample.split == "val"] == [
        "val/frame_0.jpg",
        "val/frame_1.jpg",
    ]
    chosen = read(tmp_path, "voc", strict=strict, split="valid")
    assert len(chosen.samples) == len(of_splits("val"))


@pytest.mark.parametrize("strict", [False, True])
def test_v19_images_of_two_cameras_with_one_name(tmp_path: Path, strict: bool) -> None:
    for camera in ("a", "b"):
        for place in ("night", "day"):
            path = f"{camera}/{place}"
            save_xml(tmp_path / "Annotations" / path / "xml" / "1.xml", SCENE[0], "1.jpg")
            draw(tmp_path / "JPEGImages" / path / "1.jpg", 64, 48)
    found = read(tmp_path, "voc", strict=strict)
    names = [sample.filename for sample in found.samples]
    assert len(set(names)) == 4
