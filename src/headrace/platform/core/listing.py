"""What all listings share: how many, from where, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from headrace.errors import BadRequestError
from headrace.protocol.operations.listing import PAGE_SIZE, PageQuery

MAX_OFFSET = 1 << 40
MAX_ORDER = 8


def page_limit(request: PageQuery) -> int:
    """How many items a page holds: what was asked, up to the page size."""
    if request.limit is None:
        return PAGE_SIZE
    if request.limit < 1:
        raise BadRequestError("limit must be at least 1")
    return min(request.limit, PAGE_SIZE)


def page_offset(request: PageQuery) -> int:
    """How many items are passed over."""
    offset = request.offset or 0
    if not 0 <= offset <= MAX_OFFSET:
        raise BadRequestError("offset must not be negative")
    return offset


def order_clause(order_by: Sequence[str], columns: Mapping[str, str], tie: str) -> str:
    """An ``order by`` over a closed set of names, each with an optional ``-``; ``tie`` makes the order total.

    Raises a 400 that lists the names.
    """
    if len(order_by) > MAX_ORDER:
        raise BadRequestError(f"order_by names {len(order_by)} fields, at most {MAX_ORDER}")
    terms = []
    for name in order_by:
        column = columns.get(name.removeprefix("-"))
        if column is None:
            raise BadRequestError(
                f"cannot order by {name!a}", hint="order by " + ", ".join(columns)
            )
        terms.append(f"{column} desc" if name.startswith("-") else column)
    return " order by " + ", ".join([*terms, tie])


def exactly_one(**keys: Sequence[object] | None) -> tuple[str, Sequence[object]]:
    """The one key list that a request names; a 400 where there are none or several."""
    given = [(name, values) for name, values in keys.items() if values is not None]
    if len(given) != 1:
        raise BadRequestError(
            "name one list of keys" if not given else "name only one list of keys",
            hint="one of " + ", ".join(keys),
        )
    return given[0]


def json_text(keys: Sequence[object]) -> str:
    """A list of keys as statements take it: JSON for ``json_each(:keys)``."""
    return msgspec.json.encode(keys).decode()
