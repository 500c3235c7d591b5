"""Select assets of a version by lists of keys: ids, names, name prefixes, or ids of data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from headrace.errors import NotFoundError
from headrace.model.ids import InvalidIdError, Key, Kind, decode
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope
from headrace.platform.filters import Filters
from headrace.storage.database.base import Statements

_SLICE = 2_000
_LAST_CHARACTER = chr(0x10FFFF)


class AssetKeys(NamedTuple):
    """A list of keys, encoded for its SQL statement."""

    statement: str
    keys: str


def asset_keys(scope: VersionScope, name: str, values: Sequence[Any]) -> AssetKeys:
    """Choose the statement for the list ``name`` of a request, and encode its keys without those that cannot exist."""
    keys: list[Any]
    if name == "ids":
        seqs = map(scope.ids(Kind.ASSET).seq, values)
        keys = list(dict.fromkeys(seq for seq in seqs if seq is not None))
    elif name == "data_ids":
        keys = list(data_keys(values))
    elif name == "filename_startswith":
        keys = _ranges(values)
    else:
        keys = list(dict.fromkeys(values))
    return AssetKeys(f"assets.by_{name}", json_text(keys))


async def select_seqs(
    statements: Statements,
    access: Access,
    scope: VersionScope,
    keys: AssetKeys,
    filters: Filters,
    order: str,
) -> list[int]:
    """Read the row numbers of the assets that match keys and filters, in the given order."""
    params = dict(filters.params)
    if keys.statement == "assets.by_object_names":
        params["organization"] = access.organization
    rows = await statements.fetch(
        keys.statement,
        filters=filters.sql + order,
        keys=keys.keys,
        bucket=scope.bucket,
        version=scope.no,
        **params,
    )
    return [seq for (seq,) in rows]


def asset_seqs(scope: VersionScope, ids: Iterable[UUID]) -> list[int]:
    """Decode ids into distinct row numbers; raises NotFoundError for an id of another version."""
    return scope.row_numbers(Kind.ASSET, ids)


async def present_seqs(
    statements: Statements, scope: VersionScope, ids: Iterable[UUID]
) -> list[int]:
    """Decode ids into row numbers of existing assets, sorted; raises NotFoundError where one does not exist."""
    seqs = sorted(asset_seqs(scope, ids))
    for start in range(0, len(seqs), _SLICE):
        wanted = seqs[start : start + _SLICE]
        rows = await statements.fetch(
            "assets.by_ids", keys=json_text(wanted), bucket=scope.bucket, version=scope.no
        )
        absent = set(wanted) - {seq for (seq,) in rows}
        if absent:
            raise NotFoundError(
                f"there is no asset {scope.ids(Kind.ASSET).text(min(absent))} in {scope.full_name}"
            )
    return seqs


def data_keys(ids: Iterable[UUID]) -> list[tuple[int, int, int]]:
    """Decode ids of data into distinct tuples ``(bucket, number, creation of the lake)``; other ids are left out."""
    keys: dict[tuple[int, int, int], None] = {}
    for data_id in ids:
        try:
            key: Key = decode(data_id)
        except InvalidIdError:
            continue
        if key.kind is Kind.DATA:
            keys[key.bucket, key.number, key.created_ms] = None
    return list(keys)


def _ranges(prefixes: Sequence[str]) -> list[tuple[str, str]]:
    """Return disjoint half-open ranges of names that begin with one of the prefixes."""
    ranges: list[tuple[str, str]] = []
    last: str | None = None
    for prefix in sorted(set(prefixes)):
        if last is None or not prefix.startswith(last):
            ranges.append((prefix, prefix + _LAST_CHARACTER * 8))
            last = prefix
    return ranges
