"""Importing and exporting over both doors: what is matched, what is refused before anything is written, what is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.errors import (
    ConfigurationError,
    ConflictError,
    FormatError,
    NotFoundError,
    ParseError,
)
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from headrace.transfer.progress_event import ProgressEvent
from tests.support.data.images import coco, draw_images, write_coco

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


async def shapes(version: DatasetVersion) -> int:
    return (await version.retrieve_stats()).nb_objects


def written(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_coco(tmp_path / "instances.json", NAMES)


async def test_counts_by_annotation_id_and_the_report_agree(
    version: DatasetVersion, file: Path
) -> None:
    counts = await version.import_annotations_coco_file(file)
    report = await version.import_annotations(file)
    stats = await version.retrieve_stats()
    assert sum(counts.values()) == stats.nb_objects
    assert (report.images, report.images_imported, report.annotations) == (12, 12, 12)
    assert (report.shapes, report.shapes_imported, report.shapes_dropped) == (33, 33, 0)
    assert report.labels == {"cat": 11, "dog": 11, "car": 11}
    assert (report.format, report.source, report.version) == ("coco", str(file), "drawings/first")


@pytest.mark.parametrize(
    ("mode", "factor", "kept"), [("REPLACE", 1, 0), ("KEEP", 1, 11), ("concatenate", 2, 0)]
)
async def test_modes(
    version: DatasetVersion, file: Path, mode: str, factor: int, kept: int
) -> None:
    await version.import_annotations(file)
    before = await shapes(version)
    report = await version.import_annotations(file, mode=mode)
    assert await shapes(version) == factor * before
    assert (report.images_kept, report.images_imported) == (kept, 12 - kept)
    assert report.shapes == report.shapes_kept + report.shapes_imported == 33


async def test_an_image_found_empty_is_cleared(
    version: DatasetVersion, file: Path, tmp_path: Path
) -> None:
    await version.import_annotations(file)
    source = coco(NAMES)
    await version.import_annotations(written(tmp_path / "none.json", {**source, "annotations": []}))
    assert await shapes(version) == 0


async def test_images_that_are_no_assets(version: DatasetVersion, tmp_path: Path) -> None:
    file = write_coco(tmp_path / "more.json", [*NAMES[:3], "who.jpg", "what.jpg"])
    with pytest.raises(
        NotFoundError, match=r"2 of 5 images .*who.jpg', .*what.jpg'.* names such as"
    ):
        await version.import_annotations_coco_file(file)
    assert (await version.retrieve_stats()).nb_annotations == 0
    assert await version.list_labels() == []
    report = await version.import_annotations(file, fail_on_asset_not_found=False)
    assert (report.images_imported, report.images_not_found, report.not_found) == (
        3, 2, ["images/who.jpg", "images/what.jpg"],
    )  # fmt: skip
    assert report.shapes == report.shapes_imported + report.shapes_not_found == 12


async def test_folders_in_the_file_names(version: DatasetVersion, tmp_path: Path) -> None:
    """A name matches whole, or by its last part; never two of them one asset."""
    file = write_coco(tmp_path / "deep.json", [f"train/2017/{name}" for name in NAMES])
    report = await version.import_annotations(file)
    assert report.images_imported == 12
    clash = write_coco(tmp_path / "clash.json", [f"a/{NAMES[0]}", f"b/{NAMES[0]}", NAMES[1]])
    before = await shapes(version)
    with pytest.raises(ConflictError, match="1 images of the file match the same asset"):
        await version.import_annotations(clash)
    assert await shapes(version) == before


async def test_a_name_that_several_assets_have(
    client: Client, version: DatasetVersion, tmp_path: Path, file: Path
) -> None:
    (path,) = draw_images(tmp_path / "other", 1)
    path.write_bytes(path.read_bytes().replace(b"image_0000", b"IMAGE_0000"))
    lake = await client.get_datalake()
    await version.add_data(await lake.upload_data(path))
    with pytest.raises(ConflictError, match=r"'image_0000\.jpg' matches 2 assets"):
        await version.import_annotations(file)
    assert (await version.retrieve_stats()).nb_annotations == 0


@pytest.mark.lakes_only("on other platforms each ring is a polygon of its own")
async def test_by_id(version: DatasetVersion, tmp_path: Path) -> None:
    assets = await version.list_assets(order_by=["filename"])
    file = write_coco(tmp_path / "ids.json", [asset.id_with_extension for asset in assets])
    await version.import_annotations_coco_file(file, use_id=True)
    by_id = await version.export(tmp_path / "by_id.json", use_id=True)
    assert by_id.shapes == 33
    exported = json.loads((tmp_path / "by_id.json").read_text())
    assert {i["file_name"] for i in exported["images"]} == {a.id_with_extension for a in assets}


async def test_labels_that_must_be_there(version: DatasetVersion, file: Path) -> None:
    await version.create_label("cart")
    with pytest.raises(NotFoundError, match=r"lacks 4 labels: 'cat'.*did you mean 'cart'"):
        await version.import_annotations(file, force_create_label=False)
    assert [label.name for label in await version.list_labels()] == ["cart"]
    for name in ("dog", "cat", "car", "never used"):
        await version.create_label(name)
    report = await version.import_annotations(file, force_create_label=False)
    assert report.shapes_imported == 33


async def test_a_bad_file_is_told_before_anything_is_written(
    version: DatasetVersion, file: Path, tmp_path: Path
) -> None:
    text = file.read_text()
    damaged = coco(NAMES)
    damaged["annotations"][-1]["segmentation"] = {"counts": "!!", "size": [48, 66]}
    cases = {
        "missing.json": None,
        "cut.json": text[: len(text) // 2],
        "no.json": "not json at all",
        "damaged.json": json.dumps(damaged),
    }
    for name, content in cases.items():
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises((ParseError, FormatError), match=name):
            await version.import_annotations(tmp_path / name, "coco")
    assert (await version.retrieve_stats()).nb_annotations == 0
    assert await version.list_labels() == []


async def test_the_type_of_the_version_chooses_the_geometry(
    version: DatasetVersion, file: Path
) -> None:
    await version.set_type("OBJECT_DETECTION")
    await version.import_annotations(file)
    loaded = [a async for a in version.iter_annotations()]
    assert sum(len(a.rectangles) for a in loaded) == 33
    assert not any(a.polygons for a in loaded)


async def test_loading_and_walking_over_annotations_agree(
    version: DatasetVersion, file: Path
) -> None:
    await version.import_annotations(file, status="ACCEPTED")
    loaded = await version.load_annotations(chunk_size=5, max_workers=2)
    walked = [annotation async for annotation in version.iter_annotations(status="accepted")]
    assert sorted(loaded) == sorted(a.asset_id for a in walked)
    assert {len(each) for each in loaded.values()} == {1}
    some = (await version.list_assets())[:3]
    assert sorted(await version.load_annotations(assets=some)) == sorted(map(str, some.ids))
    assert await version.load_annotations(status="REFUSED") == {}
    one = loaded[str(some[1].id)][0]
    assert {shape["label"] for shape in one["rectangles"]} == {"cat", "dog"}


@pytest.mark.lakes_only("on other platforms each ring is a polygon of its own")
async def test_an_export_holds_what_was_asked(
    version: DatasetVersion, file: Path, tmp_path: Path
) -> None:
    await version.import_annotations(file)
    some = await version.list_assets(filenames=NAMES[:2])
    report = await version.export(tmp_path / "some.json", assets=some)
    assert (report.images, report.shapes) == (2, 6)
    none = await version.export(tmp_path / "none.json", status="REFUSED")
    assert (none.images, none.shapes) == (12, 0)
    with pytest.raises(FormatError, match=r"some\.json exists"):
        await version.export(tmp_path / "some.json")
    again = await version.export(tmp_path / "some.json", overwrite=True)
    assert again.images == 12
    with pytest.raises(FormatError, match="did you mean 'coco'"):
        await version.export(tmp_path / "x", "coko")
    with pytest.raises(ConfigurationError, match="no option 'colour'"):
        await version.export(tmp_path / "x", colour=1)
    assert not (tmp_path / "x").exists()


async def test_progress_comes_as_events(
    version: DatasetVersion, file: Path, tmp_path: Path
) -> None:
    events: list[ProgressEvent] = []
    await version.import_annotations(file, progress=events.append)
    await version.export(tmp_path / "out.json", progress=events.append)
    await version.download(tmp_path / "files", progress=events.append)
    ends = [(e.job, e.unit, e.done, e.total) for e in events if e.finished]
    assert ends == [
        ("import", "images", 12, 12),
        ("export", "images", 12, 12),
        ("pull", "files", 12, 12),
    ]


async def test_a_round_trip_through_yolo(
    client: Client, version: DatasetVersion, file: Path, tmp_path: Path
) -> None:
    """Rows of YOLO need the sizes of the images, which the assets of the version know."""
    await version.set_type("OBJECT_DETECTION")
    await version.import_annotations(file)
    await version.export(tmp_path / "yolo", "yolo")
    await client.push("drawings/again", tmp_path / "images")
    again = await client.version("drawings/again")
    report = await again.import_annotations(tmp_path / "yolo")
    assert report.format == "yolo"
    assert await again.retrieve_stats() == await version.retrieve_stats()
