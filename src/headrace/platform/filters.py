"""The filters of listings as SQL conditions.

The conditions stand on the aliases ``d`` (data) and ``a`` (asset) alone, so a statement may use them wherever both
are in sight (``d`` only, for listings of data). Their text is all our own; what callers wrote is bound as ``:f1``,
``:f2``, ….
"""

from __future__ import annotations

from typing import NamedTuple

from headrace.protocol.operations.assets import ListAssets
from headrace.protocol.operations.datalake import FindData
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES, DataQuery


class Filters(NamedTuple):
    """``sql`` is empty or begins with ``" and "``; ``params`` holds the values of its names."""

    sql: str
    params: dict[str, object]


class _Conditions:
    """Conditions with their bound values, as they gather."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._params: dict[str, object] = {}

    def bind(self, value: object) -> str:
        name = f"f{len(self._params) + 1}"
        self._params[name] = value
        return ":" + name

    def add(self, condition: str) -> None:
        self._parts.append(condition)

    def filters(self) -> Filters:
        return Filters("".join(f" and ({part})" for part in self._parts), self._params)


def compile_data_filters(request: DataQuery | FindData) -> Filters:
    """What a listing of data (alias ``d``) leaves out: ``upload_statuses`` and ``types``.

    Scope (the lake) and keys (``ids``, ``filename`` …) are the statement's own affair.
    """
    conditions = _Conditions()
    _add_states(conditions, request)
    return conditions.filters()


def compile_asset_filters(request: ListAssets) -> Filters:
    """The same for a listing of assets (alias ``a``) joined with their data (alias ``d``)."""
    conditions = _Conditions()
    _add_states(conditions, request)
    return conditions.filters()


def _add_states(conditions: _Conditions, request: DataQuery | FindData) -> None:
    statuses, types = request.upload_statuses, request.types
    # The platform's client always names every status and type: no condition, no work.
    if statuses is not None and set(statuses) != set(ALL_UPLOAD_STATUSES):
        conditions.add(f"d.status in ({', '.join(map(conditions.bind, statuses))})")
    if types is not None and set(types) != set(ALL_TYPES):
        conditions.add(f"d.kind in ({', '.join(map(conditions.bind, types))})")
