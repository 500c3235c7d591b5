"""Copies to and from a platform that has only what the official client knows: what it cannot hold is said and counted."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.engine.copy.items import import_item
from headrace.engine.versions.load import load_page
from headrace.errors import PartialTransferError
from headrace.protocol.operations.annotations import IMPORT_ANNOTATIONS, ImportAnnotations
from headrace.sdk.client.client import Client
from headrace.threads import in_thread
from tests.conformance.sdk.test_copy import NAME, Places
from tests.support.data.images import draw_images
from tests.support.data.rich_version import described, fill
from tests.support.plain_platform import Fault, PlainPlatform
from tests.support.processes.cli import headrace as headrace_command

VIDEOS = Path(__file__).resolve().parents[2] / "data" / "videos"

LOSSES = {
    # A rectangle, a polygon; keypoints may lie between pixels.
    "shapes with coordinates between pixels, which are rounded": 2,
    "polygons of several rings, which become one polygon for each ring": 1,
    "scores of shapes": 1,
    # Of a polygon and of keypoints.
    "boxes beside other geometry": 2,
    "outlines of objects with keypoints": 1,
    "attributes of points and lines": 1,
    "owners of annotations that the target does not know; they become yours": 5,
}


@pytest.fixture
async def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Places]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with AsyncExitStack() as stack:
        yield Places(stack, tmp_path)


async def plain(places: Places) -> tuple[PlainPlatform, Client]:
    door, client = await places.door("plain")
    assert door.plain is not None
    return door.plain, client


def reduced(rich: dict[str, Any]) -> dict[str, Any]:
    """The rich version without what the other platform cannot hold: what must come back from it."""
    for asset in rich["assets"]:
        for annotation in asset["annotations"]:
            annotation["owner"] = "local"
            for kind in ("rectangles", "polygons", "lines", "points", "keypoints", "masks"):
                for shape in annotation.get(kind, ()):
                    for field in ("score", "instance"):
                        shape.pop(field, None)
                    if kind in ("polygons", "keypoints"):
                        shape.pop("bbox", None)
                        shape.pop("segmentation", None)
                    if kind == "points":
                        shape["attributes"] = None
            for shape in annotation["rectangles"]:
                shape["x"] = round(shape["x"])
            for shape in annotation["polygons"]:
                shape["polygon"] = [(round(x), round(y)) for x, y in shape["polygon"]]
                shape.pop("area")
    # The answers of the reference have no description.
    del rich["description"]
    return rich


async def test_what_another_platform_cannot_hold_is_said_before_and_counted(places: Places) -> None:
    mine, back = await places.rich(), await places.client("lake")
    _, middle = await plain(places)
    planned = await headrace.copy_version(mine, NAME, middle, dry_run=True)
    assert {loss.what: loss.count for loss in planned.losses} == LOSSES
    report = await headrace.copy_version(mine, NAME, middle)
    assert report.losses == planned.losses
    assert (report.copied, report.annotations, report.missing) == (6, 5, 0)
    assert report.source_digest != report.target_digest

    returned = await headrace.copy_version(middle, NAME, back)
    assert returned.losses == []
    assert returned.source_digest == returned.target_digest == report.target_digest
    found, expected = await described(back, NAME), reduced(await described(mine, NAME))
    del found["description"]
    for asset in found["assets"]:
        for annotation in asset["annotations"]:
            for shape in annotation["polygons"]:
                shape.pop("area")
                shape.pop("instance", None)
    assert found == expected


async def test_whole_numbers_and_single_rings_lose_nothing(places: Places, tmp_path: Path) -> None:
    mine, back = await places.client("lake"), await places.client("lake")
    _, middle = await plain(places)
    draw_images(tmp_path / "images", 12)
    await mine.push("drawings/whole", tmp_path / "images")
    whole = await mine.version("drawings/whole")
    label = await whole.create_label("cat")
    for number, asset in enumerate(await whole.list_assets()):
        annotation = await asset.create_annotation(float(number))
        await annotation.create_rectangle(number, 2, 10, 12, label)
        await annotation.create_polygon([[1, 2], [5, 6], [7, number]], label)
        await annotation.update(status="ACCEPTED" if number % 2 else "REFUSED")
    report = await headrace.copy_version(mine, "drawings/whole", middle)
    assert [loss.what[:6] for loss in report.losses] == ["owners"]
    returned = await headrace.copy_version(middle, "drawings/whole", back)
    digest = str(await whole.digest())
    assert report.source_digest == report.target_digest == returned.target_digest == digest
    expected = await described(mine, "drawings/whole")
    assert await described(back, "drawings/whole") == expected


async def test_further_annotations_lose_what_only_the_bulk_import_takes(places: Places) -> None:
    mine = await places.rich(colleague=False)
    platform, middle = await plain(places)
    version = await mine.version(NAME)
    # The one with everything becomes the second one of its asset.
    first = (await version.list_assets())[0]
    (content,) = await load_page(mine.session.backend, version.id, [first.id])
    await (await first.get_annotation()).delete()
    await first.create_annotation()
    labels = {label.name: str(label.id) for label in await version.list_labels()}
    again = ImportAnnotations(
        version_id=version.id,
        annotations=[import_item(content, str(first.id), labels)],
        beside=True,
    )
    await mine.session.call(IMPORT_ANNOTATIONS, again)
    planned = await headrace.copy_version(mine, NAME, middle, dry_run=True)
    losses = {loss.what: loss.count for loss in planned.losses}
    # Keypoints, a track, the attributes of the image, of a rectangle and of a classification.
    assert losses["further annotations of an asset: their keypoints, tracks and attributes"] == 5
    report = await headrace.copy_version(mine, NAME, middle)
    assert report.losses == planned.losses
    assert report.missing == 0
    assert (await headrace.copy_version(mine, NAME, middle)).nothing_to_do
    texts = [shape.text for row in platform.store.annotations.values() for shape in row.shapes]
    assert sorted(filter(None, texts)) == ["again", "edge", "torn"]


async def test_annotations_of_others_on_the_platform_stay(places: Places) -> None:
    mine = await places.rich(colleague=False)
    platform, middle = await plain(places)
    await headrace.copy_version(mine, NAME, middle, q='filename = "a/one.jpg"')
    version = await middle.version(NAME)
    (asset,) = await version.list_assets()
    theirs = await asset.create_annotation()
    await theirs.create_rectangle(1, 1, 2, 2, await version.get_label("cat"))
    label = await (await mine.version(NAME)).get_label("dog")
    (own,) = await (await mine.version(NAME)).list_assets(filenames=["a/one.jpg"])
    await (await own.create_annotation()).create_rectangle(3, 3, 4, 4, label)
    report = await headrace.copy_version(mine, NAME, middle, q='filename = "a/one.jpg"')
    assert (report.annotations, report.missing) == (1, 0)
    rows = platform.store.annotations_of(str(asset.id))
    assert [shape.geometry["x"] for row in rows for shape in row.shapes] == [3, 1]
    assert (
        await headrace.copy_version(mine, NAME, middle, q='filename = "a/one.jpg"')
    ).missing == 0


async def test_changed_annotations_are_replaced_on_the_platform(places: Places) -> None:
    mine = await places.rich()
    platform, middle = await plain(places)
    await headrace.copy_version(mine, NAME, middle)
    asset = (await (await mine.version(NAME)).list_assets())[0]
    annotation = await asset.get_annotation()
    await (await annotation.list_rectangles())[0].update(x=33)
    before = len(platform.store.annotations)
    report = await headrace.copy_version(mine, NAME, middle)
    assert (report.annotations, report.replaced, report.missing) == (1, 1, 0)
    assert len(platform.store.annotations) == before
    shapes = [shape for row in platform.store.annotations.values() for shape in row.shapes]
    assert [each.geometry.get("x") for each in shapes].count(33) == 1
    assert [each.kind for each in shapes].count("keypoints") == 1


@pytest.mark.parametrize(
    "path", [".*/bulk-annotations", ".*/datas", ".*/assets", ".*/annotations", ".*/bulk-lines"]
)
async def test_a_lost_answer_doubles_nothing(places: Places, path: str) -> None:
    mine = await places.rich()
    platform, middle = await plain(places)
    clean, other = await plain(places)
    await headrace.copy_version(mine, NAME, other)
    platform.switches.faults = [Fault(cut="after", method="POST", path=path)]
    for _ in range(3):
        try:
            report = await headrace.copy_version(mine, NAME, middle)
            break
        except (headrace.HeadraceError, PartialTransferError):
            continue
    assert report.missing == 0
    for rows in ("datas", "assets", "annotations", "labels", "tags"):
        assert len(getattr(platform.store, rows)) == len(getattr(clean.store, rows)), rows


async def test_files_that_the_source_cannot_read_yet_are_named(places: Places) -> None:
    lake, target = await places.client("lake"), await places.client("lake")
    await places.rich()
    platform, middle = await plain(places)
    source = await places.rich()
    await headrace.copy_version(source, NAME, middle)
    (unread,) = [row for row in platform.store.datas.values() if row.filename == "b/one.jpg"]
    unread.looks_left = 10_000
    with pytest.raises(PartialTransferError, match="1 assets have no readable file") as caught:
        await headrace.copy_version(middle, NAME, target)
    report = caught.value.report
    assert report.left_out == ["b/one.jpg (PENDING)"]
    assert (report.assets, report.copied) == (6, 5)
    unread.looks_left = 0
    report = await headrace.copy_version(middle, NAME, target)
    assert (report.copied, report.there, report.missing) == (1, 5, 0)
    assert report.source_digest == report.target_digest
    assert await lake.list_datasets() == []


async def test_the_digest_of_another_platform_fetches_its_files(places: Places) -> None:
    mine = await places.rich()
    _, middle = await plain(places)
    await headrace.copy_version(mine, NAME, middle)
    digest = await (await middle.version(NAME)).digest()
    assert (digest.assets, digest.fetched) == (6, 6)
    report = await headrace.copy_version(
        middle, NAME, mine, "rich/back", expected_digest=str(digest)
    )
    assert report.target_digest == str(digest)


@pytest.mark.parametrize("kind", ["http", "plain"])
async def test_videos_and_empty_versions_are_copied(
    places: Places, tmp_path: Path, kind: str
) -> None:
    lake, middle, back = [await places.client(each) for each in ("lake", kind, "lake")]
    for name in ("h264.mp4", "turned.mov" if kind == "plain" else "vp9.webm"):
        (tmp_path / "videos").mkdir(exist_ok=True)
        shutil.copy(VIDEOS / name, tmp_path / "videos")
    await lake.push("films/v1", tmp_path / "videos")
    await (await lake.get_dataset("films")).create_version("none")
    for version, count in (("films/v1", 2), ("films/none", 0)):
        report = await headrace.copy_version(lake, version, middle)
        assert (report.copied, report.missing) == (count, 0)
        returned = await headrace.copy_version(middle, version, back)
        assert returned.target_digest == report.source_digest
        expected = await described(lake, version)
        if count and kind == "plain":
            # That platform does not heed that the film is turned.
            assert [loss.what for loss in report.losses] == [
                "files whose size in pixels the target reads otherwise"
            ]
            expected["assets"][0]["size"] = [96, 64]
        assert await described(back, version) == expected
        assert (await headrace.copy_version(lake, version, middle)).nothing_to_do


async def test_the_command_says_losses_before_and_counts_them(
    places: Places, tmp_path: Path
) -> None:
    door, lake = await places.door("lake")
    await fill(lake, tmp_path / "images")
    platform, _ = await plain(places)
    token = {"HEADRACE_TOKEN": platform.token, "XDG_STATE_HOME": str(tmp_path / "state")}
    arguments = ("copy", door.target, NAME, platform.address)
    planned = await in_thread(lambda: headrace_command(*arguments, "--dry-run", **token))
    assert planned.status == 0, planned
    scores = "  1 scores of shapes (such as twin.jpg)"
    assert ("the target cannot hold:" in planned.out, scores in planned.out) == (True, True)
    done = await in_thread(lambda: headrace_command(*arguments, **token))
    assert done.status == 0, done
    assert "the target cannot hold:" in done.err
    assert ("the target did not take:" in done.out, scores in done.out) == (True, True)
    assert platform.token not in done.out + done.err
