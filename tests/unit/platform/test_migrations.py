"""Migrations: in order, once, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from headrace.errors import ConfigurationError
from headrace.storage.database.queries import Queries, migrations
from headrace.storage.database.sqlite.schema import migrate

STEPS = [
    (1, "create table one (a); insert into one values (1);"),
    (2, "create table two (a); insert into two select a + 1 from one;"),
]


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(tmp_path / "x.db"))
    connection.pragma("journal_mode", "wal")
    return connection


def test_steps_are_applied_once_and_in_order(connection: apsw.Connection) -> None:
    migrate(connection, STEPS[:1])
    migrate(connection, STEPS)
    migrate(connection, STEPS)
    assert connection.pragma("user_version") == 2
    assert list(connection.execute("select one.a, two.a from one, two")) == [(1, 2)]


def test_a_step_that_breaks_leaves_nothing_of_itself(connection: apsw.Connection) -> None:
    broken = [*STEPS[:1], (2, "create table two (a); insert into nowhere values (1);")]
    with pytest.raises(apsw.SQLError):
        migrate(connection, broken)
    assert connection.pragma("user_version") == 1
    assert list(connection.execute("select name from sqlite_schema")) == [("one",)]
    assert not connection.in_transaction
    migrate(connection, STEPS)
    assert connection.pragma("user_version") == 2


def test_the_shipped_migrations_are_numbered_without_a_gap() -> None:
    assert [number for number, _ in migrations("sqlite")] == list(
        range(1, len(migrations("sqlite")) + 1)
    )


def test_a_lake_of_any_age_becomes_what_a_new_one_is(tmp_path: Path) -> None:
    steps = migrations("sqlite")
    schemas = []
    for age in range(len(steps) + 1):
        connection = apsw.Connection(str(tmp_path / f"{age}.db"))
        migrate(connection, steps[:age])
        migrate(connection)
        assert connection.pragma("user_version") == len(steps)
        found = connection.execute("select type, name, sql from sqlite_schema order by type, name")
        schemas.append(found.fetchall())
        connection.close()
    assert all(schema == schemas[-1] for schema in schemas)


def test_every_shipped_statement_is_named_once() -> None:
    queries = Queries("sqlite")
    names = queries.names()
    assert len(names) == len(set(names)) > 100
    assert all(queries.text(name).strip() for name in names)
    with pytest.raises(ConfigurationError, match="sqlite"):
        queries.text("datalake")
