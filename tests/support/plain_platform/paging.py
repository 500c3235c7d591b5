"""The shapes of listings (reference 1.7)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from tests.support.plain_platform.kinds import INT, TEXT, Kind, between, many
from tests.support.plain_platform.routes import Call, RefusedError
from tests.support.plain_platform.switches import LIMIT

PAGE: dict[str, Kind] = {
    "limit": between(INT, 1, LIMIT),
    "offset": between(INT, 0, 2**53),
    "order_by": many(TEXT),
}
"""Keys of the query of a listing without a cursor."""
CURSOR: dict[str, Kind] = {**PAGE, "cursor": TEXT}


class _Aged(Protocol):
    id: str
    order: int


R = TypeVar("R", bound=_Aged)
Show = Callable[[R], Any]
Sorts = Mapping[str, Callable[[R], Any]]
"""What a listing can be ordered by besides ``created_at``."""


def in_order(rows: Sequence[R], call: Call, sorts: Sorts[R], *, newest_first: bool) -> list[R]:
    """Rows by ``order_by``, else by age; equal ones by age, so that the order is total."""
    wishes: list[str] = call.query.get("order_by", [])
    ordered = sorted(rows, key=lambda row: row.order, reverse=newest_first)
    for wish in reversed(wishes):
        name = wish.removeprefix("-")
        by = (lambda row: row.order) if name == "created_at" else sorts.get(name)
        if by is None:
            raise RefusedError(400, f"Nothing can be ordered by {name}.")
        ordered.sort(key=by, reverse=wish.startswith("-"))
    return ordered


def items_only(
    rows: Sequence[R], call: Call, show: Show[R], sorts: Sorts[R] | None = None
) -> dict[str, Any]:
    """``{"items"}``: everything in the order of creation, unless a limit was given."""
    ordered = in_order(rows, call, sorts or {}, newest_first=False)
    return {"items": [show(row) for row in _cut(ordered, call, len(ordered))]}


def offset_page(
    rows: Sequence[R],
    call: Call,
    show: Show[R],
    sorts: Sorts[R] | None = None,
    default_limit: int = LIMIT,
) -> dict[str, Any]:
    """``{"items", "count"}``, newest first."""
    ordered = in_order(rows, call, sorts or {}, newest_first=True)
    page = _cut(ordered, call, min(default_limit, call.switches.page_cap))
    return {"items": [show(row) for row in page], "count": len(ordered)}


def cursor_page(
    rows: Sequence[R], call: Call, show: Show[R], sorts: Sorts[R] | None = None
) -> dict[str, Any]:
    """``{"items", "count", "next_cursor"}``, newest first, by cursors; an offset listing where an order was asked for."""
    if "order_by" in call.query:
        if "cursor" in call.query:
            raise RefusedError(400, "A listing with an order has no cursor.")
        return {**offset_page(rows, call, show, sorts), "next_cursor": None}
    ordered = in_order(rows, call, sorts or {}, newest_first=True)
    filters = {key: value for key, value in call.query.items() if key not in CURSOR}
    rest: Sequence[R] = ordered
    if (cursor := call.query.get("cursor")) is not None:
        if "offset" in call.query:
            raise RefusedError(400, "A cursor has no offset beside it.")
        last = _read_cursor(cursor, filters)
        rest = [row for row in ordered if row.order < last]
    page = _cut(rest, call, call.switches.page_cap)
    more = call.query.get("offset", 0) + len(page) < len(rest) and len(page) > 0
    return {
        "items": [show(row) for row in page],
        "count": len(ordered),
        "next_cursor": _cursor(page[-1].order, filters) if more else None,
    }


def key_list(rows: Sequence[R], call: Call, show: Show[R], sorts: Sorts[R] | None = None) -> Any:
    """The answer of an XGET with a list of keys: all matches, or an offset page where the query has a limit."""
    if "limit" in call.query:
        return offset_page(rows, call, show, sorts)
    ordered = in_order(rows, call, sorts or {}, newest_first=True)
    return {"items": [show(row) for row in ordered], "count": len(ordered)}


def _cut(ordered: Sequence[R], call: Call, without_limit: int) -> Sequence[R]:
    start = call.query.get("offset", 0)
    limit = call.query.get("limit")
    wanted = without_limit if limit is None else min(limit, call.switches.page_cap)
    return ordered[start : start + wanted]


def _cursor(last: int, filters: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps([last, filters]).encode()).decode()


def _read_cursor(cursor: str, filters: Mapping[str, Any]) -> int:
    try:
        last, before = json.loads(urlsafe_b64decode(cursor))
    except ValueError:
        raise RefusedError(400, "This is no cursor.") from None
    if before != filters:
        raise RefusedError(400, "The cursor belongs to a listing with other filters.")
    assert isinstance(last, int)
    return last
