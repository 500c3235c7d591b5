"""No statement of PostgreSQL reads a large table to find a few of its rows, however it is planned."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest

from headrace.model.enums import AssignmentStatus
from headrace.model.ids import MAX_SEQ
from headrace.platform.core.listing import order_clause
from headrace.platform.filters import compile_asset_filters
from headrace.protocol.operations.assets import ListAssets
from headrace.storage.database.dialect import POSTGRES
from headrace.storage.database.postgres.connect import connect
from headrace.storage.database.postgres.connections import CHANGES_BY_KEYS
from headrace.storage.database.postgres.text import numbered, positioned, widened
from headrace.storage.database.queries import Queries
from tests.support.postgres_server import fresh_database

pytestmark = pytest.mark.slow

LARGE = {
    "annotation", "answered_call", "asset", "asset_tag", "assignment", "assignment_trail", "content", "data", "data_tag",
    "job", "label", "label_delta", "label_mark", "shard", "tag", "version_delta",
}  # fmt: skip
READS_ALL = ("care.", "check.", "conformance.")
"""Statements of a check or a backup read whole tables, and those of the suite of databases are not the platform's."""
SCANS_ALLOWED = {
    "assets.count": "looks at a whole version, and each has a sixth of all data here",
    "assets.count_of_tasks": "looks at a whole version",
    "assignments.count_matching": "looks at a whole version",
    "datalake.count": "looks at all data of a lake",
    "datalake.ordered": "sorts all data of a lake",
    "figures.jobs": "counts all jobs",
    "jobs.drop_old_ledgers": "looks at all jobs that have ended, once a day",
}
READS_MORE = {"content_gc.named": "looks at all annotations of a dataset, as it must"}
EXPECTS_LESS = {
    "annotations.export_all": "reads ranges that it computes; its joins in order are right for any number of rows"
}
MANY_BUCKETS = {
    "content_gc.named": "versions say their buckets",
    "deletion.assets_of_data": "data are in versions of any bucket",
    "removals.count_deletion": "versions say their buckets",
}
SURPRISE = 1_000
"""How many times as many rows as it expects the planner may get: from there on it chooses plans of another order."""
FEW = 1_000
"""Rows of a table or partition that may be read whole."""

BUCKET, VERSIONS, EACH = 2, (1, 31, 61, 91, 121, 151), 50_000
"""Six versions of one dataset, so of one bucket, have 300,000 assets; 290 small ones lie in all buckets."""

