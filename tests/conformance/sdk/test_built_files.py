"""Annotation files made by the client, over both doors: the same bytes in every run, nothing lost without a word."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import yaml

from headrace import convert, create_lake
from headrace.errors import BadRequestError, FormatError, LakeError, NotFoundError
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


@pytest.fixture
async def annotated(version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """11 of 12 assets have shapes, the twelfth an empty annotation."""
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    return version


@pytest.mark.lakes_only("on other platforms each ring is a polygon of its own")
async def test_a_coco_file(annotated: DatasetVersion, tmp_path: Path) -> None:
    built = await annotated.build_coco_file_locally()
    again = await annotated.build_coco_file_locally(chunk_size=1)
    assert built == again
    assert [image.file_name for image in built.images] == NAMES[::-1]
    assert [image.id for image in built.images] == list(range(12))
    assert [category.name for category in built.categories] == ["cat", "dog", "car", "never used"]
    assert [category.id for category in built.categories] == [0, 1, 2, 3]
    assert [one.id for one in built.annotations] == list(range(1, 34))
    sizes = {image.file_name: (image.width, image.height) for image in built.images}
    assert sizes["image_0003.jpg"] == (67, 48)
    exported = await annotated.export(tmp_path / "out.json")
    whole = json.loads(Path(exported.target).read_text())
    names = {image["id"]: image["file_name"] for image in whole["images"]}
    mine = {image.id: image.file_name for image in built.images}
    assert sorted(
        (names[one["image_id"]], one["category_id"] - 1, one["bbox"], one["area"])
        for one in whole["annotations"]
    ) == sorted(
        (mine[one.image_id], one.category_id, one.bbox, one.area) for one in built.annotations
    )
    built.write(tmp_path / "built.json")
    assert json.loads((tmp_path / "built.json").read_text()) == built.model_dump()
    report = await annotated.import_annotations(tmp_path / "built.json")
    assert (report.shapes_imported, report.shapes_dropped) == (33, 0)


@pytest.mark.lakes_only("on other platforms each ring is a polygon of its own")
async def test_an_order_of_categories(annotated: DatasetVersion) -> None:
    built = await annotated.build_coco_file_locally(enforced_ordered_categories=["car", "dog"])
    told = {category.id: category.name for category in built.categories}
    assert told == {0: "car", 1: "dog", 2: "cat", 3: "never used"}
    assert sum(told[one.category_id] == "car" for one in built.annotations) == 11
    with pytest.raises(NotFoundError, match="'cart': did you mean 'cat'"):
        await annotated.build_coco_file_locally(enforced_ordered_categories=["cart"])


async def test_some_assets_a_status_and_other_names(annotated: DatasetVersion) -> None:
    some = await annotated.list_assets(filenames=NAMES[2:4])
    (first, *_) = some
    annotation = await first.get_annotation()
    await annotation.update(status="ACCEPTED")
    built = await annotated.build_coco_file_locally(assets=some, use_id=True)
    assert {image.file_name for image in built.images} == {f"{each.id}.jpg" for each in some}
    by_data = await annotated.build_coco_file_locally(status="ACCEPTED", export_key="DATA_ID")
    assert [image.file_name for image in by_data.images] == [f"{first.data_id}.jpg"]
    by_object = await annotated.build_coco_file_locally(assets=[first], export_key="OBJECT_NAME")
    assert [image.file_name for image in by_object.images] == [first.object_name]


async def test_a_version_without_annotations(version: DatasetVersion) -> None:
    await version.create_label("cat")
    built = await version.build_coco_file_locally()
    assert (built.images, built.annotations) == ([], [])
    assert [category.name for category in built.categories] == ["cat"]


async def test_what_coco_has_no_words_for(
    version: DatasetVersion, caplog: pytest.LogCaptureFixture
) -> None:
    cat = await version.create_label("cat")
    asset = await version.find_asset(filename=NAMES[0])
    annotation = await asset.create_annotation()
    await annotation.create_line([[0, 0], [5, 5]], cat)
    await annotation.create_point([1, 1], cat)
    await annotation.create_classification(cat)
    with caplog.at_level(logging.WARNING, "headrace"):
        built = await version.build_coco_file_locally()
    assert [(one.bbox, one.area) for one in built.annotations] == [([], 0.0)]
    messages = {finding.message for finding in built.findings}
    assert {"COCO has no line, dropped", "COCO has no point, dropped"} <= messages
    assert "2 shapes were not written" in caplog.text


async def test_voc_files(annotated: DatasetVersion, tmp_path: Path) -> None:
    target = await annotated.build_pascal_voc_locally(tmp_path / "voc")
    assert target == str(tmp_path / "voc")
    files = sorted(path.name for path in (tmp_path / "voc").iterdir())
    assert files == [f"{Path(name).stem}.xml" for name in NAMES]
    before = await annotated.retrieve_stats()
    counts = await annotated.import_annotation_voc_file(tmp_path / "voc" / files[0])
    assert list(counts.values()) == [3]
    assert await annotated.retrieve_stats() == before


@pytest.mark.lakes_only("on other platforms each ring is a polygon of its own")
async def test_yolo_files(annotated: DatasetVersion, tmp_path: Path) -> None:
    target = await annotated.build_yolo_files_locally(
        tmp_path / "yolo", enforced_ordered_categories=["car"]
    )
    description = yaml.safe_load(Path(target, "data.yaml").read_text())
    assert dict(enumerate(["car", "cat", "dog", "never used"])) == dict(
        enumerate(description["names"].values())
    )
    assert (description["train"], description["val"]) == (".", ".")
    converted = await convert(target, tmp_path / "back.json", to="coco")
    assert (converted.images_out, converted.shapes_out) == (12, 33)
    labels = sorted(Path(target).glob("*.txt"))
    assert [path.stem for path in labels] == [Path(name).stem for name in NAMES]
    await annotated.delete_all_annotations()
    report = await annotated.import_annotations(target)
    assert (report.images_imported, report.shapes_imported) == (12, 33)
    assert report.labels == {"car": 11, "cat": 11, "dog": 11}
    await annotated.delete_all_annotations()
    counts = await annotated.import_annotations_yolo_files(Path(target, "data.yaml"), labels)
    assert sorted(counts.values()) == [0, *[3] * 11]
    await annotated.set_type("CLASSIFICATION")
    with pytest.raises(BadRequestError, match="no label files"):
        await annotated.build_yolo_files_locally(tmp_path / "no")


async def test_files_of_a_person_are_never_replaced(
    annotated: DatasetVersion, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "image_0003.xml").write_text("drawn by hand")
    (mine / "data.yaml").write_text("names: [mine]")
    (mine / "notes.txt").write_text("notes")
    before = {path.name: path.read_text() for path in mine.iterdir()}
    for build in (annotated.build_pascal_voc_locally, annotated.build_yolo_files_locally):
        with pytest.raises(FormatError, match="files are in the way") as caught:
            await build(mine)
        assert "notes.txt" not in str(caught.value)
        assert {path.name: path.read_text() for path in mine.iterdir()} == before


async def test_built_files_are_built_again_and_others_stay(
    annotated: DatasetVersion, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    some = await annotated.list_assets(filenames=NAMES[:2])
    await annotated.build_yolo_files_locally(out, assets=some)
    (out / "mine.txt").write_text("mine")
    for _ in range(2):
        await annotated.build_yolo_files_locally(out)
    assert len(list(out.glob("image_*.txt"))) == 12
    assert (out / "mine.txt").read_text() == "mine"
    (out / "image_0003.txt").write_text("mended by hand")
    with pytest.raises(FormatError, match=r"image_0003.txt \("):
        await annotated.build_yolo_files_locally(out)
    # Files of an earlier call stay where the next one does not write them: people build split after split.
    await annotated.build_yolo_files_locally(out, assets=some)
    assert (out / "image_0003.txt").read_text() == "mended by hand"
    assert len(list(out.glob("image_*.txt"))) == 12


@pytest.mark.sqlite_only("a platform over PostgreSQL is no folder")
async def test_nothing_is_built_in_a_lake(annotated: DatasetVersion, tmp_path: Path) -> None:
    await create_lake(tmp_path / "another")
    before = sorted((tmp_path / "another").rglob("*"))
    for target in (tmp_path / "another", tmp_path / "another" / "objects"):
        with pytest.raises(LakeError):
            await annotated.build_yolo_files_locally(target)
        with pytest.raises(LakeError):
            await annotated.export_annotation_file("COCO", target)
    assert sorted((tmp_path / "another").rglob("*")) == before
