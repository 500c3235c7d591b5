"""Removals come back on every door: equal by recount, twice without harm, and never over what was written since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from anyio import create_task_group, to_thread

from headrace import blocking
from headrace.errors import RemovalNotRecordedError
from headrace.model.records import UndoRecord
from headrace.sdk.client.client import Client
from headrace.sdk.removal import Removal
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco
from tests.support.lakes.doors import Door
from tests.support.lakes.snapshots import snapshot

pytestmark = pytest.mark.lakes_only(
    "platforms keep no record of removals; tests/conformance/plain/test_plain_undo.py has theirs"
)

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


@pytest.fixture
async def annotated(version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """The version with annotations, tags, statuses and attributes."""
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES), status="ACCEPTED")
    assets = await version.list_assets()
    tags = [await version.create_asset_tag(name) for name in ("night", "rain")]
    await assets[0].add_tags(tags)
    await assets[1].add_tags(tags[:1])
    (first, *_) = await version.list_annotations()
    await first.update(duration=2.5, status="REFUSED", attributes={"by": ["hand", 1.5]})
    return version


async def only_removal(client: Client) -> Removal:
    (removal,) = await client.list_removals()
    return removal


REMOVALS = {
    "all annotations": lambda version, assets: version.delete_all_annotations(),
    "annotations of assets": lambda version, assets: assets[:5].delete_annotations(),
    "all assets": lambda version, assets: version.delete_assets(assets),
    "some assets": lambda version, assets: assets[:5].delete(),
    "one asset": lambda version, assets: assets[0].delete(),
}


@pytest.mark.parametrize("what", REMOVALS)
async def test_a_removal_comes_back(
    client: Client, annotated: DatasetVersion, door: Door, what: str
) -> None:
    before = await snapshot(annotated)
    await REMOVALS[what](annotated, await annotated.list_assets())
    after = await snapshot(annotated)
    assert after != before
    removal = await only_removal(client)
    assert removal.version == "drawings/first"
    gone = len(before["annotations"]) - len(after["annotations"])
    assert removal.record.annotations == gone
    dry = await removal.undo(dry_run=True)
    assert await snapshot(annotated) == after
    async with door.connect() as other:
        report = await (await other.list_removals("drawings/first"))[0].undo()
    assert await snapshot(annotated) == before
    assert (report.annotations, report.conflict_count, report.present) == (gone, 0, 0)
    assert (dry.assets, dry.annotations, dry.shapes) == (
        report.assets,
        report.annotations,
        report.shapes,
    )
    again = await removal.undo()
    assert (again.assets, again.annotations, again.conflict_count) == (0, 0, 0)
    assert await snapshot(annotated) == before


async def test_one_annotation_comes_back(client: Client, annotated: DatasetVersion) -> None:
    before = await snapshot(annotated)
    for annotation in (await annotated.list_annotations())[:3]:
        await annotation.delete()
    await (await only_removal(client)).undo()
    assert await snapshot(annotated) == before


async def test_what_an_import_replaced_comes_back(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    before = await snapshot(annotated)
    report = await annotated.import_annotations(
        write_coco(tmp_path / "new.json", NAMES[:5], boxes=1)
    )
    replaced = await snapshot(annotated)
    assert report.annotations_replaced == 5
    assert report.shapes_replaced == (await client.get_removal(str(report.removal))).record.shapes
    removal = await client.get_removal(str(report.removal))
    undone = await removal.undo()
    assert (undone.annotations, undone.replaced, undone.conflict_count) == (5, 5, 0)
    assert await snapshot(annotated) == before
    # The undo can be undone as well, and that too.
    await (await client.get_removal(str(undone.removal_id))).undo()
    assert await snapshot(annotated) == replaced
    await removal.undo()
    assert await snapshot(annotated) == before


async def test_several_undos_at_once_put_each_thing_back_once(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    before = await snapshot(annotated)
    await annotated.import_annotations(write_coco(tmp_path / "new.json", NAMES[:5], boxes=1))
    assets = await annotated.list_assets()
    await annotated.delete_assets(assets[:4])
    removed, replaced = await client.list_removals()
    for removal, expected in ((removed, 4), (replaced, 5)):
        reports: list[UndoRecord] = []

        async def undo(removal: Removal, reports: list[UndoRecord]) -> None:
            reports.append(await removal.undo())

        async with create_task_group() as group:
            for _ in range(4):
                group.start_soon(undo, removal, reports)
        assert sum(report.annotations for report in reports) == expected
        assert all(report.conflict_count == 0 for report in reports)
    assert await snapshot(annotated) == before


async def test_a_changed_replacement_stays(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    report = await annotated.import_annotations(write_coco(tmp_path / "new.json", NAMES[:5]))
    asset = await annotated.find_asset(filename=NAMES[2])
    await (await asset.get_annotation()).update(status="REFUSED")
    changed = (await snapshot(annotated))["annotations"]
    undone = await (await client.get_removal(str(report.removal))).undo()
    assert (undone.annotations, undone.conflict_count) == (4, 1)
    assert undone.conflicts[0].subject == NAMES[2]
    kept = (await snapshot(annotated))["annotations"]
    assert [a for a in kept.values() if a["asset_id"] == str(asset.id)] == [
        a for a in changed.values() if a["asset_id"] == str(asset.id)
    ]


async def test_a_newer_annotation_of_the_user_stays(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    await annotated.delete_all_annotations()
    await annotated.import_annotations(write_coco(tmp_path / "new.json", NAMES[:2]))
    undone = await (await client.list_removals())[-1].undo()
    assert {each.subject for each in undone.conflicts} == set(NAMES[:2])
    assert undone.annotations == 10
    assert (await annotated.retrieve_stats()).nb_annotations == 12


async def test_annotations_return_to_an_asset_that_was_added_again(
    client: Client, annotated: DatasetVersion
) -> None:
    before = await snapshot(annotated)
    assets = await annotated.list_assets()
    data = [await asset.get_data() for asset in assets]
    await annotated.delete_assets(assets)
    await annotated.add_data(data)
    undone = await (await only_removal(client)).undo()
    assert (undone.assets, undone.annotations, undone.present) == (0, 12, 12)
    after = await snapshot(annotated)
    assert after["labels"] == before["labels"]
    tags = {name: tags for name, _, tags in after["assets"].values()}
    assert tags == {name: tags for name, _, tags in before["assets"].values()}


async def test_a_deleted_file_is_a_conflict(client: Client, annotated: DatasetVersion) -> None:
    assets = await annotated.list_assets()
    gone = await assets[0].get_data()
    await annotated.delete_assets(assets)
    await gone.delete()
    undone = await (await only_removal(client)).undo()
    assert (undone.assets, undone.conflict_count) == (11, 1)
    assert undone.conflicts[0].subject == assets[0].filename
    await snapshot(annotated)


async def test_a_label_that_was_renamed_or_deleted(
    client: Client, annotated: DatasetVersion
) -> None:
    before = await snapshot(annotated)
    await annotated.delete_all_annotations()
    labels = {label.name: label for label in await annotated.list_labels()}
    await labels["cat"].update(name="kitten")
    await labels["car"].delete()
    removal = await only_removal(client)
    undone = await removal.undo()
    # Every annotation with shapes has a car.
    assert (undone.annotations, undone.conflict_count) == (1, 11)
    assert "'car'" in undone.conflicts[0].why
    await annotated.create_label("car")
    undone = await removal.undo()
    assert (undone.annotations, undone.present, undone.conflict_count) == (11, 1, 0)
    assert undone.notes == ["the label 'cat' is called 'kitten' now"]
    after = await snapshot(annotated)
    assert after["labels"]["kitten"] == before["labels"]["cat"]
    assert after["labels"]["car"] == before["labels"]["car"]


async def test_without_a_way_back_nothing_is_listed(
    client: Client, annotated: DatasetVersion, tmp_path: Path
) -> None:
    shapes = (await annotated.retrieve_stats()).nb_objects
    source = write_coco(tmp_path / "new.json", NAMES)
    report = await annotated.import_annotations(source, undo=False)
    assert (report.annotations_replaced, report.shapes_replaced) == (12, shapes)
    assert report.removal is None
    await annotated.delete_all_annotations(undo=False)
    await annotated.delete_assets(await annotated.list_assets(), undo=False)
    assert await client.list_removals() == []


@pytest.mark.sqlite_only(
    "puts a file in the way of those of removals, which are rows in PostgreSQL"
)
async def test_nothing_goes_that_cannot_be_recorded(
    client: Client, annotated: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    before = await snapshot(annotated)
    (door.lake / "removals").write_bytes(b"in the way")
    new = write_coco(tmp_path / "new.json", NAMES)
    assets = await annotated.list_assets()
    removals: list[Any] = [
        lambda: annotated.delete_all_annotations(),
        lambda: annotated.delete_assets(assets),
        lambda: annotated.import_annotations(new, mode="REPLACE"),
    ]
    for remove in removals:
        with pytest.raises(RemovalNotRecordedError) as caught:
            await remove()
        assert "undo=False" in (caught.value.hint or "")
        assert await snapshot(annotated) == before
    await annotated.delete_all_annotations(undo=False)
    assert (await annotated.retrieve_stats()).nb_annotations == 0


async def test_a_deleted_version_comes_back(client: Client, annotated: DatasetVersion) -> None:
    before = await snapshot(annotated)
    await annotated.delete()
    removal = await only_removal(client)
    assert (removal.kind, removal.record.assets) == ("version", 12)
    assert removal.record.shapes == sum(before["labels"].values())
    report = await removal.undo()
    assert report.version == "drawings/first"
    assert await snapshot(await client.version("drawings/first")) == before
    assert (await removal.undo()).present == 1


async def test_a_version_whose_name_is_taken_comes_back_under_another(
    client: Client, annotated: DatasetVersion
) -> None:
    before = await snapshot(annotated)
    await annotated.delete()
    dataset = await client.get_dataset("drawings")
    await dataset.create_version("first")
    report = await (await only_removal(client)).undo()
    assert report.version == "drawings/first-restored"
    assert report.notes
    assert await snapshot(await client.version(report.version)) == before


async def test_a_deleted_dataset_comes_back(client: Client, annotated: DatasetVersion) -> None:
    before = await snapshot(annotated)
    await (await client.get_dataset("drawings")).delete()
    report = await (await only_removal(client)).undo()
    assert report.version == "drawings"
    assert await snapshot(await client.version("drawings/first")) == before


async def test_details_name_labels_and_files(client: Client, annotated: DatasetVersion) -> None:
    assets = await annotated.list_assets()
    await assets[:3].delete()
    details = await (await only_removal(client)).details()
    assert details.files == [asset.filename for asset in assets[:3]]
    assert sum(details.labels.values()) == details.shapes


async def test_the_blocking_twin_undoes_too(door: Door, annotated: DatasetVersion) -> None:
    before = await snapshot(annotated)

    def remove_and_undo() -> None:
        with blocking.connect(door.target, api_token=door.token) as client:
            version = client.version("drawings/first")
            version.delete_all_annotations()
            (removal,) = client.list_removals()
            assert (removal.kind, removal.version) == ("annotations", "drawings/first")
            assert removal.created_at < removal.expires_at
            assert removal.details().annotations == removal.record.annotations
            assert client.get_removal(removal.id) == removal
            assert removal.undo().annotations == 12

    await to_thread.run_sync(remove_and_undo)
    assert await snapshot(annotated) == before