_SMALL = "generate_series(1, 300) v"
_IN = "1 + (1 + (v - 1) % 30) % 16"
_LARGE = f"unnest(array{list(VERSIONS)}) with ordinality t (v, place)"
FILL = f"""
insert into organization (no, name, created) values (1, 'o', 1);
insert into account (no, username, created) values (1, 'a', 1), (2, 'b', 1);
insert into membership (organization, account, role) values (1, 1, 'owner'), (1, 2, 'member');
insert into connector (no, organization, name, kind, created) values (1, 1, 'c', 'managed', 1);
insert into lake (no, bucket, organization, connector, name, created, is_default) values (1, 0, 1, 1, 'l', 1, 1);
insert into dataset (no, organization, bucket, name, description, state, created, next_label, next_asset_tag, next_content)
select v, 1, 1 + v % 16, 'd' || v, '', 'ACTIVE', 1, 100, 10, 400000 from generate_series(1, 30) v;
insert into version (no, bucket, dataset, name, description, type, state, locked, created, revision, next_asset,
                     next_annotation)
select v, {_IN}, 1 + (v - 1) % 30, 'v' || v, '', 'MULTI', 'ACTIVE', 0, 1, 0, {EACH} + 1, {EACH} + 1 from {_SMALL};
insert into data (lake_bucket, no, lake, object_name, filename, kind, content_type, status, width, height, size, created,
                  custom_metadata)
select 0, i, 1, 'o/' || md5(i::text), 'file' || i || '.jpg', 'IMAGE', 'image/jpeg', 'DONE', 640, 480, i % 1000, i,
       case when i % 3 = 0 then '{{"cam":' || i % 10 || '}}' end
from generate_series(1, {len(VERSIONS) * EACH}) i;
insert into asset (bucket, version, seq, lake_bucket, data, filename)
select {BUCKET}, v, i, 0, (place - 1) * {EACH} + i, 'file' || (place - 1) * {EACH} + i || '.jpg'
from {_LARGE}, generate_series(1, {EACH}) i;
insert into asset (bucket, version, seq, lake_bucket, data, filename)
select {_IN}, v, i, 0, i, 'file' || i || '.jpg' from {_SMALL}, generate_series(1, 50) i where v % 30 <> 1;
insert into annotation (bucket, version, asset, no, account, status, created, duration, shapes_n, counts, shapes, content,
                        marks)
select {BUCKET}, v, i, i, 1 + i % 2, case when i % 2 = 0 then 'DONE' else 'PENDING' end, 1, 0, 1, '\\x02',
       case when i % 10 <> 0 then sha256(i::text::bytea) end, case when i % 10 = 0 then (place - 1) * {EACH} + i end,
       array[(1 + i % 80) * 16, (1 + i % 80) * 16 + 1]
from {_LARGE}, generate_series(1, {EACH}) i;
insert into annotation (bucket, version, asset, no, account, status, created, duration, shapes_n, counts, shapes, marks)
select {_IN}, v, i, i, 1, 'DONE', 1, 0, 1, '\\x02', '\\x02', '{{16,17}}'
from {_SMALL}, generate_series(1, 50) i where v % 30 <> 1;
insert into content (dataset_bucket, dataset, no, shapes, marks)
select {BUCKET}, 1, i * 10, decode(repeat(md5(i::text), 20), 'hex'), '{{17}}'
from generate_series(1, {len(VERSIONS) * EACH // 10}) i;
insert into content (dataset_bucket, dataset, no, shapes, marks)
select 1 + v % 16, v, i, '\\x02', '{{17}}' from generate_series(2, 30) v, generate_series(1, 1000) i;
insert into label (version, key, name, position, created)
select v, k, 'label' || k, k, 1 from {_SMALL}, generate_series(1, 80) k;
insert into tag (family, scope, key, target, name, created)
select f, v, k, 'T', 't' || k, 1 from {_SMALL}, generate_series(1, 2) f, generate_series(1, 20) k;
insert into asset_tag (bucket, version, tag, asset)
select {BUCKET}, v, 1 + i % 20, i from {_LARGE}, generate_series(1, {EACH}, 2) i;
insert into data_tag (lake_bucket, lake, tag, data)
select 0, 1, 1 + i % 20, i from generate_series(1, {len(VERSIONS) * EACH}, 2) i;
insert into label_mark (bucket, version, block, label, assets_n, assets)
select {_IN}, v, b, l, 100, '\\x02' from {_SMALL}, generate_series(0, 12) b, generate_series(1, 80) l
where b = 0 or v = any (array{list(VERSIONS)});
insert into label_delta (bucket, version, label, shapes, annotations)
select {_IN}, v, 1 + i % 80, 10, 5 from {_SMALL}, generate_series(1, 100) i;
insert into version_delta (bucket, version, assets, annotations)
select {_IN}, v, 10, 5 from {_SMALL}, generate_series(1, 100) i;
insert into campaign (no, bucket, version, state, auto_add, auto_close, next_step, created)
select v, {_IN}, v, 'ACTIVE', 0, 0, 3, 1 from {_SMALL};
insert into assignment (bucket, campaign, asset, step, status, account)
select {BUCKET}, v, i, 1 + i % 2, case when i % 5 = 0 then 'DONE' else 'TO_DO' end,
       case when i % 3 <> 0 then 1 + i % 2 end
from {_LARGE}, generate_series(1, {EACH}, 2) i;
insert into assignment_trail (bucket, campaign, asset, step, account, refused)
select {BUCKET}, v, i, 1, 1, i % 2 from {_LARGE}, generate_series(1, {EACH}, 4) i;
insert into job (no, organization, wire, kind, subject, spec, state, cancel, done, created, updated)
select i, 1, 1, 'IMPORT', 1 + i % 300, '{{}}', case when i % 100 = 0 then 'RUNNING' else 'SUCCESS' end, 0, 0, 1, i
from generate_series(1, 20000) i;
insert into shard (job, no, state, attempts)
select j * 20, n, 'DONE', 1 from generate_series(1, 1000) j, generate_series(1, 100) n;
insert into answered_call (organization, account, key, operation, digest, answer, expires)
select 1, 1, md5(i::text), 'x', '\\x02', '\\x02', i from generate_series(1, 20000) i;
analyze;
"""

