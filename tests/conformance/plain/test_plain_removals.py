"""Undo on a platform that keeps no record of removals: the client reads what goes and keeps it in its state folder."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.engine.undo.foreign import store
from headrace.errors import NotFoundError, RemovalNotRecordedError
from headrace.protocol.operations.annotations import IMPORT_ANNOTATIONS
from headrace.protocol.operations.assets import DELETE_ASSETS
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco
from tests.support.plain_platform import PlainPlatform

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


@pytest.fixture
async def annotated(version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """The version with annotations and tags."""
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES), status="ACCEPTED")
    assets = await version.list_assets()
    tag = await version.create_asset_tag("night")
    await assets[0].add_tags(tag)
    (first, *_) = await version.list_annotations()
    await first.update(status="REFUSED")
    return version


async def content(version: DatasetVersion) -> dict[str, Any]:
    """What the version holds, by file name, without ids: they are new after an undo."""
    assets, annotations, shapes = {}, {}, 0
    names: dict[str, str] = {}
    async for asset in version.list_assets():
        names[str(asset.id)] = asset.filename
        assets[asset.filename] = (asset.data_id, sorted(tag.name for tag in await asset.get_tags()))
    status = {str(each.id): each.status async for each in version.iter_annotations()}
    for asset_id, found in (await version.load_annotations()).items() if status else ():
        for annotation in found:
            kept = {key: annotation.get(key) for key in _KINDS}
            shapes += sum(len(each or ()) for each in kept.values())
            kept["status"] = status[annotation["id"]]
            annotations.setdefault(names[str(asset_id)], []).append(kept)
    stats = await version.retrieve_stats()
    assert (stats.nb_annotations, stats.nb_objects) == (len(status), shapes)
    return {"assets": assets, "annotations": annotations, "labels": stats.label_repartition}


_KINDS = ("rectangles", "polygons", "lines", "points", "classifications", "masks", "keypoints")


REMOVALS = {
    "all annotations": lambda version, assets: version.delete_all_annotations(),
    "annotations of assets": lambda version, assets: assets[:5].delete_annotations(),
    "assets": lambda version, assets: version.delete_assets(assets[:7]),
    "all assets": lambda version, assets: assets.delete(),
}


@pytest.mark.parametrize("what", REMOVALS)
async def test_a_removal_comes_back(
    client: Client, annotated: DatasetVersion, platform: PlainPlatform, what: str
) -> None:
    before = await content(annotated)
    await REMOVALS[what](annotated, await annotated.list_assets())
    after = await content(annotated)
    assert after != before
    (removal,) = await client.list_removals("drawings/first")
    gone = sum(map(len, before["annotations"].values())) - sum(
        map(len, after["annotations"].values())
    )
    assert removal.record.annotations == gone
    assert (await removal.details()).labels.keys() <= before["labels"].keys()
    dry = await removal.undo(dry_run=True)
    assert await content(annotated) == after
    async with headrace.connect(platform.address, api_token=platform.token) as other:
        # Another process of the same machine.
        report = await (await other.list_removals())[0].undo()
    assert (report.annotations, report.conflict_count) == (gone, 0)
    assert (dry.assets, dry.annotations, dry.shapes) == (
        report.assets,
        report.annotations,
        report.shapes,
    )
    assert await content(annotated) == before
    again = await removal.undo()
    assert (again.annotations, again.conflict_count) == (0, 0)
    assert await content(annotated) == before


async def test_some_annotations_come_back(client: Client, annotated: DatasetVersion) -> None:
    before = await content(annotated)
    await (await annotated.list_annotations())[:4].delete()
    (removal,) = await client.list_removals()
    assert removal.record.annotations == 4
    await removal.undo()
    assert await content(annotated) == before


async def test_what_an_import_replaced_comes_back(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    before = await content(annotated)
    report = await annotated.import_annotations(
        write_coco(tmp_path / "new.json", NAMES[:7], boxes=1)
    )
    replaced = await content(annotated)
    assert report.annotations_replaced == 7
    removal = await client.get_removal(str(report.removal))
    undone = await removal.undo()
    assert (undone.annotations, undone.replaced, undone.conflict_count) == (7, 7, 0)
    assert await content(annotated) == before
    await (await client.get_removal(str(undone.removal_id))).undo()
    assert await content(annotated) == replaced


async def test_a_sync_that_deletes_comes_back(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    before = await content(annotated)
    folder = tmp_path / "folder"
    folder.mkdir()
    await client.sync_folder("drawings/first", folder)
    for name in NAMES[:3]:
        (folder / name).unlink()
    report = await client.sync_folder("drawings/first", folder, direction="up", delete=True)
    assert len((await content(annotated))["assets"]) == 9
    undone = await (await client.get_removal(str(report.removal))).undo()
    assert (undone.assets, undone.annotations, undone.conflict_count) == (3, 3, 0)
    assert await content(annotated) == before


async def test_what_was_changed_since_stays(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    report = await annotated.import_annotations(write_coco(tmp_path / "new.json", NAMES[:3]))
    asset = await annotated.find_asset(filename=NAMES[1])
    await (await asset.get_annotation()).update(status="REFUSED")
    undone = await (await client.get_removal(str(report.removal))).undo()
    assert (undone.annotations, undone.conflict_count) == (2, 1)
    assert undone.conflicts[0].subject == NAMES[1]
    (kept,) = (await content(annotated))["annotations"][NAMES[1]]
    assert kept["status"] == "REFUSED"


async def test_a_deleted_file_or_label_is_a_conflict(
    client: Client, annotated: DatasetVersion
) -> None:
    assets = await annotated.list_assets()
    gone = await assets[3].get_data()
    await annotated.delete_assets(assets)
    await gone.delete()
    labels = {label.name: label for label in await annotated.list_labels()}
    await labels["car"].delete()
    (removal,) = await client.list_removals()
    undone = await removal.undo()
    assert (undone.assets, undone.annotations) == (11, 1)
    # Every annotation with shapes has a car.
    assert undone.conflict_count == 11
    assert assets[3].filename in {each.subject for each in undone.conflicts}
    await annotated.create_label("car")
    again = await removal.undo()
    assert (again.annotations, again.conflict_count) == (10, 1)
    await content(annotated)


async def test_an_undo_that_breaks_off_continues(
    client: Client, annotated: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await content(annotated)
    await annotated.delete_all_annotations()
    (removal,) = await client.list_removals()
    backend = client.session.backend
    original = backend.call
    sent = 0

    async def call(operation: Any, request: Any, /) -> Any:
        nonlocal sent
        sent += operation is IMPORT_ANNOTATIONS
        if sent == 2 and operation is IMPORT_ANNOTATIONS:
            raise ConnectionError("cut off")
        return await original(operation, request)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "call", call)
        with pytest.raises(ConnectionError):
            await removal.undo()
    assert await content(annotated) != before
    report = await removal.undo()
    # What came back before it broke off was not noted yet, so it counts as written since: nothing is written twice.
    assert report.annotations + report.present + report.conflict_count == 12
    assert await content(annotated) == before


async def test_what_was_recorded_and_not_removed_is_left_alone(
    client: Client, annotated: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await content(annotated)
    backend = client.session.backend
    original = backend.call

    async def call(operation: Any, request: Any, /) -> Any:
        if operation is DELETE_ASSETS:
            raise ConnectionError("cut off")
        return await original(operation, request)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "call", call)
        with pytest.raises(ConnectionError):
            await annotated.delete_assets(await annotated.list_assets())
    (removal,) = await client.list_removals()
    report = await removal.undo()
    assert (report.assets, report.annotations, report.present) == (0, 0, 24)
    assert await content(annotated) == before


async def test_nothing_goes_that_cannot_be_recorded(
    client: Client,
    annotated: DatasetVersion,
    state: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await content(annotated)
    new = write_coco(tmp_path / "new.json", NAMES)

    async def refused() -> None:
        assets = await annotated.list_assets()
        for remove in (
            lambda: annotated.delete_all_annotations(),
            lambda: annotated.delete_assets(assets),
            lambda: annotated.import_annotations(new),
        ):
            with pytest.raises(RemovalNotRecordedError):
                await remove()
            assert await content(annotated) == before
        assert await client.list_removals() == []

    with monkeypatch.context() as patch:
        patch.setenv("HEADRACE_UNDO_BYTES", "100")
        await refused()
    (state / "removals").mkdir(parents=True, exist_ok=True)
    folder = next((state / "removals").iterdir(), None)
    if folder is not None:
        folder.rmdir()
    (state / "removals").rmdir()
    (state / "removals").write_bytes(b"in the way")
    with pytest.raises(RemovalNotRecordedError):
        await annotated.delete_all_annotations()
    assert await content(annotated) == before
    await annotated.delete_all_annotations(undo=False)
    assert (await annotated.retrieve_stats()).nb_annotations == 0


async def test_the_files_are_private_and_expire(
    client: Client, annotated: DatasetVersion, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await annotated.delete_all_annotations()
    (removal,) = await client.list_removals()
    files = [path for path in (state / "removals").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    later = removal.record.expires_at + 1
    monkeypatch.setattr(store.time, "time", lambda: later)
    assert await client.list_removals() == []
    assert not [path for path in (state / "removals").rglob("*") if path.is_file()]
    with pytest.raises(NotFoundError):
        await removal.undo()
