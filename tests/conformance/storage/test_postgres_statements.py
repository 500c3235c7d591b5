"""PostgreSQL takes every statement as the adapter sends it: numbered, with wide integers, and many rows at once."""

from __future__ import annotations

import asyncpg

from headrace.storage.database.postgres.batches import batch
from headrace.storage.database.postgres.statements import PostgresStatements
from headrace.storage.database.postgres.text import bare, copy_target, positioned
from headrace.storage.database.queries import Queries
from tests.support.postgres_server import fresh_database

WRONG_ON_PURPOSE = {"conformance.broken"}
ROW_BY_ROW = {
    "assignments.deal", "assignments.move", "assignments.put", "assignments.put_trail",
    "campaigns.add_assignee", "campaigns.count_dealt", "check.set_digests",
    "old_blobs.rewrite_annotation", "old_blobs.rewrite_content",
}  # fmt: skip
"""Statements of many rows that are run once for each."""


async def test_every_statement_is_prepared() -> None:
    queries = Queries("postgres")
    refused, row_by_row = {}, set()
    with fresh_database() as dsn:
        connection = await asyncpg.connect(dsn)
        statements = PostgresStatements(queries, "", lambda error: None)
        for name in sorted(set(queries.names()) - WRONG_ON_PURPOSE):
            try:
                if "?" not in queries.text(name):
                    text = await statements.text(connection, name, "")
                    await connection.prepare(text.sql)
                    continue
                text = queries.text(name)
                one_row, count = positioned(text)
                types = await statements.types(connection, one_row)
                assert len(types) == count
                rows = [
                    tuple(
                        [row] if kind.endswith("[]") else row + at for at, kind in enumerate(types)
                    )
                    for row in range(2)
                ]
                many = batch(bare(text), types, rows)
                if many is not None:
                    await connection.prepare(many.sql)
                elif copy_target(text) is None:
                    row_by_row.add(name)
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
        await connection.close()
    assert refused == {}
    assert row_by_row == ROW_BY_ROW
