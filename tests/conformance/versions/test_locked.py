"""A locked version refuses every write below it, and is read as ever."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import LockedError
from headrace.protocol.operation import Operation
from headrace.protocol.operations import annotations, assets, datalake, datasets, labels
from tests.support.lakes.stocked_lake import Filled, Stocked


async def test_a_locked_version_refuses_every_write_and_answers_every_read(
    filled: Filled, lake: Stocked
) -> None:
    version = {"version_id": filled.id}
    origin = (await lake.call(datasets.GET_VERSION, **version)).origin_id
    group = await lake.call(labels.CREATE_LABEL_GROUP, name="g", **version)
    label = {"label_id": UUID(filled.labels["a"])}
    asset = {"asset_id": UUID(filled.assets[0])}
    await filled.send(filled.item(0, 1))
    await lake.call(datasets.LOCK_VERSION, **version)
    assert (await lake.call(datasets.GET_VERSION, **version)).is_locked is True
    before = contents(lake)
    writes: list[tuple[Operation[Any, Any], dict[str, Any]]] = [
        (datasets.UPDATE_VERSION, {"description": "x", **version}),
        (datasets.DELETE_VERSION, version),
        (datasets.DELETE_DATASET, {"dataset_id": origin}),
        (assets.ADD_DATA, {"data_ids": filled.data, **version}),
        (assets.DELETE_ASSETS, {"ids": [asset["asset_id"]], **version}),
        (assets.DELETE_ASSET, asset),
        (datalake.DELETE_DATA, {"data_id": filled.data[0]}),
        (labels.CREATE_LABEL, {"name": "new", **version}),
        (labels.ENSURE_LABELS, {"names": ["new"], **version}),
        (labels.UPDATE_LABEL, {"name": "new", **label}),
        (labels.CREATE_LABEL_GROUP, {"name": "new", **version}),
        (labels.UPDATE_LABEL_GROUP, {"name": "new", "group_id": group.id}),
        (annotations.IMPORT_ANNOTATIONS, {"annotations": [filled.item(1, 1)], **version}),
        (annotations.START_IMPORT, {"source": "s", **version}),
    ]
    for operation, fields in writes:
        with pytest.raises(LockedError, match="locked"):
            await lake.call(operation, **fields)
    assert contents(lake) == before
    assert len(await filled.load()) == 1
    assert (await lake.call(assets.LIST_ASSETS, **version)).count == 5
    # Names that are all there need no write.
    assert len(await lake.call(labels.ENSURE_LABELS, names=["a", "b"], **version)) == 2


async def test_a_lock_is_seen_by_an_import_that_is_under_way(filled: Filled) -> None:
    begun = await filled.lake.call(annotations.START_IMPORT, version_id=filled.id, source="s")
    await filled.send(filled.item(0, 1), import_id=begun.id, chunk=0)
    await filled.lake.call(datasets.LOCK_VERSION, version_id=filled.id)
    with pytest.raises(LockedError):
        await filled.send(filled.item(1, 1), import_id=begun.id, chunk=1)
    await filled.lake.call(datasets.UNLOCK_VERSION, version_id=filled.id)
    await filled.send(filled.item(1, 1), import_id=begun.id, chunk=1)
    assert (await filled.stats()).nb_objects == 2


async def test_locking_and_unlocking_can_be_repeated(filled: Filled) -> None:
    lake, version = filled.lake, {"version_id": filled.id}
    for operation, locked in ((datasets.LOCK_VERSION, True), (datasets.UNLOCK_VERSION, False)) * 2:
        for _ in range(2):
            assert (await lake.call(operation, **version)).is_locked is locked
            assert (await lake.call(datasets.GET_VERSION, **version)).is_locked is locked
    await lake.call(datasets.UPDATE_VERSION, description="free", **version)


def contents(lake: Stocked) -> dict[str, list[Any]]:
    tables = ("dataset", "version", "asset", "annotation", "label", "label_group", "data", "job")
    with lake.raw() as connection:
        return {table: connection.execute(f"select * from {table}").fetchall() for table in tables}
