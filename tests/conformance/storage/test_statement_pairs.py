"""Each named statement is written once, or once for each database, and both take and give the same."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import apsw
import apsw.ext
import asyncpg
import pytest

from headrace.storage.database.postgres.derived import derived
from headrace.storage.database.postgres.text import numbered, positioned
from headrace.storage.database.queries import Queries
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.database.sqlite.functions import register
from tests.support.postgres_server import fresh_database

SQL = Path(str(files("headrace.storage.database"))) / "sql"
NOT_TO_PREPARE = {"conformance.broken"}
FILES_OF_LAKES = ("job_logs.", "released_objects.", "removal_parts.")
"""Statements over tables of PostgreSQL alone: a lake has files in their place, or deletes its files at once."""
DERIVED = {"marks", "scores"}
"""Parameters that PostgreSQL's adapter adds."""

_NAME = re.compile(r"^--\s*name:\s*(\w+)\s*$", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*")


class Shape(NamedTuple):
    """What a statement takes and gives: names or the number of its parameters, and how many columns."""

    params: frozenset[str] | int
    columns: int


def _texts(folder: str) -> dict[str, str]:
    found = {}
    for file in sorted((SQL / folder).glob("*.sql")):
        parts = _NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            found[f"{file.stem}.{name}"] = " ".join(_COMMENT.sub("", text).split())
    return found


COMMON, OF_SQLITE, OF_POSTGRES = _texts("common"), _texts("sqlite"), _texts("postgres")
NAMES = sorted(({*COMMON, *OF_SQLITE}) - NOT_TO_PREPARE)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[apsw.Connection]:
    path = tmp_path / "catalog.db"
    await SqliteDatabase.create(path)
    connection = apsw.Connection(str(path))
    register(connection)
    yield connection
    connection.close()


@pytest.fixture
def dsn() -> Iterator[str]:
    with fresh_database() as address:
        yield address


def test_a_statement_is_common_or_written_for_both() -> None:
    of_postgres = {name for name in OF_POSTGRES if not name.startswith(FILES_OF_LAKES)}
    assert OF_SQLITE.keys() == of_postgres
    assert not COMMON.keys() & OF_SQLITE.keys()


def test_nothing_is_written_twice_that_could_be_common() -> None:
    same = [name for name, text in OF_SQLITE.items() if OF_POSTGRES[name] == text]
    assert set(same) <= NOT_TO_PREPARE


def test_both_take_filters_or_neither() -> None:
    mark = "/*filters*/"
    assert [n for n in OF_SQLITE if (mark in OF_SQLITE[n]) != (mark in OF_POSTGRES[n])] == []


async def test_both_take_the_same_and_give_as_many_columns(
    sqlite: apsw.Connection, dsn: str
) -> None:
    connection = await asyncpg.connect(dsn)
    differing, inexact = {}, []
    try:
        for name in NAMES:
            expected = _of_sqlite(sqlite, Queries("sqlite").text(name))
            found, types = await _of_postgres(connection, name)
            if found != expected:
                differing[name] = (expected, found)
            # Sums of bigints are numeric, which Python gets as a Decimal.
            if "numeric" in types:
                inexact.append(name)
    finally:
        await connection.close()
    assert differing == {}
    assert inexact == []


def _of_sqlite(connection: apsw.Connection, text: str) -> Shape:
    query = apsw.ext.query_info(connection, text)
    names = [name for name in query.bindings_names if name is not None]
    assert not names or len(names) == query.bindings_count, "named and positional parameters"
    return Shape(frozenset(names) if names else query.bindings_count, len(query.description))


async def _of_postgres(connection: asyncpg.Connection, name: str) -> tuple[Shape, list[str]]:
    text = Queries("postgres").text(name)
    named = numbered(text)
    sql, count = (named.sql, 0) if named.names else positioned(text)
    prepared = await connection.prepare(sql)
    types = [column.type.name for column in prepared.get_attributes()]
    more = DERIVED if derived(name) is not None else set()
    if named.names:
        return Shape(frozenset(named.names) - more, len(types)), types
    return Shape(count - len(more), len(types)), types
