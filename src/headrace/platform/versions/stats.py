"""What a version holds, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.model.records import VersionStats
from headrace.platform.core.access import Access
from headrace.platform.core.scopes import version_scope
from headrace.protocol.operations.datasets import VersionId

if TYPE_CHECKING:
    from headrace.platform.platform import Platform


async def get_stats(platform: Platform, access: Access, request: VersionId) -> VersionStats:
    """Shapes per label in order of the labels' creation, and totals; labels without shapes are absent."""
    scope = await version_scope(platform.database, access, request.version_id)
    counted = {"bucket": scope.bucket, "version": scope.no}
    labels = await platform.database.fetch("stats.labels", filters="", **counted)
    totals = await platform.database.fetch_one("stats.totals", filters="", **counted)
    assert totals is not None
    shapes = {name: number for _, number, _, name in labels if number}
    return VersionStats(
        label_repartition=shapes,
        nb_objects=sum(shapes.values()),
        nb_annotations=totals[1],
        nb_assets=totals[0],
    )