VALUES: dict[str, object] = {
    "account": 1, "after": 0, "asset": 5, "before": MAX_SEQ + 1, "block": 1, "bucket": BUCKET, "campaign": 1, "count": 1,
    "dataset": 1, "dataset_bucket": BUCKET, "end": 4096, "first": 0, "horizon": MAX_SEQ + 1, "key": 3, "kind": "IMPORT",
    "label": 3, "lake": 1, "lake_bucket": 0, "last": 5, "limit": 100, "no": 5, "object_name": "o/x", "offset": 0,
    "organization": 1, "scope": 1, "source": 1, "state": "ACTIVE", "status": "DONE", "target": 32, "target_bucket": 3,
    "until": 5_000, "version": 1,
}  # fmt: skip
OF_LAKES = (
    "datalake.",
    "figures.",
    "tags.attach_to_data",
    "tags.count_data",
    "tags.detach_from_data",
    "tags.drop_data_links",
)
"""Statements whose ``bucket`` is that of a lake."""


class Scan(NamedTuple):
    """A step of a plan that reads from a table."""

    step: str
    relation: str

    @property
    def table(self) -> str:
        """The table of a partition."""
        return re.sub(r"_\d+$", "", self.relation)


class Planner:
    """A connection that shows plans, and the event loop that it runs in."""

    def __init__(self, dsn: str, runner: asyncio.Runner, fill: str = FILL) -> None:
        self.runner = runner
        self.connection: asyncpg.Connection = runner.run(connect(dsn))
        runner.run(self.connection.execute(fill))
        sizes = self.connection.fetch("select relname, reltuples from pg_class")
        self._sizes = {name: int(rows) for name, rows in runner.run(sizes)}

    def scans(self, name: str, mode: str, filters: str = "", **values: object) -> list[Scan]:
        """Return how a statement reads tables, planned for its values or for any."""
        return self.runner.run(self._scans(name, mode, filters, VALUES | values))

    def large(self, name: str, mode: str, filters: str = "", **values: object) -> list[str]:
        """Return the large tables and partitions that a statement reads whole."""
        return [
            scan.relation
            for scan in self.scans(name, mode, filters, **values)
            if scan.step == "Seq Scan" and scan.table in LARGE and self._sizes[scan.relation] > FEW
        ]

    def joined(self, name: str, filters: str = "", **values: object) -> list[str]:
        """Return the tables and partitions that a query joins, without those that it looks up for each row."""
        plan = self.runner.run(self._plan(name, "custom", filters, VALUES | values, ""))
        return [step["Relation Name"] for step in _joined(plan) if "Relation Name" in step]

    def removed(self, name: str) -> int:
        """Run a query; returns how many rows it read, or joined, and then left out."""
        plan = self.runner.run(self._plan(name, "custom", "", VALUES, "analyze, timing off, "))
        return sum(
            int(value * step["Actual Loops"])
            for step in _steps(plan)
            for key, value in step.items()
            if key.startswith("Rows Removed by")
        )

    def surprises(self, name: str, filters: str = "", **values: object) -> dict[str, int]:
        """Run a query; returns the steps that gave far more rows than were expected, and how many times as many.

        Fewer are no surprise: a step ends early where enough was found.
        """
        how = "analyze, timing off, "
        plan = self.runner.run(self._plan(name, "custom", filters, VALUES | values, how))
        return {
            f"{step['Node Type']} {step.get('Relation Name', '')}": times
            for step in _steps(plan)
            if (times := int(step["Actual Rows"] / max(1, step["Plan Rows"]))) > SURPRISE
        }

    async def _scans(
        self, name: str, mode: str, filters: str, values: dict[str, object]
    ) -> list[Scan]:
        return [
            Scan(step["Node Type"], step["Relation Name"])
            for step in _steps(await self._plan(name, mode, filters, values, ""))
            if "Relation Name" in step and step["Node Type"] != "ModifyTable"
        ]

    async def _plan(
        self, name: str, mode: str, filters: str, values: dict[str, object], how: str
    ) -> dict[str, Any]:
        raw = Queries("postgres").text(name, filters)
        named = numbered(raw)
        sql, names = named.sql, list(named.names)
        if not names:
            sql, count = positioned(raw)
            names = [""] * count
        prepared = await self.connection.prepare(sql)
        types = [each.name for each in prepared.get_parameters()]
        sql = widened(sql, types) or sql
        literals = [
            _literal(_value(name, each, kind, raw, values))
            for each, kind in zip(names, types, strict=True)
        ]
        await self.connection.execute(f"set plan_cache_mode = force_{mode}_plan")
        await self.connection.execute(f"prepare planned as {sql}")
        call = f"planned({', '.join(literals)})" if literals else "planned"
        try:
            text = await self.connection.fetchval(f"explain ({how}format json) execute {call}")
        finally:
            await self.connection.execute("deallocate planned")
        return dict(json.loads(text)[0]["Plan"])


