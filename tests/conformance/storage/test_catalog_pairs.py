"""The migrations of both databases make the same catalog: tables, columns, keys and unique indexes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from headrace.storage.database.dialect import BUCKETS
from headrace.storage.database.sqlite.database import SqliteDatabase
from tests.support.postgres_server import fresh_database, run

FILES_OF_LAKES = {"job_log", "released_object", "removal_part"}
"""Tables of PostgreSQL alone: a lake has files in their place, or deletes its files at once."""
ONLY_POSTGRES = {
    ("annotation", "marks"),
    ("annotation", "scores"),
    ("content", "marks"),
    ("content", "scores"),
}
TYPES = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "double precision": "real",
    "bytea": "blob",
    "text": "text",
}
PARTITIONED = {
    "annotation", "asset", "asset_tag", "content", "label_delta", "label_mark", "version_delta",
}  # fmt: skip

COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, null), a.attnotnull, coalesce(l.collname, '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_collation l on l.oid = a.attcollation
where c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'schema_version'
"""
INDEXES = """
select c.relname, array(select a.attname from unnest(i.indkey) with ordinality k (no, place)
                        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.no order by k.place)::text[],
       i.indisunique, i.indisprimary, i.indpred is not null
from pg_index i join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
where not c.relispartition and c.relname <> 'schema_version'
"""
REFERENCES = """
select c.relname, a.attname, p.relname
from pg_constraint x join pg_class c on c.oid = x.conrelid join pg_class p on p.oid = x.confrelid
join pg_attribute a on a.attrelid = c.oid and a.attnum = x.conkey[1] where x.contype = 'f'
"""
PARTITIONS = """
select p.relname, c.relname, pg_get_expr(c.relpartbound, c.oid)
from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
where p.relkind = 'p'
"""


class Catalog(NamedTuple):
    """A schema. ``unique`` has the columns of a key or unique index, and whether it holds for some rows only."""

    columns: dict[tuple[str, str], tuple[str, bool]]
    keys: dict[str, list[str]]
    unique: set[tuple[str, frozenset[str], bool]]
    indexed: set[tuple[str, frozenset[str]]]
    references: set[tuple[str, str, str]]


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with fresh_database() as address:
        yield address


async def test_both_have_the_same_tables_and_keys(tmp_path: Path, dsn: str) -> None:
    path = tmp_path / "catalog.db"
    await SqliteDatabase.create(path)
    sqlite, postgres = _of_sqlite(path), await _of_postgres(dsn)
    only = {name: postgres.columns.pop(name) for name in ONLY_POSTGRES}
    assert postgres.columns == sqlite.columns
    assert postgres.keys == sqlite.keys
    assert postgres.unique == sqlite.unique
    assert postgres.indexed == sqlite.indexed
    assert postgres.references == sqlite.references
    assert all(kind.endswith("[]") for kind, _ in only.values())


async def test_all_texts_compare_by_code_point(dsn: str) -> None:
    rows = await run(dsn, COLUMNS)
    assert {
        (table, column) for table, column, kind, _, order in rows if kind == "text" and order != "C"
    } == set()


async def test_tables_that_grow_with_assets_have_a_partition_for_each_bucket(dsn: str) -> None:
    rows = await run(dsn, PARTITIONS)
    assert {table for table, _, _ in rows} == PARTITIONED
    for table in PARTITIONED:
        found = {name: bound for parent, name, bound in rows if parent == table}
        assert found == {
            f"{table}_{bucket}": f"FOR VALUES IN ('{bucket}')" for bucket in range(BUCKETS + 1)
        }


def _of_sqlite(path: Path) -> Catalog:
    connection = apsw.Connection(str(path))
    catalog = Catalog({}, {}, set(), set(), set())
    tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'"
    for (table,) in list(connection.execute(tables)):
        columns = list(connection.execute(f"pragma table_info({table})"))
        key = [row[1] for row in sorted(columns, key=lambda row: row[5]) if row[5]]
        for _, name, kind, required, _, place in columns:
            catalog.columns[table, name] = (kind.lower(), bool(required or place))
        if key:
            catalog.keys[table] = key
            _note(catalog, table, key, unique=True, partial=False)
        for row in list(connection.execute(f"pragma index_list({table})")):
            _, index, unique, origin, partial = row
            if origin == "pk":
                continue
            names = [found[2] for found in connection.execute(f"pragma index_info({index})")]
            _note(catalog, table, names, unique=bool(unique), partial=bool(partial))
        for found in connection.execute(f"pragma foreign_key_list({table})"):
            catalog.references.add((table, found[3], found[2]))
    connection.close()
    return catalog


async def _of_postgres(dsn: str) -> Catalog:
    catalog = Catalog({}, {}, set(), set(), set())
    for table, name, kind, required, _ in await run(dsn, COLUMNS):
        if table in FILES_OF_LAKES:
            continue
        catalog.columns[table, name] = (TYPES.get(kind, kind), required)
    for table, names, unique, primary, partial in await run(dsn, INDEXES):
        if table in FILES_OF_LAKES:
            continue
        if primary:
            catalog.keys[table] = list(names)
        _note(catalog, table, names, unique=unique, partial=partial)
    references = await run(dsn, REFERENCES)
    catalog.references.update(row for row in references if row[0] not in FILES_OF_LAKES)
    return catalog


def _note(catalog: Catalog, table: str, names: Any, *, unique: bool, partial: bool) -> None:
    catalog.indexed.add((table, frozenset(names)))
    if unique:
        catalog.unique.add((table, frozenset(names), partial))
