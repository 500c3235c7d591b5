"""All that a version holds, to be compared before and after."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.sdk.version.dataset_version import DatasetVersion


async def snapshot(version: DatasetVersion) -> dict[str, Any]:
    """Assets with their tags, and annotations with owner, status, attributes and shapes; counted again."""
    assets = {}
    async for asset in version.list_assets():
        tags = sorted(tag.name for tag in await asset.get_tags())
        assets[str(asset.id)] = (asset.filename, str(asset.data_id), tags)
    annotations = {}
    shapes = 0
    async for annotation in version.iter_annotations():
        found = msgspec.to_builtins(annotation)
        annotations[found["id"]] = found
        shapes += sum(len(value) for value in found.values() if isinstance(value, list))
        # The rings of one object count once.
        rings = [each.get("instance") for each in found["polygons"]]
        rings = [instance for instance in rings if instance is not None]
        shapes -= len(rings) - len(set(rings))
    stats = await version.retrieve_stats()
    counted = (len(assets), len(annotations), shapes)
    assert (stats.nb_assets, stats.nb_annotations, stats.nb_objects) == counted
    return {"assets": assets, "annotations": annotations, "labels": stats.label_repartition}
