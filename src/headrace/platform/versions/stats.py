"""What a version holds, in numbers."""

from __future__ import annotations

from headrace.model.records import VersionStats
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.scopes import version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.datasets import GET_STATS, VersionId


@handles(GET_STATS)
async def get_stats(context: Context, access: Access, request: VersionId) -> VersionStats:
    """Shapes per label in order of the labels' creation, and totals; labels without shapes are absent."""
    scope = await version_scope(context.database, access, request.version_id)
    counted = {"bucket": scope.bucket, "version": scope.no}
    labels = await context.database.fetch("counters.labels", filters="", **counted)
    totals = await context.database.fetch_one("counters.totals", filters="", **counted)
    assert totals is not None
    shapes = {name: number for _, number, _, name in labels if number}
    return VersionStats(
        label_repartition=shapes,
        nb_objects=sum(shapes.values()),
        nb_annotations=totals[1],
        nb_assets=totals[0],
    )
