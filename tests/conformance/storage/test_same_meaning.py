"""Where the two databases differ by nature, the platform's statements mean the same in both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.model.blob.counts import pack_counts
from headrace.model.blob.pack import pack
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.model.ids import MAX_NUMBER, MAX_SEQ
from headrace.platform.core.listing import NO_LIMIT, json_text, order_clause
from headrace.platform.filters import compile_asset_filters
from headrace.protocol.operations.assets import ListAssets
from headrace.storage.database.base import Database
from headrace.storage.database.postgres.database import PostgresDatabase
from headrace.storage.database.sqlite.database import SqliteDatabase
from tests.support.postgres_server import fresh_database

NAMES = ["a", "B", "_", "é", "É", "Z", "ab", "~", "a b", "ü.png", "\U0001f600"]
DOCUMENTS = {
    1: '{"n": 9007199254740993, "s": "x\\u0000y"}',
    2: '{"n": 1e400}',
    3: '{"n": 5.0, "list": [1, "x"]}',
    4: '{"n": "5"}',
    5: '{"n": {"5": 5}}',
    6: "[5]",
}
QUERIES: dict[str, list[int]] = {
    'filename ~ "É"': [5],  # only a-z have two cases
    'filename ~ "A"': [1, 7, 9],
    'filename startswith "b"': [2],
    'filename endswith ".PNG"': [10],
    'filename > "a"': [4, 5, 7, 8, 9, 10, 11],
    'data.sha256 = "0a"': [10],
    'data.sha256 ~ "0A"': [10],
    "data.width > 4000000000": [],
    "data.width > 9.5 and data.width < 20.5": [1, 2],
    "data.width != 50": [1, 2, 3, 4, 6, 7, 8, 9, 10, 11],  # an unknown width is not 50
    "data.custom_metadata.n = 9007199254740993": [1],
    "data.custom_metadata.n = 9007199254740992": [],
    "data.custom_metadata.n > 10": [1, 2],
    "data.custom_metadata.n > 10.5": [1, 2],
    "data.custom_metadata.n = 5": [3],
    "data.custom_metadata.n = 5.0": [3],
    'data.custom_metadata.n = "5"': [4],
    'data.custom_metadata.n."5" = 5': [5],
    'data.custom_metadata."0" = 5': [],  # an array has no keys
    "data.custom_metadata.n = None": [6, 7, 8, 9, 10, 11],
}
PATTERNS = {"*": 4, "assets.*": 2, "assets.a?d": 1, "[ab]*": 3, "a.sets*": 0, "assets": 0}
PLACE: dict[str, Any] = {"bucket": 0, "version": 1}
ORDERS = {"filename": "a.filename", "width": "d.width"}


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        path = tmp_path / "catalog.db"
        await SqliteDatabase.create(path)
        sqlite = await SqliteDatabase.open(path)
        await _fill(sqlite)
        yield sqlite
        await sqlite.aclose()
        return
    with fresh_database() as dsn:
        postgres = await PostgresDatabase.open(dsn)
        await _fill(postgres)
        yield postgres
        await postgres.aclose()


async def _fill(database: Database) -> None:
    """One version with an asset for each name; every third width is unknown."""
    async with database.transaction() as tx:
        await tx.execute("accounts.add_organization", no=1, name="o", created=0)
        await tx.execute("accounts.add_account", no=1, username="u", created=0)
        await tx.execute(
            "accounts.add_connector", no=1, organization=1, name="c", kind="managed", created=0
        )
        await tx.execute(
            "datalake.add_lake",
            no=1, bucket=0, organization=1, connector=1, name="l", created=0, is_default=1,
        )  # fmt: skip
        await tx.execute(
            "datasets.add", no=1, organization=1, bucket=0, name="d", description="", created=0
        )
        await tx.execute(
            "versions.add",
            no=1, bucket=0, dataset=1, name="v", description="", type="MULTI", created=0,
        )  # fmt: skip
        await tx.insert_many(
            "datalake.register",
            [
                (0, no, 1, f"o/{no}", name, "IMAGE", "image/png", None, None, DOCUMENTS.get(no),
                 "DONE", None if no % 3 == 0 else no * 10, 5, None if no % 3 == 0 else no,
                 bytes([no]), 0)
                for no, name in enumerate(NAMES, start=1)
            ],
        )  # fmt: skip
        await tx.insert_many(
            "assets.add", [(0, 1, no, 0, no, name) for no, name in enumerate(NAMES, start=1)]
        )


async def _ordered(database: Database, *fields: str) -> list[int]:
    order = order_clause(fields, ORDERS, "a.seq", database.dialect)
    rows = await database.fetch("assets.ordered", filters=order, limit=NO_LIMIT, offset=0, **PLACE)
    return [row[0] for row in rows]


async def _chosen(database: Database, query: str) -> list[int]:
    filters = compile_asset_filters(ListAssets(version_id=UUID(int=0), q=query), database.dialect)
    rows = await database.fetch(
        "assets.page",
        filters=filters.sql,
        before=MAX_SEQ + 1,
        limit=NO_LIMIT,
        offset=0,
        **PLACE,
        **filters.params,
    )
    return sorted(row[0] for row in rows)


async def test_unknown_widths_are_the_smallest(database: Database) -> None:
    assert await _ordered(database, "width") == [3, 6, 9, 1, 2, 4, 5, 7, 8, 10, 11]
    assert await _ordered(database, "-width") == [11, 10, 8, 7, 5, 4, 2, 1, 3, 6, 9]


async def test_texts_are_in_the_order_of_their_code_points(database: Database) -> None:
    wanted = sorted(range(1, len(NAMES) + 1), key=lambda no: NAMES[no - 1])
    assert await _ordered(database, "filename") == wanted
    assert await _ordered(database, "-filename") == wanted[::-1]


async def test_a_query_chooses_the_same(database: Database) -> None:
    assert {query: await _chosen(database, query) for query in QUERIES} == QUERIES


async def test_no_name_with_a_nul_is_found_and_the_others_keep_their_places(
    database: Database,
) -> None:
    keys = json_text(["é", "a\0", "\\u0000", "B"])
    assert await database.fetch("assets.match", keys=keys, **PLACE) == [(0, 4), (3, 2)]


async def test_numbers_that_no_row_can_have_find_nothing(database: Database) -> None:
    one = await database.fetch_one("versions.by_no", no=MAX_NUMBER, organization=1)
    two = await database.fetch_one("single_annotations.one", no=MAX_NUMBER, **PLACE)
    keys = json_text([1, MAX_NUMBER])
    three = await database.fetch("undo.asset_names", keys=keys, **PLACE)
    assert (one, two, three) == (None, None, [(1, "a")])


async def test_no_limit_is_no_limit(database: Database) -> None:
    rows = await database.fetch(
        "datalake.ordered",
        filters=" order by d.no", created=7, bucket=0, lake=1, limit=NO_LIMIT, offset=2,
    )  # fmt: skip
    assert [row[2] for row in rows] == [*range(3, 12)]
    assert {row[1] for row in rows} == {7}


async def test_sums_are_whole_numbers(database: Database) -> None:
    big = 1 << 40
    async with database.transaction() as tx:
        await tx.insert_many("counters.add_version_delta", [(0, 1, big, -1), (0, 1, big, 3)])
        await tx.insert_many("counters.add_label_delta", [(0, 1, 5, big, 1), (0, 1, 5, big, 1)])
    totals = await database.fetch_one("counters.totals", **PLACE)
    labels = await database.fetch("counters.labels", **PLACE)
    files = await database.fetch_one("figures.files", bucket=0, after=0, limit=100)
    assert totals == (2 * big, 2, 2)
    assert labels == [(5, 2 * big, 2, None)]
    assert files is not None
    assert files == (11, 48, 11)
    assert {type(value) for value in (*totals, *labels[0][:3], *files)} == {int}


async def test_the_audit_log_takes_patterns(database: Database) -> None:
    for operation in ("assets.add", "assets.drop", "blobs.put", "tags.add"):
        await database.execute(
            "audit.add",
            time=1, organization=1, account=1, username="u", operation=operation, subject="",
            address="", system_user="", client="",
        )  # fmt: skip
    keys: dict[str, Any] = {"after": 0, "since": 0, "until": NO_LIMIT, "user": None, "limit": 10}
    found = {
        pattern: len(await database.fetch("audit.page", operation=pattern, **keys))
        for pattern in PATTERNS
    }
    assert found == PATTERNS


@pytest.mark.parametrize("stored", ["in the row", "in the content", "old and rewritten"])
async def test_labels_are_found_by_the_kind_of_their_shapes(
    database: Database, stored: str
) -> None:
    blob = pack(Shapes([ShapeGroup(ShapeKind.RECTANGLE, [7], [1.0] * 4)]))
    other = pack(Shapes([ShapeGroup(ShapeKind.POINT, [7], [1.0] * 2)]))
    counts = pack_counts({7: 1})
    inside = stored != "in the content"
    row = (0, 1, 1, 1, 1, "DONE", 0, 0.0, 1, counts, other if stored.startswith("old") else blob)
    async with database.transaction() as tx:
        await tx.execute("labels.add", version=1, key=7, name="car", position=1, created=0)
        if inside:
            await tx.insert_many("annotations.add", [(*row, None, None)])
        else:
            await tx.insert_many("annotations.add_content", [(0, 1, 9, blob)])
            await tx.insert_many("annotations.add", [(*row[:-1], None, 9, None)])
        if stored.startswith("old"):
            await tx.execute(
                "single_annotations.rewrite",
                duration=None, size=1, counts=counts, shapes=blob, content=None, asset=1, no=1,
                **PLACE,
            )  # fmt: skip
    keys: dict[str, Any] = {"dataset_bucket": 0, "dataset": 1, "pairs": "[[1, 7], [1, 8], [2, 7]]"}
    for kind, wanted in ((ShapeKind.RECTANGLE, [(1, 7)]), (ShapeKind.POINT, [])):
        rows = await database.fetch("annotations.classified", kind=kind.value, **keys, **PLACE)
        assert rows == wanted
    assert await _chosen(database, 'annotations.rectangles.label.name = "car"') == [1]
    assert await _chosen(database, 'annotations.points.label.name = "car"') == []
    assert await _chosen(database, 'annotations.label.name = "car"') == [1]
    assert await _chosen(database, "annotations.shapes.score > 0") == []


async def test_an_export_has_the_newest_annotation_of_each_asset_in_order(
    database: Database,
) -> None:
    counts = pack_counts({})
    made = [
        (0, 1, asset, asset * 10 + turn, 1 + turn % 2, "DONE" if turn else "PENDING", 0, 0.0, 0,
         counts, pack(Shapes([])), None, None)
        for asset in (3, 1, 2)
        for turn in range(asset)
    ]  # fmt: skip
    async with database.transaction() as tx:
        await tx.execute("versions.touch", no=1, assets=20_000, annotations=0)
        await tx.insert_many("assets.add", [(0, 1, 12_345, 0, 99, "far")])
        made.append((*made[0][:2], 12_345, 500, *made[0][4:]))
        await tx.insert_many("annotations.add", made)
    keys: dict[str, Any] = {"dataset_bucket": 0, "dataset": 1, **PLACE}
    everything = await _export(
        database, "annotations.export_all", status=None, account=None, **keys
    )
    assert everything == [(1, 10), (2, 21), (3, 32), (12_345, 500)]
    done = await _export(database, "annotations.export_all", status="DONE", account=2, **keys)
    assert done == [(2, 21), (3, 31)]
    chosen = await _export(
        database, "annotations.export_chosen", status=None, account=1, assets="[3, 4, 1]", **keys
    )
    assert sorted(chosen) == [(1, 10), (3, 32)]


async def _export(database: Database, statement: str, **params: Any) -> list[tuple[int, int]]:
    return [(row[0], row[8]) async for rows in database.stream(statement, **params) for row in rows]
