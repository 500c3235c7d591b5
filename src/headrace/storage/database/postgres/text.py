"""Turn a named statement into PostgreSQL's words: ``:name`` and ``?`` become ``$1``, ``$2`` and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*'            # a text
    | "(?:[^"]|"")*"            # a quoted name
    | --[^\n]*                  # a comment
    | /\*.*?\*/
    | \$(\w*)\$.*?\$\1\$        # a body between dollar signs
    | ::                        # a cast
    | (?<![\w:]):(?P<name>[A-Za-z_]\w*)
    | (?P<position>\?)
    """,
    re.VERBOSE | re.DOTALL,
)
_LEADING_COMMENTS = re.compile(r"(?:\s++|--[^\n]*+\n|/\*(?:[^*]|\*(?!/))*+\*/)*+")
_PLAIN_INSERT = re.compile(
    r"insert\s+into\s+(?P<table>\w+)\s*\((?P<columns>[\w\s,]+)\)\s*values\s*\([\s?,]+\)\s*",
    re.IGNORECASE,
)
_SMALL_INTEGERS = {"int2", "int4"}
# A NUL cannot be stored, so no text has one. This character means "not a character" and takes its place in questions.
_NUL, _NO_CHARACTER = "\0", "\uffff"
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class PostgresText(NamedTuple):
    """A statement for PostgreSQL.

    ``names`` are the parameters in the order of their numbers. ``reads`` is whether it changes nothing;
    ``inserts`` whether it inserts rows and fails where one of them exists.
    """

    sql: str
    names: tuple[str, ...]
    reads: bool
    inserts: bool

    def bind(self, params: Mapping[str, Any]) -> list[Any]:
        """Return the values in the order of their numbers; raises KeyError for a missing one."""
        if self.reads:
            return [_askable(params[name]) for name in self.names]
        return [params[name] for name in self.names]


class CopyTarget(NamedTuple):
    """The table and the columns of a plain insert, whose rows can be copied in bulk."""

    table: str
    columns: tuple[str, ...]


@lru_cache(maxsize=4096)
def numbered(text: str) -> PostgresText:
    """Number the ``:name`` parameters of a statement, each name once."""
    numbers: dict[str, int] = {}

    def number(token: re.Match[str]) -> str:
        name = token["name"]
        if name is None:
            return token[0]
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    sql = _TOKEN.sub(number, text)
    verb = _verb(sql)
    lower = sql.lower()
    writes = verb not in ("select", "with") or any(
        re.search(rf"\b{word}\s", lower)
        for word in ("insert into", "delete from", r"update\s+\w+\s+set")
    )
    return PostgresText(
        sql, tuple(numbers), not writes, verb == "insert" and "on conflict" not in lower
    )


@lru_cache(maxsize=256)
def positioned(text: str) -> tuple[str, int]:
    """Number the ``?`` of a statement; returns the SQL and how many there are."""
    count = 0

    def number(token: re.Match[str]) -> str:
        nonlocal count
        if token["position"] is None:
            return token[0]
        count += 1
        return f"${count}"

    return _TOKEN.sub(number, text), count


@lru_cache(maxsize=256)
def copy_target(text: str) -> CopyTarget | None:
    """Return where a statement inserts whole rows, or None if it does more or less than that."""
    found = _PLAIN_INSERT.fullmatch(bare(text))
    if found is None:
        return None
    columns = tuple(column.strip() for column in found["columns"].split(","))
    return CopyTarget(found["table"], columns) if text.count("?") == len(columns) else None


def bare(text: str) -> str:
    """Return a statement without the comments above it."""
    found = _LEADING_COMMENTS.match(text)
    return text[found.end() :] if found else text


def widened(sql: str, types: Sequence[str]) -> str | None:
    """Give parameters of 32 bits and fewer 64, so that a number that no row can have finds nothing, as in SQLite.

    Returns None where no parameter is so small. ``types`` are the names of the types, in order.
    """
    small = {f"${at + 1}" for at, name in enumerate(types) if name in _SMALL_INTEGERS}
    if not small:
        return None

    def widen(token: re.Match[str]) -> str:
        return f"{token[0]}::bigint" if token[0] in small else token[0]

    return re.sub(r"'(?:[^']|'')*'|\$\d+", widen, sql)


def _askable(value: Any) -> Any:
    """Return a value that PostgreSQL takes in a question; a text with a NUL is equal to no text."""
    if isinstance(value, str) and (_NUL in value or "u0000" in value):
        value = value.replace(_NUL, _NO_CHARACTER)
        if value.startswith(("[", "{")):
            value = _NUL_IN_JSON.sub(r"\1\\uffff", value)
    return value


def _verb(sql: str) -> str:
    found = re.match(r"\w+", bare(sql))
    return found[0].lower() if found else ""