def _value(statement: str, name: str, kind: str, text: str, values: dict[str, object]) -> object:
    keys = re.search(rf"json_(numbers|texts|rows)\(:{name}\)", text)
    if name and keys is not None:
        lists = {
            "numbers": list(range(1, 101)),
            "texts": [f"file{no}.jpg" for no in range(100)],
            "rows": [[0, no, 1] for no in range(1, 101)],
        }
        return json.dumps(lists[keys[1]])
    if name == "bucket" and statement.startswith(OF_LAKES):
        return 0
    if name in values and (kind == "text" or not isinstance(values[name], str)):
        return values[name]
    if kind.endswith("[]"):
        return "{1}"
    return {"text": "x", "bytea": "\\x02"}.get(kind, 1)


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _steps(part)


def _joined(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        if part["Parent Relationship"] != "SubPlan":
            yield from _joined(part)


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    with fresh_database() as dsn, asyncio.Runner() as runner:
        planner = Planner(dsn, runner)
        yield planner
        runner.run(planner.connection.close())


NAMES = [name for name in Queries("postgres").names() if not name.startswith(READS_ALL)]


@pytest.mark.parametrize("mode", ["custom", "generic"])
def test_large_tables_are_searched_and_never_scanned(planner: Planner, mode: str) -> None:
    scanned = {
        name: found
        for name in NAMES
        if name not in SCANS_ALLOWED and (found := planner.large(name, mode))
    }
    assert scanned == {}


def test_a_statement_reads_the_partition_of_its_bucket_alone(planner: Planner) -> None:
    reading = {}
    for name in NAMES:
        buckets = len(set(re.findall(r":(?:\w+_)?bucket\b", Queries("postgres").text(name)))) or 1
        places: dict[str, set[str]] = {}
        for scan in planner.scans(name, "custom"):
            if scan.relation != scan.table:
                places.setdefault(scan.table, set()).add(scan.relation)
        if name not in MANY_BUCKETS and any(len(found) > buckets for found in places.values()):
            reading[name] = places
    assert reading == {}


def test_no_query_reads_much_more_than_it_gives(planner: Planner) -> None:
    queries = [
        name
        for name in NAMES
        if name not in READS_MORE and _is_query(Queries("postgres").text(name))
    ]
    removed = {name: planner.removed(name) for name in queries}
    assert {name: rows for name, rows in removed.items() if rows > EACH} == {}


def test_the_planner_expects_about_the_rows_that_come(planner: Planner) -> None:
    surprising = {
        name: found
        for name in NAMES
        if name not in EXPECTS_LESS
        and _is_query(Queries("postgres").text(name))
        and (found := planner.surprises(name))
    }
    assert surprising == {}


def test_the_check_would_notice_a_wrong_expectation(planner: Planner) -> None:
    """Nothing is known of what a function returns."""
    unknown = " and abs(d.no) = d.no and abs(d.no + 1) = d.no + 1 and abs(d.no + 2) = d.no + 2"
    assert planner.surprises("datalake.count", unknown)


def _is_query(text: str) -> bool:
    code = re.sub(r"--[^\n]*", "", text).split()
    return code[0] == "select" and "update" not in code


@pytest.mark.parametrize(
    "request_of",
    [
        {"q": 'annotations.label.name = "label3"'},
        {"q": 'annotations.rectangles.label.name = "label3" and annotations.shapes.score > 0.5'},
        {"q": 'tags.name = "t3" or data.tags.name ~ "t1"'},
        {"q": "data.custom_metadata.cam = 3", "custom_metadata": {"cam": 3}},
        {"q": 'filename endswith "7.jpg" and data.width != 640'},
        {"assignment_status": AssignmentStatus.DONE},
    ],
    ids=["label", "shapes", "tags", "metadata", "name", "task"],
)
def test_a_page_of_a_filtered_listing_is_searched(
    planner: Planner, request_of: dict[str, Any]
) -> None:
    filters = compile_asset_filters(ListAssets(version_id=UUID(int=0), **request_of), POSTGRES)
    assert planner.large("assets.page", "custom", filters.sql, **filters.params) == []


@pytest.mark.parametrize(
    "request_of",
    [
        {"q": 'tags.name = "t3"'},
        {"q": 'data.tags.name = "t3"'},
        {"assignment_status": AssignmentStatus.DONE},
    ],
    ids=["tags", "tags of data", "task"],
)
def test_a_filter_that_leads_elsewhere_is_looked_up_while_the_sizes_of_tables_are_unknown(
    request_of: dict[str, Any],
) -> None:
    filters = compile_asset_filters(ListAssets(version_id=UUID(int=0), **request_of), POSTGRES)
    with fresh_database() as dsn, asyncio.Runner() as runner:
        planner = Planner(dsn, runner, fill="select 1")
        found = planner.joined("assets.page", filters.sql, **filters.params)
        runner.run(planner.connection.close())
    assert {Scan("", each).table for each in found} == {"asset", "data", "lake"}


def test_a_page_by_name_is_read_in_order(planner: Planner) -> None:
    order = order_clause(["-filename"], {"filename": "a.filename"}, "a.seq", POSTGRES)
    assert planner.large("assets.ordered", "custom", order) == []


def test_the_check_would_notice_a_scan(planner: Planner) -> None:
    unindexed = " and d.content_type = 'x'"
    assert planner.large("datalake.count", "custom", unindexed) == ["data"]


@pytest.mark.parametrize("mode", ["custom", "generic"])
def test_an_import_planned_before_there_are_annotations_reads_rows_by_their_keys(mode: str) -> None:
    """Each chunk of an import runs this statement; its first plan is kept for the last chunk."""
    text = numbered(Queries("postgres").text("annotations.targets")).sql
    call = f"execute planned('{json.dumps(list(range(1, 101)))}', 1, 1)"
    assets = (
        "insert into asset (bucket, version, seq, lake_bucket, data, filename)"
        " select 1, 1, i, 0, i, i::text from generate_series(1, 5000) i; analyze"
    )
    annotations = (
        "insert into annotation (bucket, version, asset, no, account, status, created, duration, shapes_n, counts,"
        " marks) select 1, 1, i, i, 1, 'DONE', 1, 0, 0, '', '{}' from generate_series(1, 5000) i"
    )

    async def read() -> int:
        connection = await connect(dsn, **CHANGES_BY_KEYS)
        try:
            await connection.execute(assets)
            await connection.execute(f"set plan_cache_mode = force_{mode}_plan")
            await connection.execute(f"prepare planned as {text}")
            await connection.execute(call)
            await connection.execute(annotations)
            how = "explain (analyze, timing off, format json)"
            plan = json.loads(await connection.fetchval(f"{how} {call}"))[0]["Plan"]
        finally:
            await connection.close()
        return sum(
            int(
                step["Actual Loops"] * (step["Actual Rows"] + step.get("Rows Removed by Filter", 0))
            )
            for step in _steps(plan)
            if "Relation Name" in step
        )

    with fresh_database() as dsn:
        assert asyncio.run(read()) == 200
