"""Limit, offset and order of listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from headrace.errors import BadRequestError
from headrace.protocol.operations.listing import PAGE_SIZE, PageQuery
from headrace.storage.database.dialect import Dialect

MAX_OFFSET = 1 << 40
MAX_ORDER = 8
NO_LIMIT = 1 << 62
"""The ``limit`` of a statement that returns all rows."""

_NULLABLE = frozenset({"d.width", "d.height", "d.size"})


def page_limit(request: PageQuery) -> int:
    """The number of items on a page: the requested limit, at most the page size."""
    if request.limit is None:
        return PAGE_SIZE
    if request.limit < 1:
        raise BadRequestError("limit must be at least 1")
    return min(request.limit, PAGE_SIZE)


def page_offset(request: PageQuery) -> int:
    """The number of items to skip."""
    offset = request.offset or 0
    if not 0 <= offset <= MAX_OFFSET:
        raise BadRequestError("offset must not be negative")
    return offset


def order_clause(
    order_by: Sequence[str], columns: Mapping[str, str], tie: str, dialect: Dialect
) -> str:
    """Build an ``order by`` clause from field names, each with an optional leading ``-``.

    Args:
        order_by: The requested fields.
        columns: The SQL of each field that may be named.
        tie: A last column that makes the order total.
        dialect: That of the database; unknown widths, heights and sizes are the smallest in each.

    Raises:
        BadRequestError: Too many fields, or an unknown one; the hint lists the known ones.
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
        terms.append(
            dialect.order_term(
                column, descending=name.startswith("-"), nullable=column in _NULLABLE
            )
        )
    return " order by " + ", ".join([*terms, tie])


def exactly_one(**keys: Sequence[object] | None) -> tuple[str, Sequence[object]]:
    """Return the name and keys of the one key list that is given; a 400 if there is none or more than one."""
    given = [(name, values) for name, values in keys.items() if values is not None]
    if len(given) != 1:
        raise BadRequestError(
            "name one list of keys" if not given else "name only one list of keys",
            hint="one of " + ", ".join(keys),
        )
    return given[0]


def json_text(keys: Sequence[object]) -> str:
    """Encode a list of keys as JSON, for ``json_each(:keys)`` in statements."""
    return msgspec.json.encode(keys).decode()
