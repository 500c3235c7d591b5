"""The filters of listings as SQL conditions.

The conditions stand on the aliases ``d`` (data) and ``a`` (asset) alone, so a statement may use them wherever both
are in sight (``d`` only, for listings of data). Their text is all our own; what callers wrote is bound as ``:f1``,
``:f2``, ….
"""

from __future__ import annotations

from typing import NamedTuple

from headrace.platform.filters.conditions import Conditions
from headrace.platform.filters.documents import add_custom_metadata
from headrace.platform.filters.fields import ASSET_FIELDS, DATA_FIELDS
from headrace.platform.filters.queries import add_query
from headrace.protocol.operations.assets import ListAssets
from headrace.protocol.operations.datalake import FindData
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES, DataQuery


class Filters(NamedTuple):
    """``sql`` is empty or begins with ``" and "``; ``params`` holds the values of its names."""

    sql: str
    params: dict[str, object]


def compile_data_filters(request: DataQuery | FindData) -> Filters:
    """What a listing of data (alias ``d``) leaves out, by ``q``, metadata, statuses and types.

    Scope (the lake) and keys (``ids``, ``filename`` …) are the statement's own affair. Raises a 400 where ``q`` is
    none or names what does not exist.
    """
    conditions = Conditions()
    _add_states(conditions, request)
    if isinstance(request, DataQuery):
        add_query(conditions, request.q, DATA_FIELDS)
        add_custom_metadata(conditions, request.custom_metadata)
    return Filters(conditions.sql(), conditions.params)


def compile_asset_filters(request: ListAssets) -> Filters:
    """The same for a listing of assets (alias ``a``) joined with their data (alias ``d``)."""
    conditions = Conditions()
    _add_states(conditions, request)
    add_query(conditions, request.q, ASSET_FIELDS)
    add_custom_metadata(conditions, request.custom_metadata)
    assigned = (request.assignment_status, request.assignment_step_id, request.assignment_user_id)
    if any(wanted is not None for wanted in assigned):
        # Assignments come with annotation campaigns; without one, no asset is assigned.
        conditions.add("false")
    return Filters(conditions.sql(), conditions.params)


def _add_states(conditions: Conditions, request: DataQuery | FindData) -> None:
    statuses, types = request.upload_statuses, request.types
    # The platform's client always names every status and type: no condition, no work.
    if statuses is not None and set(statuses) != set(ALL_UPLOAD_STATUSES):
        conditions.add(f"d.status in ({conditions.bind_all(statuses)})")
    if types is not None and set(types) != set(ALL_TYPES):
        conditions.add(f"d.kind in ({conditions.bind_all(types)})")
