"""Forks in tests: versions worth forking, and all that can be read of a version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from headrace.protocol.operations import annotations, assets, datasets, labels, tags
from headrace.protocol.operations.annotations import ImportItem, PolygonIn
from tests.support.lakes.stocked_lake import Filled, Stocked


async def rich(lake: Stocked, count: int, name: str = "v1") -> Filled:
    """A version with boxes on all assets but every seventh, a shape too large for the row on every fifth, and a tag on
    every third."""
    filled = await lake.filled(count, name)
    ring = [(i / 7, i / 3) for i in range(60)]
    items = [
        ImportItem(
            asset_id=asset,
            rectangles=filled.item(0, index).rectangles,
            polygons=[PolygonIn(label_id=filled.labels["b"], polygon=ring)] * (index % 5 == 0),
            attributes={"index": index},
        )
        for index, asset in enumerate(filled.assets)
        if index % 7
    ]
    for start in range(0, count, 1000):
        if items[start : start + 1000]:
            await filled.send(*items[start : start + 1000])
    tag = await lake.call(tags.CREATE_ASSET_TAG, version_id=filled.id, name="third")
    thirds = [UUID(asset) for asset in filled.assets[::3]]
    await lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=thirds)
    return filled


async def origin(lake: Stocked, version: UUID) -> UUID:
    """The dataset of a version."""
    return (await lake.call(datasets.GET_VERSION, version_id=version)).origin_id


async def fork(lake: Stocked, parent: UUID, name: str = "fork", **more: Any) -> Any:
    """Fork a version; what the call answers."""
    dataset = await origin(lake, parent)
    return await lake.call(
        datasets.FORK_VERSION, dataset_id=dataset, parent_id=parent, version=name, **more
    )


async def told(lake: Stocked, version: UUID) -> dict[str, Any]:
    """All that the API says of a version's content, without ids: by file name, newest annotation first."""
    # Annotations before assets: while a version fills, an annotation that is there has its asset there.
    ids = await lake.call(annotations.ANNOTATION_IDS, version_id=version)
    loaded: list[Any] = []
    for start in range(0, len(ids), 5000):
        loaded += await lake.call(
            annotations.LOAD_ANNOTATIONS, version_id=version, ids=ids[start : start + 5000]
        )
    names: dict[str, str] = {}
    cursor = None
    while True:
        page = await lake.call(assets.LIST_ASSETS, version_id=version, cursor=cursor)
        names |= {str(asset.id): asset.data.filename for asset in page.items}
        cursor = page.next_cursor
        if cursor is None:
            break
    tagged = await lake.call(assets.LIST_ASSETS, version_id=version, q='tags.name = "third"')
    shapes: dict[str, list[Any]] = {}
    for annotation in loaded:
        plain = msgspec.to_builtins(annotation)
        plain.pop("id")
        shapes.setdefault(names[plain.pop("asset_id")], []).append(plain)
    stats = await lake.call(datasets.GET_STATS, version_id=version)
    listed = await lake.call(labels.LIST_LABELS, version_id=version)
    return {
        "assets": list(names.values()),
        "tagged": (tagged.count, sorted(asset.data.filename for asset in tagged.items)),
        "shapes": shapes,
        "stats": msgspec.to_builtins(stats),
        "labels": [label.name for label in listed.items],
    }


def rows(lake: Stocked, table: str, where: str = "true") -> int:
    """How many rows a table has."""
    with lake.raw() as connection:
        found = connection.execute(f"select count(*) from {table} where {where}").fetchone()
        assert found is not None
        return int(found[0])
