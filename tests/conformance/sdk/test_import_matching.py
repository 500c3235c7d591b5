"""Which assets the images of a source are matched to, the splits that become tags, and what is said before and after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from headrace.backend.base import Limits
from headrace.errors import ConflictError, NoDataError, NotFoundError, ServerError
from headrace.protocol.operations.annotations import IMPORT_ANNOTATIONS, IMPORT_PACKED, MATCH_ASSETS
from headrace.protocol.operations.assets import LIST_ASSETS, LIST_ASSETS_BY_KEY
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import coco, write_coco
from tests.support.layouts import draw

PLAIN = Limits(import_assets=5, load_annotations=3, asset_ids=4)


@pytest.fixture(params=["own", "plain"])
async def any_client(request: pytest.FixtureRequest, client: Client) -> Client:
    """A client that uses what only headrace has, and one that uses what every platform has."""
    if request.param == "plain":
        client.session.backend.limits = PLAIN
    return client


async def pushed(client: Client, folder: Path, names: Sequence[str]) -> DatasetVersion:
    """A version of small images, called by their paths below ``folder``."""
    for name in names:
        draw(folder / name, 64, 48)
    await client.push("tree/v1", folder)
    return await client.version("tree/v1")


def yolo(folder: Path, names: dict[str, Sequence[str]]) -> Path:
    """A YOLO tree of these image stems by split, one box each, without images."""
    for split, stems in names.items():
        (folder / "labels" / split).mkdir(parents=True)
        for number, stem in enumerate(stems):
            row = f"{number % 2} 0.5 0.5 0.25 0.5\n"
            (folder / "labels" / split / f"{stem}.txt").write_text(row)
    splits = "".join(f"{split}: images/{split}\n" for split in names)
    (folder / "data.yaml").write_text(f"path: .\n{splits}names: [cat, dog]\n")
    return folder


def apart(tmp_path: Path) -> Path:
    """A folder without images, so that a file in it tells no more than its names."""
    folder = tmp_path / "apart"
    folder.mkdir(exist_ok=True)
    return folder


async def labels_by_asset(version: DatasetVersion) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    loaded = await version.load_annotations()
    async for asset in version.list_assets():
        for annotation in loaded.get(str(asset.id), []):
            found.setdefault(asset.filename, []).extend(
                shape["label"] for shape in [*annotation["rectangles"], *annotation["polygons"]]
            )
    return found


async def tags_by_asset(version: DatasetVersion) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    async for tag in version.list_asset_tags():
        async for asset in version.list_assets(tags=tag):
            found.setdefault(asset.filename, set()).add(tag.name)
    return found


async def test_one_name_in_two_folders(any_client: Client, tmp_path: Path) -> None:
    """Each image lands on the asset of its own folder, and sizes come from the assets."""
    version = await pushed(
        any_client,
        tmp_path / "data",
        ["images/train/a.jpg", "images/train/b.jpg", "images/val/a.jpg"],
    )
    yolo(tmp_path / "data", {"train": ["a", "b"], "val": ["a"]})
    (tmp_path / "data" / "labels" / "val" / "a.txt").write_text("1 0.5 0.5 0.5 0.5\n" * 1)
    report = await version.import_annotations(tmp_path / "data")
    assert (report.images_imported, report.shapes_imported) == (3, 3)
    assert report.images_by_ending == 0
    assert report.splits == {"train": 2, "val": 1}
    assert await labels_by_asset(version) == {
        "images/train/a.jpg": ["cat"],
        "images/train/b.jpg": ["dog"],
        "images/val/a.jpg": ["dog"],
    }
    assert await tags_by_asset(version) == {
        "images/train/a.jpg": {"train"},
        "images/train/b.jpg": {"train"},
        "images/val/a.jpg": {"val"},
    }


async def test_labels_without_images_take_the_sizes_of_assets(
    any_client: Client, tmp_path: Path
) -> None:
    version = await pushed(any_client, tmp_path / "pushed", ["train/a.jpg", "val/a.jpg"])
    source = yolo(tmp_path / "labels only", {"train": ["a"], "val": ["a"]})
    report = await version.import_annotations(source)
    assert (report.images_imported, report.shapes_imported) == (2, 2)
    (rectangle,) = (await version.load_annotations()).popitem()[1][0]["rectangles"]
    assert [rectangle[each] for each in "xywh"] == [24, 12, 16, 24]


async def test_images_of_the_file_are_in_deeper_folders(any_client: Client, tmp_path: Path) -> None:
    names = ["images/train/a.jpg", "images/val/b.jpg", "images/val/c.jpg", "images/other/c.jpg"]
    version = await pushed(any_client, tmp_path / "data", names)
    file = write_coco(apart(tmp_path) / "instances.json", ["a.jpg", "val/b.jpeg", "val/c.jpg"])
    report = await version.import_annotations(file)
    assert (report.images_imported, report.images_by_ending) == (3, 3)
    assert report.example_by_ending == ("a.jpg", "images/train/a.jpg")
    assert set(await labels_by_asset(version)) == set(names[:3])
    assert (await version.retrieve_stats()).nb_annotations == 3


@pytest.mark.parametrize("missing", [True, False])
async def test_no_image_lands_on_a_wrong_asset(
    any_client: Client, tmp_path: Path, missing: bool
) -> None:
    version = await pushed(any_client, tmp_path / "data", ["1/a.jpg", "2/a.jpg", "3/b.jpg"])
    unclear = write_coco(apart(tmp_path) / "unclear.json", ["a.jpg", "b.jpg"])
    with pytest.raises(ConflictError, match=r"'a\.jpg' matches 2 assets .*'./a\.jpg'.*'./a\.jpg'"):
        await version.import_annotations(unclear, fail_on_asset_not_found=missing)
    # Two folders near the file have an image of this name.
    beside = write_coco(tmp_path / "data" / "beside.json", ["a.jpg", "b.jpg"])
    with pytest.raises(ConflictError, match=r"'a\.jpg' matches 2 assets"):
        await version.import_annotations(beside, fail_on_asset_not_found=missing)
    twice = write_coco(apart(tmp_path) / "twice.json", ["x/b.jpg", "y/b.jpg"])
    with pytest.raises(ConflictError, match=r"'x/b\.jpg', 'y/b\.jpg' match '3/b\.jpg'"):
        await version.import_annotations(twice, fail_on_asset_not_found=missing)
    content = coco(["1/a.jpg", "1/b.jpg", "3/b.jpg"])
    content["images"][1]["file_name"] = "1/a.jpg"
    (tmp_path / "same.json").write_text(json.dumps(content))
    with pytest.raises(ConflictError, match="match the same asset"):
        await version.import_annotations(
            tmp_path / "same.json", fail_on_asset_not_found=missing, on_error="skip"
        )
    assert (await version.retrieve_stats()).nb_annotations == 0


@pytest.mark.lakes_only("it counts the questions to headrace")
async def test_the_version_is_listed_once_and_only_if_names_differ(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"images/{number:03}.jpg" for number in range(30)]
    version = await pushed(client, tmp_path / "data", names)
    backend = client.session.backend
    backend.limits = Limits(import_assets=3, extensions=True, whole_pixels=False)
    original = backend.call
    calls: list[Any] = []

    async def call(operation: Any, request: Any, /) -> Any:
        calls.append(operation)
        return await original(operation, request)

    monkeypatch.setattr(backend, "call", call)
    exact = write_coco(apart(tmp_path) / "exact.json", names)
    await version.import_annotations(exact)
    assert calls.count(LIST_ASSETS) == calls.count(LIST_ASSETS_BY_KEY) == 0
    assert calls.count(MATCH_ASSETS) == 1
    calls.clear()
    flat = write_coco(
        apart(tmp_path) / "flat.json", [name.removeprefix("images/") for name in names]
    )
    report = await version.import_annotations(flat)
    assert (report.images_imported, report.images_by_ending) == (30, 30)
    # One for the number of assets, and one page.
    assert calls.count(LIST_ASSETS) == 2
    calls.clear()
    few = write_coco(apart(tmp_path) / "few.json", ["007.jpg", "images/008.png", "0.jpg"])
    report = await version.import_annotations(few, fail_on_asset_not_found=False)
    assert (report.images_by_ending, report.images_not_found) == (2, 1)
    assert calls.count(LIST_ASSETS) == 1


async def test_an_asset_keeps_the_tag_of_its_split(any_client: Client, tmp_path: Path) -> None:
    names = ["a.jpg", "b.jpg", "c.jpg"]
    version = await pushed(any_client, tmp_path / "pushed", names)
    await version.create_asset_tag("val")
    source = yolo(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]})
    for _ in range(2):
        report = await version.import_annotations(source)
        assert (report.splits, report.splits_kept) == ({"train": 2, "val": 1}, 0)
    other = yolo(tmp_path / "other", {"test": ["a"], "train": ["b"]})
    report = await version.import_annotations(other)
    assert (report.splits, report.splits_kept) == ({"train": 1}, 1)
    assert await tags_by_asset(version) == {
        names[0]: {"train"},
        names[1]: {"train"},
        names[2]: {"val"},
    }


async def test_splits_are_no_tags_where_that_is_asked(client: Client, tmp_path: Path) -> None:
    version = await pushed(client, tmp_path / "data", ["images/train/a.jpg"])
    source = yolo(tmp_path / "data", {"train": ["a"]})
    report = await version.import_annotations(source, split_tags=False)
    assert (report.images_imported, report.splits) == (1, {})
    assert await version.list_asset_tags() == []


async def test_a_dry_run_tells_what_an_import_would_do(any_client: Client, tmp_path: Path) -> None:
    names = ["images/train/a.jpg", "images/train/b.jpg", "images/val/c.jpg"]
    version = await pushed(any_client, tmp_path / "data", names)
    source = yolo(tmp_path / "data", {"train": ["a", "b"], "val": ["c"]})
    planned = await version.import_annotations(source, dry_run=True)
    assert planned.dry_run
    assert planned.labels_created == ["cat", "dog"]
    assert planned.splits == {"train": 2, "val": 1}
    assert await version.list_labels() == []
    assert await version.list_asset_tags() == []
    assert (await version.retrieve_stats()).nb_annotations == 0
    first = await version.import_annotations(source)
    again = await version.import_annotations(source, dry_run=True)
    second = await version.import_annotations(source)
    for plan, done in ((planned, first), (again, second)):
        for name in plan.__struct_fields__:
            if name not in ("seconds", "dry_run", "removal"):
                assert getattr(plan, name) == getattr(done, name), name
    assert (second.annotations_replaced, second.shapes_replaced) == (3, 3)
    kept = await version.import_annotations(source, mode="KEEP", dry_run=True)
    assert (kept.images_kept, kept.annotations_replaced) == (3, 0)


async def test_importing_nothing_is_an_error_unless_it_is_asked_for(
    any_client: Client, tmp_path: Path
) -> None:
    version = await pushed(any_client, tmp_path / "data", ["a.jpg", "b.jpg"])
    await version.import_annotations(write_coco(tmp_path / "good.json", ["a.jpg", "b.jpg"]))
    before = await version.retrieve_stats()
    foreign = write_coco(tmp_path / "foreign.json", ["c.jpg", "d.jpg"])
    with pytest.raises(NotFoundError):
        await version.import_annotations(foreign)
    with pytest.raises(NoDataError, match=r"foreign\.json: none of its 2 images is in the version"):
        await version.import_annotations(foreign, fail_on_asset_not_found=False)
    content = coco(["a.jpg", "b.jpg"])
    for annotation in content["annotations"]:
        annotation["image_id"] = 999
    (tmp_path / "broken.json").write_text(json.dumps(content))
    with pytest.raises(NoDataError, match=r"none of its 3 shapes can be imported; 3 left out"):
        await version.import_annotations(tmp_path / "broken.json", on_error="skip")
    assert await version.retrieve_stats() == before
    report = await version.import_annotations(
        tmp_path / "broken.json", on_error="skip", allow_empty=True
    )
    assert (report.images_imported, report.shapes_imported, report.shapes_replaced) == (2, 0, 3)
    assert (await version.retrieve_stats()).nb_objects == 0


async def test_a_list_of_label_files_in_folders(any_client: Client, tmp_path: Path) -> None:
    names = ["images/train/a.jpg", "images/val/a.jpg", "images/val/b.jpg"]
    version = await pushed(any_client, tmp_path / "pushed", names)
    source = yolo(tmp_path / "labels only", {"train": ["a"], "val": ["b", "a"]})
    files = sorted(source.glob("labels/*/*.txt"))
    counts = await version.import_annotations_yolo_files(source / "data.yaml", list(files))
    assert list(counts.values()) == [1, 1, 1]
    assert await labels_by_asset(version) == {
        names[0]: ["cat"],
        names[1]: ["dog"],
        names[2]: ["cat"],
    }
    (tmp_path / "elsewhere").mkdir()
    lone = tmp_path / "elsewhere" / "a.txt"
    lone.write_text("0 0.5 0.5 0.25 0.5\n")
    with pytest.raises(ConflictError, match="matches 2 assets"):
        await version.import_annotations_yolo_files(source / "data.yaml", [lone])


async def test_an_import_that_breaks_off_ends_with_all_tags(
    any_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems = [f"{number:03}" for number in range(24)]
    names = [f"images/{split}/{stem}.jpg" for split in ("train", "val") for stem in stems]
    version = await pushed(any_client, tmp_path / "data", names)
    source = yolo(tmp_path / "data", {"train": stems, "val": stems})
    backend = any_client.session.backend
    backend.limits = replace(backend.limits, import_assets=5, concurrency=1)
    original = backend.call
    sent = 0

    async def call(operation: Any, request: Any, /) -> Any:
        nonlocal sent
        if operation in (IMPORT_ANNOTATIONS, IMPORT_PACKED, MATCH_ASSETS):
            sent += 1
            if sent == 4:
                raise ServerError("gone")
        return await original(operation, request)

    monkeypatch.setattr(backend, "call", call)
    with pytest.raises(ServerError):
        await version.import_annotations(source)
    report = await version.import_annotations(source)
    assert report.splits == {"train": 24, "val": 24}
    assert (report.images_imported, report.shapes_imported) == (48, 48)
    tags = await tags_by_asset(version)
    assert tags == {name: {name.split("/")[1]} for name in names}
    assert (await version.retrieve_stats()).nb_annotations == 48


async def test_labels_of_images_that_are_no_assets_are_counted(
    any_client: Client, tmp_path: Path
) -> None:
    version = await pushed(any_client, tmp_path / "pushed", ["images/train/a.jpg"])
    source = yolo(tmp_path / "labels only", {"train": ["a", "who"]})
    with pytest.raises(NotFoundError, match=r"1 of 2 images .* 'images/train/who"):
        await version.import_annotations(source)
    report = await version.import_annotations(source, fail_on_asset_not_found=False)
    assert (report.images_imported, report.images_not_found) == (1, 1)
    assert (report.shapes_imported, report.shapes_not_found) == (1, 1)
    assert report.splits == {"train": 1}
