"""Run a change with positional parameters for many rows in one statement, whose parameters are arrays.

PostgreSQL runs a statement for each row in 60 to 120 µs, since it looks for the row's partition each time. Three kinds of
statements are taken together: ``delete from t where a = ? and …``, ``update t … from (select cast(? as type) as
name, …) w where …``, and ``insert into t (a, …) values (?, …) on conflict …``. Their rows must be different ones. A
value that all rows share stays one value, so the partition is found once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

_DELETE = re.compile(
    r"delete\s+from\s+(?P<table>\w+)\s+where\s+(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_UPDATE = re.compile(
    r"(?P<head>update\s.*\sfrom\s+)\(select\s+(?P<columns>cast\(.*?)\)\s+(?P<alias>\w+)\s+(?P<rest>where\s.*)",
    re.IGNORECASE | re.DOTALL,
)
_INSERT = re.compile(
    r"(?P<head>insert\s+into\s+\w+\s*\((?P<names>[\w\s,]+)\)\s*)values\s*\([?,\s]+\)\s*(?P<rest>(?:on\s+conflict\s.*)?)",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = re.compile(
    r"cast\(\?\s+as\s+(?P<type>[\w ]+(?:\[\])?)\)\s+as\s+(?P<name>\w+)", re.IGNORECASE
)
_KEY = re.compile(r"(?P<name>\w+)\s*=\s*\?")
_ARRAY = "[]"


class Batch(NamedTuple):
    """A statement for many rows, and the values of its parameters."""

    sql: str
    values: list[Any]


class _Shape(NamedTuple):
    """A statement in parts: ``types`` and ``names`` are those of its positional parameters.

    An insert has no ``alias``: its rows are the source itself.
    """

    head: str
    rest: str
    alias: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def is_plain_insert(self) -> bool:
        """Whether it inserts rows and fails where one of them exists."""
        return not self.alias and not self.rest


def batch(
    text: str, types: Sequence[str], rows: Sequence[Sequence[Any]], *, plain: bool = False
) -> Batch | None:
    """Return one statement for all rows, or None for a statement of another kind.

    Args:
        text: The statement for one row, without comments.
        types: The types of its parameters, by PostgreSQL's names.
        rows: Its rows, at least one.
        plain: Whether an insert that fails where a row exists is such a statement too. COPY is faster for many rows.
    """
    shape = _shape(text, tuple(types))
    if shape is None or (not plain and shape.is_plain_insert):
        return None
    columns = list(zip(*rows, strict=True))
    shared = tuple(
        not shape.types[at].endswith(_ARRAY) and column.count(column[0]) == len(column)
        for at, column in enumerate(columns)
    )
    if all(shared):
        # One row, or the same row many times.
        shared = (*shared[:-1], False)
    values: list[Any] = []
    for at, column in enumerate(columns):
        if shared[at]:
            values.append(column[0])
        elif shape.types[at].endswith(_ARRAY):
            values.append([_array_text(value) for value in column])
        else:
            values.append(column)
    return Batch(_compose(shape, shared), values)


@lru_cache(maxsize=64)
def _shape(text: str, types: tuple[str, ...]) -> _Shape | None:
    found = _DELETE.fullmatch(text)
    if found is not None:
        keys = _KEY.findall(found["rest"])
        # Nothing but the equality of keys.
        if _KEY.sub("", found["rest"]).lower().split() != ["and"] * (len(keys) - 1):
            return None
        rest = " and ".join(f"{found['table']}.{key} = w.{key}" for key in keys)
        head = f"delete from {found['table']} using "
        return _Shape(head, f"where {rest}", "w", types, tuple(keys))
    found = _INSERT.fullmatch(text)
    if found is not None:
        names = tuple(each.strip() for each in found["names"].split(","))
        if not len(names) == len(types) == text.count("?"):
            return None
        return _Shape(found["head"], found["rest"], "", types, names)
    found = _UPDATE.fullmatch(text)
    if found is None or text.lower().count("select") != 1:
        return None
    columns = [(each["type"], each["name"]) for each in _COLUMN.finditer(found["columns"])]
    if len(columns) != text.count("?"):
        return None
    return _Shape(
        found["head"],
        found["rest"],
        found["alias"],
        tuple(kind for kind, _ in columns),
        tuple(name for _, name in columns),
    )


@lru_cache(maxsize=256)
def _compose(shape: _Shape, shared: tuple[bool, ...]) -> str:
    """Write the statement; ``shared`` tells which values all rows share."""
    arrays, rest, names = [], shape.rest, []
    for at, (kind, name) in enumerate(zip(shape.types, shape.names, strict=True)):
        parameter = f"${at + 1}"
        if shared[at]:
            # In the condition itself, where the planner sees it.
            if shape.alias:
                rest = re.sub(rf"\b{shape.alias}\.{name}\b", f"cast({parameter} as {kind})", rest)
        else:
            element = "text" if kind.endswith(_ARRAY) else kind
            arrays.append(f"cast({parameter} as {element}[])")
            names.append(name)
    columns = [
        f"cast({_source_of(shape, at, shared)} as {kind}) as {name}"
        for at, (kind, name) in enumerate(zip(shape.types, shape.names, strict=True))
    ]
    source = (
        f"select {', '.join(columns)} from unnest({', '.join(arrays)}) as u ({', '.join(names)})"
    )
    if not shape.alias:
        return f"{shape.head}{source} {shape.rest}"
    source = f"({source})"
    return f"{shape.head}{source} {shape.alias} {rest}"


def _source_of(shape: _Shape, at: int, shared: tuple[bool, ...]) -> str:
    """Return what stands for a parameter in the list of columns: its one value, or a column of the arrays."""
    return f"${at + 1}" if shared[at] else f"u.{shape.names[at]}"


def _array_text(value: Sequence[float] | None) -> str | None:
    """Return an array of numbers as PostgreSQL writes it: an array of arrays would be unpacked as a whole."""
    return None if value is None else "{" + ",".join(map(repr, value)) + "}"
