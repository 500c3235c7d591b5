"""Deleting what is large: gone at once, its rows in ranges, resumed after a stop, counters right all along."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import anyio
import pytest

from headrace.errors import NotFoundError
from headrace.platform.core import asset_rows as removal
from headrace.platform.jobs.maintenance import purge, purge_step
from headrace.protocol.operations import assets, datasets, labels, tags
from headrace.protocol.operations.annotations import ImportItem, PolygonIn
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked
from tests.support.storage import assert_sound

TABLES = (
    "asset",
    "asset_tag",
    "annotation",
    "label",
    "label_group",
    "label_delta",
    "version_delta",
)


def rows(lake: Stocked) -> dict[str, int]:
    with lake.raw() as connection:
        return {
            table: connection.execute(f"select count(*) from {table}").fetchone()[0]
            for table in (*TABLES, "content", "version", "dataset", "tag", "object_tag", "shard")
        }


async def annotated(lake: Stocked, count: int, name: str) -> Filled:
    """A version in which every asset has a box, some a polygon too large for the row, and one a tag."""
    filled = await lake.filled(count, name)
    ring = [(i / 7, i / 3) for i in range(60)]
    for start in range(0, count, 500):
        items = [
            ImportItem(
                asset_id=asset,
                rectangles=filled.item(0, 1).rectangles,
                polygons=[PolygonIn(label_id=filled.labels["b"], polygon=ring)] * (index % 9 == 0),
            )
            for index, asset in enumerate(filled.assets[start : start + 500])
        ]
        await filled.send(*items)
    tag = await lake.call(tags.CREATE_ASSET_TAG, version_id=filled.id, name="t")
    await lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=[UUID(filled.assets[0])])
    await lake.call(labels.CREATE_LABEL_GROUP, version_id=filled.id, name="g")
    return filled


async def doom(lake: Stocked, version: UUID) -> None:
    """Delete a version without the background work that a call would begin."""
    name = (await lake.call(datasets.GET_VERSION, version_id=version)).version
    with lake.raw() as connection:
        connection.execute("update version set state = 'DELETING' where name = ?", (name,))


async def gone(lake: Stocked, table: str = "version") -> None:
    """Wait until one row is left of a table."""
    with anyio.fail_after(60):
        left = rows(lake)[table]
        while left > 1:
            await anyio.sleep(0.02)
            left = rows(lake)[table]


async def test_a_large_version_goes_in_ranges_between_which_others_write(lake: Stocked) -> None:
    count = 2 * removal.RANGE + 100
    doomed = await annotated(lake, count, "large")
    other = await lake.filled(3, "other")
    await doom(lake, doomed.id)
    left = [rows(lake)["asset"]]
    while await purge_step(lake.platform.context):
        await other.send(other.item(len(left) % 3, 1))  # gets the writer between any two steps
        left.append(rows(lake)["asset"])
        assert left[-2] - left[-1] <= removal.RANGE
    assert left[0] == count + 3
    assert len(left) >= 1 + 3 + 1  # three ranges, then what is left of the version
    assert left[-1] == 3


async def test_nothing_of_a_deleted_version_stays(lake: Stocked) -> None:
    stays = await annotated(lake, 12, "stays")
    before = rows(lake)
    kept = await stays.stats()
    doomed = await annotated(lake, 30, "doomed")
    tag = await lake.call(
        tags.CREATE_TAG,
        organization_id=lake.access.organization_id,
        name="gold",
        target_type=tags.TagTarget.DATASET_VERSION,
    )
    await lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=[doomed.id, stays.id])
    await lake.call(datasets.DELETE_VERSION, version_id=doomed.id, undo=False)
    with pytest.raises(NotFoundError):
        await lake.call(datasets.GET_STATS, version_id=doomed.id)
    with pytest.raises(NotFoundError):
        await doomed.send(doomed.item(0, 1))
    await gone(lake)
    after = rows(lake)
    assert after == before | {"dataset": 2, "tag": before["tag"] + 1, "object_tag": 1}
    assert await stays.stats() == kept
    assert len(await stays.load()) == 12


async def test_a_deleted_dataset_leaves_nothing(lake: Stocked) -> None:
    stays = await lake.filled(2, "stays")
    before = rows(lake)
    first = await annotated(lake, 10, "v1")
    origin = (await lake.call(datasets.GET_VERSION, version_id=first.id)).origin_id
    second = await lake.version("v2", dataset=origin)
    await lake.call(datasets.DELETE_DATASET, dataset_id=origin, undo=False)
    await gone(lake)
    await gone(lake, "dataset")
    assert rows(lake) == before
    with pytest.raises(NotFoundError):
        await lake.call(datasets.GET_VERSION, version_id=second.id)
    assert (await stays.stats()).nb_assets == 2


async def test_a_purge_cut_short_goes_on_at_the_next_open(tmp_path: Path) -> None:
    path = tmp_path / "resumed"
    async with stocked(path) as lake:
        doomed = await annotated(lake, removal.RANGE + 50, "doomed")
        await lake.filled(1, "stays")
        await doom(lake, doomed.id)
        assert await purge_step(lake.platform.context)
        assert rows(lake)["asset"] == 51
    async with stocked(path) as lake:
        await gone(lake)
        assert rows(lake)["asset"] == 1
        assert_sound(lake)


async def test_two_purges_at_once_do_no_harm(lake: Stocked) -> None:
    doomed = await annotated(lake, 1500, "doomed")
    await doom(lake, doomed.id)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(purge, lake.platform.context)
    left = rows(lake)
    assert {table: left[table] for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert left["version"] == 0


async def test_assets_taken_out_leave_the_counters_right(lake: Stocked) -> None:
    filled = await annotated(lake, 27, "v")
    before = await filled.stats()
    assert (before.nb_annotations, before.label_repartition) == (27, {"a": 27, "b": 3})
    await lake.call(
        assets.DELETE_ASSETS,
        version_id=filled.id,
        ids=[UUID(filled.assets[index]) for index in (0, 9, 10, 11)],
    )
    after = await filled.stats()
    assert (after.nb_assets, after.nb_annotations) == (23, 23)
    assert after.label_repartition == {"a": 23, "b": 1}
    left = rows(lake)
    assert (left["asset"], left["annotation"], left["content"], left["asset_tag"]) == (23, 23, 1, 0)
