"""Send several changes as one statement, so that a transaction waits for PostgreSQL once.

Each becomes a part of a ``with``. The parts see the database as it was before the statement, so those that change one
table stay apart: the second would not see the rows of the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

_TABLE = re.compile(r"(?:insert\s+into|update|delete\s+from)\s+(?P<table>\w+)", re.IGNORECASE)
_PARAMETER = re.compile(r"'(?:[^']|'')*'|\$(?P<number>\d+)")


class Change(NamedTuple):
    """A statement with numbered parameters and without comments above it, and their values."""

    sql: str
    values: list[Any]


def together(changes: Iterable[Change]) -> Iterator[Change]:
    """Yield as few statements as possible that make these changes, in their order."""
    held: list[Change] = []
    tables: set[str] = set()
    for change in changes:
        found = _TABLE.match(change.sql)
        if found is None or found["table"] in tables:
            yield from _joined(held)
            held, tables = [], set()
        held.append(change)
        if found is None:
            yield from _joined(held)
            held = []
        else:
            tables.add(found["table"])
    yield from _joined(held)


def _joined(changes: list[Change]) -> Iterator[Change]:
    if len(changes) > 1:
        sql = _compose(tuple([(each.sql, len(each.values)) for each in changes]))
        yield Change(sql, [value for each in changes for value in each.values])
    else:
        yield from changes


@lru_cache(maxsize=256)
def _compose(parts: tuple[tuple[str, int], ...]) -> str:
    """Write the statement; each part is given with the number of its parameters."""
    texts, first = [], 0
    for at, (sql, count) in enumerate(parts):
        texts.append(f"c{at} as (\n{_shifted(sql, first)}\n)")
        first += count
    return f"with {', '.join(texts)} select"


def _shifted(sql: str, by: int) -> str:
    def shift(token: re.Match[str]) -> str:
        return token[0] if token["number"] is None else f"${int(token['number']) + by}"

    return _PARAMETER.sub(shift, sql)
