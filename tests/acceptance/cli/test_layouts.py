"""The first two commands that people type, ``push DIR`` and ``import DIR``, for every layout that tools write."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.layouts import SCENE, Build, Expected, coco, draw, mixed, voc, yolo
from tests.support.processes.cli import Place, new_lake, served
from tests.support.tiers import slow


def _builders(*modules: ModuleType) -> list[Build]:
    return [
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("build_")
        and function.__module__ == module.__name__
        and inspect.signature(function).return_annotation == "Expected"
    ]


LAYOUTS = _builders(coco, mixed, voc, yolo)
CHOSEN = (coco.build_coco_2017, voc.build_voc_devkit, yolo.build_ultralytics)
"""One layout of each format, which goes through the server and every export in a default run."""


def _name(build: Build) -> str:
    return build.__name__.removeprefix("build_")


def _drawn(folder: Path, wanted: Expected) -> Path:
    """The folder to push: that of the layout, or another one with its images where the layout comes without."""
    if all((folder / path).is_file() for path in wanted.paths):
        return folder
    apart = folder.parent / "images of it"
    for path in wanted.paths:
        (image,) = [each for each in SCENE if Path(path).stem.endswith(each.stem)]
        draw(apart / path, image.width, image.height)
    return apart


@contextmanager
def _place(kind: str, folder: Path) -> Iterator[Place]:
    if kind == "lake":
        yield new_lake(folder)
    else:
        with served(folder) as place:
            yield place


def _check(place: Place, version: str, wanted: Expected) -> None:
    """The version holds what the layout does."""
    stats = place.done("stats", version)
    assert stats["labels"] == wanted.labels
    assert (stats["annotations"], stats["shapes"]) == (wanted.annotated, wanted.shapes)


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        pytest.param(build, kind, id=f"{_name(build)}-{kind}", marks=[] if quick else slow(0).marks)
        for build in LAYOUTS
        for kind, quick in (("lake", True), ("server", build in CHOSEN))
    ],
)
def test_push_and_import_of_one_folder(build: Build, kind: str, tmp_path: Path) -> None:
    wanted = build(tmp_path / "data")
    images = _drawn(tmp_path / "data", wanted)
    with _place(kind, tmp_path / "lake") as place:
        pushed = place.done("push", "street/v1", images)
        assert pushed["assets"] == len(set(wanted.paths))
        (report,) = place.done("import", "street/v1", tmp_path / "data" / wanted.source)["files"]
        assert report["format"] == wanted.format
        assert report["splits"] == wanted.splits
        assert report["labels"] == wanted.labels
        assert (report["images"], report["images_imported"]) == (wanted.images, wanted.images)
        assert (report["shapes"], report["shapes_imported"]) == (wanted.shapes, wanted.shapes)
        # A source without images does not tell their suffixes.
        assert report["images_by_ending"] == 0 or images != tmp_path / "data"
        _check(place, "street/v1", wanted)


@pytest.mark.parametrize(
    ("build", "format", "kind"),
    [
        pytest.param(
            build,
            target,
            kind,
            id=f"{_name(build)}-{target}-{kind}",
            marks=[] if build in CHOSEN and kind == "lake" else slow(0).marks,
        )
        for build in LAYOUTS
        for target in ("coco", "yolo", "voc")
        for kind in ("lake", "server")
        if build is not yolo.build_classify or target == "yolo"
    ],
)
def test_an_export_with_its_images_is_a_data_set(
    build: Build, format: str, kind: str, tmp_path: Path
) -> None:
    """What any layout became is exported, pushed and imported into another lake: equal by label and by split."""
    wanted = build(tmp_path / "data")
    out = tmp_path / "out"
    with _place(kind, tmp_path / "lake") as place:
        place.done("push", "street/v1", _drawn(tmp_path / "data", wanted))
        place.done("import", "street/v1", tmp_path / "data" / wanted.source)
        done = place.done("export", "street/v1", out, "--format", format, "--media", "copy")
        assert (done["images"], done["shapes"]) == (wanted.images, wanted.shapes)
    with _place(kind, tmp_path / "second") as second:
        assert second.done("push", "again/v1", out)["assets"] == wanted.images
        (report,) = second.done("import", "again/v1", out)["files"]
        assert report["format"] == format
        assert report["images_imported"] == wanted.images
        assert report["images_by_ending"] == 0
        # Every image of YOLO and VOC is in a split.
        whole = {} if format == "coco" else {"train": wanted.images}
        assert report["splits"] == (wanted.splits or whole)
        _check(second, "again/v1", wanted)


@pytest.mark.parametrize("build", LAYOUTS, ids=_name)
@pytest.mark.slow
def test_a_part_of_the_folder_is_pushed(build: Build, tmp_path: Path) -> None:
    """People push ``DIR/images`` and import ``DIR``: each image is found by its name, or by the end of its path."""
    wanted = build(tmp_path / "data")
    images = _drawn(tmp_path / "data", wanted)
    tops = {path.partition("/")[0] for path in wanted.paths}
    if len(tops) > 1 or wanted.paths[0] in tops:
        pytest.skip("the layout has no single folder of images")
    place = new_lake(tmp_path / "lake")
    place.done("push", "street/v1", images / tops.pop())
    (report,) = place.done("import", "street/v1", tmp_path / "data" / wanted.source)["files"]
    assert report["images_imported"] == wanted.images
    assert report["splits"] == wanted.splits
    _check(place, "street/v1", wanted)


@pytest.mark.parametrize(
    ("build", "source"),
    [
        (coco.build_coco_2017, "annotations/instances_val2017.json"),
        (coco.build_cvat_coco, "annotations/instances_default.json"),
        (coco.build_roboflow_coco, "valid/_annotations.coco.json"),
        (yolo.build_ultralytics, "labels"),
        (yolo.build_ultralytics, "data.yaml"),
        (yolo.build_label_studio, "labels"),
        (voc.build_voc_annots, "annots"),
    ],
)
def test_a_part_of_the_annotations_is_imported(build: Build, source: str, tmp_path: Path) -> None:
    """People push ``DIR`` and name the file or the folder of the annotations below it."""
    wanted = build(tmp_path / "data")
    place = new_lake(tmp_path / "lake")
    place.done("push", "street/v1", tmp_path / "data")
    (report,) = place.done("import", "street/v1", tmp_path / "data" / source)["files"]
    assert report["images_imported"] == report["images"] > 0
    assert report["shapes_imported"] == report["shapes"] > 0
    if report["images"] == wanted.images:
        assert set(report["labels"].values()) == set(wanted.labels.values())


def test_two_sources_of_different_splits_in_one_command(tmp_path: Path) -> None:
    wanted = coco.build_coco_2017(tmp_path / "data")
    place = new_lake(tmp_path / "lake")
    place.done("push", "street/v1", tmp_path / "data")
    files = sorted((tmp_path / "data" / "annotations").glob("instances_*.json"))
    plans = place.done("import", "street/v1", *files, "--dry-run")["files"]
    reports = place.done("import", "street/v1", *files)["files"]
    for done in (plans, reports):
        assert {split: n for each in done for split, n in each["splits"].items()} == wanted.splits
        assert sum(each["images_imported"] for each in done) == wanted.images
        assert sum(each["shapes_imported"] for each in done) == wanted.shapes
        assert sum(each["annotations_replaced"] for each in done) == 0
    _check(place, "street/v1", wanted)


def test_an_import_of_nothing_fails_unless_that_is_asked_for(tmp_path: Path) -> None:
    wanted = yolo.build_ultralytics(tmp_path / "data")
    coco.build_coco_2017(tmp_path / "other")
    place = new_lake(tmp_path / "lake")
    place.done("push", "street/v1", tmp_path / "data")
    place.done("import", "street/v1", tmp_path / "data")
    arguments = ("import", "street/v1", tmp_path / "other", "--allow-missing")
    outcome = place.run(*arguments)
    assert outcome.status == 1
    assert "none of its 5 images is in the version. If that is intended, pass --allow-empty" in (
        " ".join(outcome.err.split())
    )
    (report,) = place.done(*arguments, "--allow-empty")["files"]
    assert (report["images_imported"], report["labels"]) == (0, {})
    _check(place, "street/v1", wanted)
