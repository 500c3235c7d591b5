"""No named statement walks through a large table, whatever the planner believes of its size."""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import pytest

from headrace.storage.database.queries import Queries
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.database.sqlite.functions import register

LARGE = (
    "data", "data_tag", "asset", "asset_tag", "object_tag", "annotation", "content", "label", "tag",
    "label_delta", "version_delta", "shard",
)  # fmt: skip

# Small tables, read whole, and what the conformance suite asks on purpose.
SCANS_ALLOWED = {"conformance.set_above", "conformance.endless", "conformance.echo"}
READS_ALL = ("care.", "check.")
"""Statements of a check or a backup read whole tables, which is what they are for."""
NOT_TO_PREPARE = {"conformance.broken"}

STATEMENTS = sorted(set(Queries("sqlite").names()) - NOT_TO_PREPARE)

BELIEFS = {"unknown": None, "tiny": "1 1 1 1 1", "huge": "50000000 1000000 100000 10 1"}


@pytest.fixture(params=list(BELIEFS))
async def connection(tmp_path: Path, request: pytest.FixtureRequest) -> apsw.Connection:
    path = tmp_path / "catalog.db"
    await SqliteDatabase.create(path)
    connection = apsw.Connection(str(path))
    belief = BELIEFS[request.param]
    if belief is not None:
        connection.execute("analyze")
        connection.execute(
            "insert into sqlite_stat1 (tbl, idx, stat)"
            " select tbl_name, name, ? from sqlite_schema where type = 'index'",
            (belief,),
        )
        connection.execute(
            "insert into sqlite_stat1 (tbl, idx, stat)"
            " select name, name, ? from sqlite_schema where type = 'table' and sql like '%without rowid%'",
            (belief,),
        )
        connection.close()
        connection = apsw.Connection(str(path))
    register(connection)
    return connection


async def test_large_tables_are_searched_and_never_scanned(connection: apsw.Connection) -> None:
    scans = {}
    for name in STATEMENTS:
        if name in SCANS_ALLOWED or name.startswith(READS_ALL):
            continue
        for step in _plan(connection, Queries("sqlite").text(name)):
            if step.startswith("SCAN") and not _is_bounded(step, Queries("sqlite").text(name)):
                scans[name] = step
    connection.close()
    assert scans == {}


async def test_the_check_would_notice_a_scan(connection: apsw.Connection) -> None:
    text = "select d.no from data d where d.content_type = :content_type"
    (step,) = _plan(connection, text)
    connection.close()
    assert step.startswith("SCAN d")
    assert not _is_bounded(step, text)


def _plan(connection: apsw.Connection, text: str) -> list[str]:
    steps = []
    for statement in text.split(";"):
        names = set(re.findall(r":(\w+)", statement))
        values = dict.fromkeys(names, 1) if names else [1] * statement.count("?")
        steps += [row[3] for row in connection.execute(f"explain query plan {statement}", values)]
    return steps


def _is_bounded(step: str, text: str) -> bool:
    """Whether the thing scanned is a list of keys or a table that stays small."""
    if "VIRTUAL TABLE" in step or "CONSTANT ROW" in step:
        return True
    scanned = step.split()[1]
    alias = re.search(rf"\b(?:from|join)\s+(\w+)\s+{scanned}\b", text)
    return (alias[1] if alias else scanned) not in LARGE
