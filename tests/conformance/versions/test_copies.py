"""Copying assets into another version: what is new comes whole, what is there gains the tags, names decide."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, LockedError, NotFoundError
from headrace.model.enums import JobStatus
from headrace.protocol.operations import annotations, assets, datasets, labels
from headrace.protocol.operations.annotations import ImportItem, PolygonIn
from tests.support.lakes.forks import fork, origin, rich, rows, told
from tests.support.lakes.stocked_lake import Filled, Stocked

ALL: dict[str, Any] = {"with_tags": True, "with_annotations": True}


async def copy(lake: Stocked, source: Filled, target: UUID, which: slice, **flags: bool) -> Any:
    ids = [UUID(asset) for asset in source.assets[which]]
    return await lake.call(
        assets.COPY_ASSETS, version_id=source.id, destination_id=target, asset_ids=ids, **flags
    )


async def sibling(lake: Stocked, source: Filled, name: str = "v2") -> UUID:
    return (await lake.version(name, dataset=await origin(lake, source.id))).id


async def test_all_of_a_version_into_an_empty_one(lake: Stocked) -> None:
    source = await rich(lake, 30)
    target = await sibling(lake, source)
    content = rows(lake, "content")
    answer = await copy(lake, source, target, slice(None), **ALL)
    assert (answer.job.status, answer.job.done, answer.job.total) == (JobStatus.SUCCESS, 30, 30)
    assert await told(lake, target) == await told(lake, source.id)
    assert rows(lake, "content") == content


async def test_a_copy_again_changes_nothing(lake: Stocked) -> None:
    source = await rich(lake, 12)
    target = await sibling(lake, source)
    await copy(lake, source, target, slice(None), **ALL)
    before = await told(lake, target)
    await copy(lake, source, target, slice(3, 9), **ALL)
    assert await told(lake, target) == before


@pytest.mark.parametrize("flags", [{}, {"with_tags": True}, {"with_annotations": True}])
async def test_flags_say_what_follows(lake: Stocked, flags: dict[str, bool]) -> None:
    source = await rich(lake, 10)
    target = await sibling(lake, source)
    await copy(lake, source, target, slice(2, 8), **flags)
    whole, found = await told(lake, source.id), await told(lake, target)
    names = [name for name in whole["assets"] if 3 <= int(name[4:9]) <= 8]
    assert found["assets"] == names
    tagged = [name for name in whole["tagged"][1] if name in names]
    assert found["tagged"][1] == (tagged if flags.get("with_tags") else [])
    annotated = bool(flags.get("with_annotations"))
    shapes = {name: shapes for name, shapes in whole["shapes"].items() if name in names}
    assert found["shapes"] == (shapes if annotated else {})
    assert found["labels"] == (whole["labels"] if annotated else [])
    assert found["stats"]["nb_assets"] == 6
    assert found["stats"]["nb_objects"] == sum(
        len(a["rectangles"]) + len(a["polygons"]) for each in found["shapes"].values() for a in each
    )


async def test_what_the_target_has_keeps_its_annotations_and_gains_the_tags(lake: Stocked) -> None:
    source = await rich(lake, 10)
    child = (await fork(lake, source.id)).dataset_version.id
    (label,) = await lake.call(labels.ENSURE_LABELS, version_id=child, names=["own"])
    page = await lake.call(assets.LIST_ASSETS, version_id=child)
    mine = page.items[-2]  # the second asset: it has annotations in the source
    item = ImportItem(
        asset_id=str(mine.id),
        classifications=[annotations.ClassificationIn(label_id=str(label.id))],
    )
    await lake.call(annotations.IMPORT_ANNOTATIONS, version_id=child, annotations=[item])
    before = await told(lake, child)
    await copy(lake, source, child, slice(None), **ALL)
    after, whole = await told(lake, child), await told(lake, source.id)
    assert after["shapes"] == before["shapes"]
    assert after["stats"] == before["stats"]
    assert after["assets"] == before["assets"]
    assert after["tagged"] == whole["tagged"]
    assert after["labels"] == ["own", "a", "b", "c"]


async def test_labels_are_matched_by_name_whatever_their_keys(lake: Stocked) -> None:
    source = await rich(lake, 12)
    child = (await fork(lake, source.id, asset_ids=[], with_labels=True)).dataset_version.id
    listed = (await lake.call(labels.LIST_LABELS, version_id=child)).items
    # "a" becomes "b", and "b" another one: the same keys, crossed names.
    for label, name in zip(listed, ["x", "a", "c2"], strict=True):
        await lake.call(labels.UPDATE_LABEL, label_id=label.id, name=name)
    await lake.call(labels.UPDATE_LABEL, label_id=listed[0].id, name="b")
    content = rows(lake, "content")
    await copy(lake, source, child, slice(None), with_annotations=True)
    whole, found = await told(lake, source.id), await told(lake, child)
    assert found["shapes"] == whole["shapes"]
    assert found["stats"]["label_repartition"] == dict(
        sorted(whole["stats"]["label_repartition"].items(), reverse=True)
    )
    assert found["labels"] == ["b", "a", "c2", "c"]
    # Large shapes could not be shared.
    assert rows(lake, "content") > content


async def test_groups_come_with_their_labels(lake: Stocked) -> None:
    source = await rich(lake, 4)
    place = {"version_id": source.id}
    animal = await lake.call(labels.CREATE_LABEL_GROUP, name="animal", **place)
    pet = await lake.call(labels.CREATE_LABEL_GROUP, name="pet", **place)
    await lake.call(labels.UPDATE_LABEL_GROUP, group_id=pet.id, parent_id=animal.id)
    await lake.call(labels.UPDATE_LABEL, label_id=UUID(source.labels["a"]), group_id=pet.id)
    target = await sibling(lake, source)
    await lake.call(labels.CREATE_LABEL_GROUP, version_id=target, name="animal")
    await copy(lake, source, target, slice(None), with_annotations=True)
    groups = (await lake.call(labels.LIST_LABEL_GROUPS, version_id=target)).items
    by_name = {group.name: group for group in groups}
    assert set(by_name) == {"animal", "pet"}
    assert by_name["pet"].parent_id == by_name["animal"].id
    label = await lake.call(labels.FIND_LABEL, version_id=target, name="a")
    assert label.group_id == by_name["pet"].id


async def test_refusals(lake: Stocked) -> None:
    source = await rich(lake, 3)
    target = await sibling(lake, source)
    foreign = await lake.filled(2, "foreign")
    before = rows(lake, "job")
    with pytest.raises(BadRequestError, match="itself"):
        await copy(lake, source, source.id, slice(None))
    with pytest.raises(BadRequestError, match="different datasets"):
        await copy(lake, source, foreign.id, slice(None))
    with pytest.raises(NotFoundError):
        await lake.call(
            assets.COPY_ASSETS,
            version_id=source.id,
            destination_id=target,
            asset_ids=[UUID(foreign.assets[0])],
        )
    with pytest.raises(BadRequestError, match="10001"):
        await lake.call(
            assets.COPY_ASSETS,
            version_id=source.id,
            destination_id=target,
            asset_ids=[UUID(source.assets[0])] * 10_001,
        )
    with lake.raw() as connection:
        connection.execute("update version set locked = 1 where name = 'v2'")
    with pytest.raises(LockedError):
        await copy(lake, source, target, slice(None))
    assert rows(lake, "job") == before
    found = await lake.call(datasets.GET_STATS, version_id=target)
    assert found.nb_assets == 0


async def test_nothing_to_copy_is_done_at_once(lake: Stocked) -> None:
    source = await rich(lake, 3)
    target = await sibling(lake, source)
    assert (await copy(lake, source, target, slice(0, 0))).job.status is JobStatus.SUCCESS


async def test_shapes_too_large_for_a_row_outlive_their_source(lake: Stocked) -> None:
    source = await lake.filled(2)
    ring = [(i / 7, i / 3) for i in range(400)]
    await source.send(
        ImportItem(
            asset_id=source.assets[0],
            polygons=[PolygonIn(label_id=source.labels["a"], polygon=ring)],
        )
    )
    target = await sibling(lake, source)
    await copy(lake, source, target, slice(None), with_annotations=True)
    await source.send(source.item(0, 1))  # REPLACE: the source lets go of its large shape
    await lake.call(datasets.DELETE_VERSION, version_id=source.id)
    (shapes,) = (await told(lake, target))["shapes"].values()
    assert shapes[0]["polygons"][0]["polygon"][399] == (399 / 7, 399 / 3)
