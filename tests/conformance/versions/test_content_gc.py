"""Shared content goes when the last annotation that names it went, and not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.platform.jobs import content_gc as collecting
from headrace.platform.jobs import runner as job_runner
from headrace.platform.jobs.content_gc import ContentGcWork, start_due_gc
from headrace.protocol.operations import assets, datasets
from headrace.protocol.operations.annotations import ImportItem, PolygonIn
from tests.support.lakes.forks import fork, origin, rich, rows, told
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked
from tests.support.processes.waiting import until

ALL: dict[str, Any] = {"with_tags": True, "with_annotations": True}


def idle(lake: Stocked) -> bool:
    """Whether no job runs; calls that start one are answered before it ends where it takes long."""
    return rows(lake, "job", "state = 'RUNNING'") == 0


def quiet(lake: Stocked, versions: int) -> bool:
    """Whether nothing is purged or collected any more."""
    due = f"garbage >= {collecting.DUE}"
    return rows(lake, "version") == versions and idle(lake) and rows(lake, "dataset", due) == 0


async def large(filled: Filled, *which: int) -> None:
    """Give assets a new shape too large for the row."""
    ring = [(i / 7, i / 3) for i in range(90)]
    polygon = [PolygonIn(label_id=filled.labels["b"], polygon=ring)]
    await filled.send(
        *(ImportItem(asset_id=filled.assets[index], polygons=polygon) for index in which)
    )


async def test_ten_forks_and_their_end(lake: Stocked) -> None:
    parent = await rich(lake, 70)
    content, before = rows(lake, "content"), await told(lake, parent.id)
    forks = [(await fork(lake, parent.id, f"f{n}", **ALL)).dataset_version.id for n in range(10)]
    assert rows(lake, "content") == content
    await lake.call(datasets.DELETE_VERSION, version_id=parent.id, undo=False)
    for gone in forks[:9]:
        await lake.call(datasets.DELETE_VERSION, version_id=gone, undo=False)
    await until(lambda: quiet(lake, 1))
    assert await told(lake, forks[9]) == before
    assert rows(lake, "content") == content
    await lake.call(datasets.DELETE_VERSION, version_id=forks[9], undo=False)
    await until(lambda: quiet(lake, 0))
    assert rows(lake, "content") == 0


async def test_only_what_nobody_names_goes(lake: Stocked) -> None:
    parent = await rich(lake, 40)
    own = rows(lake, "content")
    child = (await fork(lake, parent.id, **ALL)).dataset_version.id
    await large(parent, 1, 2, 5, 10)  # two of them had a shared one before
    await lake.call(assets.DELETE_ASSETS, version_id=parent.id, ids=[UUID(parent.assets[15])])
    assert rows(lake, "content") == own + 4
    kept = await told(lake, parent.id)
    await lake.call(datasets.DELETE_VERSION, version_id=child, undo=False)
    await until(lambda: quiet(lake, 1))
    assert await told(lake, parent.id) == kept
    assert rows(lake, "content") == own + 4 - 2 - 1
    # One version alone shares nothing: what it lets go of goes at once.
    await large(parent, 5)
    assert rows(lake, "content") == own + 1
    with lake.raw() as connection:
        assert connection.execute("select sharing, garbage from dataset").fetchall() == [(0, 0)]


async def test_much_garbage_is_collected_without_a_version_going(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = await rich(lake, 40)
    child = (await fork(lake, parent.id, **ALL)).dataset_version.id
    page = await lake.call(assets.LIST_ASSETS, version_id=child)
    kept = await told(lake, parent.id)
    own = rows(lake, "content")
    await large(parent, 1)
    await large(parent, 1)
    await large(parent, 1)
    assert rows(lake, "content") == own + 3
    monkeypatch.setattr(collecting, "DUE", 2)
    await start_due_gc(lake.platform.context)
    await until(lambda: quiet(lake, 2))
    assert rows(lake, "content") == own + 1
    assert page.count == 40
    assert (await told(lake, parent.id))["assets"] == kept["assets"]


async def test_a_deleted_dataset_takes_shared_content_with_it(lake: Stocked) -> None:
    parent = await rich(lake, 40)
    await fork(lake, parent.id, **ALL)
    other = await rich(lake, 10, "other")
    await lake.call(datasets.DELETE_DATASET, dataset_id=await origin(lake, parent.id), undo=False)
    await until(lambda: rows(lake, "dataset") == 1)
    assert rows(lake, "content") == 1
    assert len((await told(lake, other.id))["shapes"]) == 8


async def test_a_collection_cut_short_goes_on_at_the_next_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cut"
    for name in ("FIRST_SIZE", "MIN_SIZE", "MAX_SIZE"):
        monkeypatch.setattr(job_runner, name, 3)
    monkeypatch.setattr(collecting, "WINDOW", 16)
    monkeypatch.setattr(job_runner, "PAUSE_SECONDS", 0.05)
    async with stocked(path) as lake:
        parent = await rich(lake, 200)
        child = (await fork(lake, parent.id, "child", asset_ids=[], **ALL)).dataset_version.id
        await until(lambda: idle(lake))
        chosen = [UUID(asset) for asset in parent.assets[:60]]
        await lake.call(
            assets.COPY_ASSETS, version_id=parent.id, destination_id=child, asset_ids=chosen, **ALL
        )
        await until(lambda: idle(lake))
        kept, own = await told(lake, child), rows(lake, "content")
        await lake.call(datasets.DELETE_VERSION, version_id=parent.id, undo=False)
        await until(lambda: 20 < rows(lake, "content") < own)
    async with stocked(path) as lake:
        await until(lambda: quiet(lake, 1))
        assert await told(lake, child) == kept
        assert rows(lake, "content") == sum(
            bool(annotation["polygons"]) for each in kept["shapes"].values() for annotation in each
        )


async def test_what_is_written_while_garbage_is_marked_stays(
    lake: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = await rich(lake, 30)
    child = await fork(lake, parent.id, **ALL)
    prepare = ContentGcWork.prepare

    async def and_then(self: ContentGcWork, cursor: Any, size: int) -> None:
        await prepare(self, cursor, size)
        if cursor is None:
            await large(parent, 0, 3)
            await fork(lake, parent.id, "late", **ALL)

    monkeypatch.setattr(ContentGcWork, "prepare", and_then)
    await lake.call(datasets.DELETE_VERSION, version_id=child.dataset_version.id, undo=False)
    await until(lambda: rows(lake, "version", "name = 'late'") == 1 and quiet(lake, 2))
    dataset = await origin(lake, parent.id)
    found = await lake.call(datasets.FIND_VERSION, dataset_id=dataset, version="late")
    assert await told(lake, found.id) == await told(lake, parent.id)
