"""Random queries over a small catalog: each database must choose what a plain Python evaluation chooses."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import apsw
import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.model.blob.counts import pack_counts
from headrace.model.blob.pack import pack
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.platform.filters import Filters, compile_asset_filters, compile_data_filters
from headrace.protocol.operations.assets import ListAssets
from headrace.protocol.operations.datalake import ListData
from headrace.protocol.query import quote
from headrace.storage.database.dialect import POSTGRES, SQLITE, Dialect
from headrace.storage.database.postgres.derived import derive
from headrace.storage.database.postgres.text import numbered
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite import functions
from tests.support.postgres_server import fresh_database
from tests.support.tiers import scaled

DAY = 86_400_000
NAMES = ["a", "A", "ab", "Ab.png", 'q"uote', "back\\slash", "%", "_", "é", ""]
LABELS = ["car", "Car", "person"]
METADATA: list[dict[str, Any] | None] = [
    None,
    {},
    {"cam": 1, "site": "a"},
    {"cam": 1.0, "site": "AB", "deep": {"x": None, "y": True}},
    {"cam": "1", "site": None, "deep": {"x": 3, "y": [1, 2]}},
    {"cam": False, "deep": "no object", "my key": "{}"},
]


@dataclass
class Thing:
    """One data and the one asset made of it."""

    no: int
    filename: str
    kind: str
    width: int | None
    created: int
    custom: dict[str, Any] | None
    data_tags: list[str] = field(default_factory=list)
    asset_tags: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)


THINGS = [
    Thing(
        no=no,
        filename=NAMES[no % len(NAMES)],
        kind="VIDEO" if no % 7 == 0 else "IMAGE",
        width=None if no % 5 == 0 else no * 10,
        created=no * DAY // 3,
        custom=METADATA[no % len(METADATA)],
        data_tags=[name for place, name in enumerate(NAMES[:4]) if no >> place & 1],
        asset_tags=[name for place, name in enumerate(NAMES[4:8]) if no >> place & 1],
        statuses=["PENDING", "ACCEPTED"][: no % 3],
        boxes=LABELS[: no % 3],
        points=LABELS[2 - no % 2 :] * (no % 5),
    )
    for no in range(1, 61)
]


class Catalog(Protocol):
    """A small catalog in one of the databases."""

    dialect: Dialect

    def insert(self, table: str, values: dict[str, Any]) -> None:
        """Add a row."""

    def first_column(self, sql: str, params: dict[str, Any]) -> list[Any]:
        """Run a query."""


class SqliteCatalog:
    """The catalog in SQLite."""

    dialect: Dialect = SQLITE

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")
        for _, script in migrations("sqlite"):
            self.connection.execute(script)
        functions.register(self.connection)

    def insert(self, table: str, values: dict[str, Any]) -> None:
        names = ", ".join(f":{name}" for name in values)
        self.connection.execute(
            f"insert into {table} ({', '.join(values)}) values ({names})", values
        )

    def first_column(self, sql: str, params: dict[str, Any]) -> list[Any]:
        return [row[0] for row in self.connection.execute(sql, params)]


class PostgresCatalog:
    """The catalog in PostgreSQL."""

    dialect: Dialect = POSTGRES

    def __init__(self, dsn: str, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.connection = runner.run(connect(dsn))

    def insert(self, table: str, values: dict[str, Any]) -> None:
        if table in ("annotation", "content"):
            ((marks, scores),) = derive([values.get("counts")], [values["shapes"]])
            values = values | {"marks": marks, "scores": scores}
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        sql = f"insert into {table} ({', '.join(values)}) values ({places})"
        self._runner.run(self.connection.execute(sql, *values.values()))

    def first_column(self, sql: str, params: dict[str, Any]) -> list[Any]:
        text = numbered(sql)
        rows = self._runner.run(self.connection.fetch(text.sql, *text.bind(params)))
        return [row[0] for row in rows]


async def connect(dsn: str) -> Any:
    return await asyncpg.connect(dsn, server_settings={"jit": "off"})


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest) -> Iterator[Catalog]:
    if request.param == "sqlite":
        sqlite = SqliteCatalog()
        _fill(sqlite)
        yield sqlite
        sqlite.connection.close()
        return
    with fresh_database() as dsn, asyncio.Runner() as runner:
        postgres = PostgresCatalog(dsn, runner)
        _fill(postgres)
        yield postgres
        runner.run(postgres.connection.close())


def _fill(catalog: Catalog) -> None:
    first = {"no": 1, "created": 0, "bucket": 0}
    named = {"name": "d", "description": "", "state": "ACTIVE"}
    catalog.insert("organization", {"no": 1, "name": "o", "created": 0})
    counters = {"next_label": 9, "next_asset_tag": 9, "next_content": 99}
    catalog.insert("dataset", {**first, **named, **counters, "organization": 1})
    counters = {"revision": 0, "next_asset": 99, "next_annotation": 999, "locked": 0}
    catalog.insert("version", {**first, **named, **counters, "dataset": 1, "type": "MULTI"})
    for place, name in enumerate(LABELS):
        label = {"version": 1, "key": place, "name": name, "position": place, "created": 0}
        catalog.insert("label", label)
    for thing in THINGS:
        _insert(catalog, thing)
    for place, name in enumerate(NAMES[:8]):
        family, target = (1, "DATA") if place < 4 else (2, "ASSET")
        tag = {"family": family, "scope": 1, "key": place % 4, "target": target}
        catalog.insert("tag", {**tag, "name": name, "created": 0})


def _insert(catalog: Catalog, thing: Thing) -> None:
    no = thing.no
    catalog.insert(
        "data",
        {
            "lake_bucket": 0,
            "no": no,
            "lake": 1,
            "object_name": f"o/{no}",
            "filename": thing.filename,
            "kind": thing.kind,
            "content_type": "image/png",
            "status": "DONE",
            "width": thing.width,
            "height": thing.width,
            "size": 9,
            "created": thing.created,
            "custom_metadata": None if thing.custom is None else json.dumps(thing.custom),
        },
    )
    asset = {"bucket": 0, "version": 1, "seq": no, "lake_bucket": 0, "data": no}
    catalog.insert("asset", {**asset, "filename": thing.filename})
    for place in range(4):
        if NAMES[place] in thing.data_tags:
            catalog.insert("data_tag", {"lake_bucket": 0, "lake": 1, "tag": place, "data": no})
        if NAMES[4 + place] in thing.asset_tags:
            catalog.insert("asset_tag", {"bucket": 0, "version": 1, "tag": place, "asset": no})
    for place, status in enumerate(thing.statuses):
        # The first annotation holds the shapes; every other one of them lies in the content table.
        boxes, points = (thing.boxes, thing.points) if place == 0 else ([], [])
        blob, number = _packed(boxes, points), no * 10 + place
        inline = no % 2 == 0
        if not inline:
            content = {"dataset_bucket": 0, "dataset": 1, "no": number, "shapes": blob}
            catalog.insert("content", content)
        labels = Counter(LABELS.index(label) for label in [*boxes, *points])
        catalog.insert(
            "annotation",
            {
                "bucket": 0,
                "version": 1,
                "asset": no,
                "no": number,
                "account": 1,
                "status": status,
                "created": 0,
                "duration": 0,
                "shapes_n": len(boxes) + len(points),
                "counts": pack_counts(labels),
                "shapes": blob if inline else None,
                "content": None if inline else number,
            },
        )


def _packed(boxes: list[str], points: list[str]) -> bytes:
    groups = [
        ShapeGroup(
            ShapeKind.RECTANGLE, [LABELS.index(label) for label in boxes], [1.5] * 4 * len(boxes)
        ),
        ShapeGroup(
            ShapeKind.POINT, [LABELS.index(label) for label in points], [2.5] * 2 * len(points)
        ),
    ]
    return pack(Shapes(groups))


# --- what a query means, in plain Python -----------------------------------------------------------------

Meaning = Callable[[Thing], bool]
Query = tuple[str, Meaning]

VALUES: dict[str, Callable[[Thing], list[Any]]] = {
    "filename": lambda thing: [thing.filename],
    "data.filename": lambda thing: [thing.filename],
    "data.type": lambda thing: [thing.kind],
    "data.width": lambda thing: [thing.width],
    "tags.name": lambda thing: thing.asset_tags,
    "data.tags.name": lambda thing: thing.data_tags,
    "annotations.status": lambda thing: thing.statuses,
    "annotations.label.name": lambda thing: [*thing.boxes, *thing.points] if thing.statuses else [],
    "annotations.rectangles.label.name": lambda thing: thing.boxes if thing.statuses else [],
    "annotations.points.label.name": lambda thing: thing.points if thing.statuses else [],
    "annotations.masks.label.name": lambda thing: [],
    "data.custom_metadata.cam": lambda thing: [_inside(thing.custom, "cam")],
    "data.custom_metadata.site": lambda thing: [_inside(thing.custom, "site")],
    'data.custom_metadata."my key"': lambda thing: [_inside(thing.custom, "my key")],
    "data.custom_metadata.deep.x": lambda thing: [_inside(thing.custom, "deep", "x")],
    "data.custom_metadata.deep.y": lambda thing: [_inside(thing.custom, "deep", "y")],
}
TEXTS = ["filename", "data.filename", "tags.name", "data.tags.name", "data.custom_metadata.site"]
SHAPES = [name for name in VALUES if name.endswith("label.name")]
DOCUMENTS = [name for name in VALUES if "custom_metadata" in name]


def _inside(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _alike(left: Any, right: Any) -> bool:
    """Of one type as a query sees it: a number is no boolean and no text."""
    kinds = (bool, (int, float), str)
    return any(
        isinstance(left, kind)
        and isinstance(right, kind)
        and isinstance(left, bool) == isinstance(right, bool)
        for kind in kinds
    )


def _lower(text: str) -> str:
    return "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in text)


ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    "~": lambda left, right: _lower(right) in _lower(left),
    "startswith": lambda left, right: _lower(left).startswith(_lower(right)),
    "endswith": lambda left, right: _lower(left).endswith(_lower(right)),
}
OPPOSITES = {
    "=": "!=",
    "~": "!~",
    "startswith": "not startswith",
    "endswith": "not endswith",
    "in": "not in",
}


def _meets(found: list[Any], operator: str, wanted: list[Any]) -> bool:
    if operator == "in":
        return any(_meets(found, "=", [value]) for value in wanted)
    (value,) = wanted
    if value is None:
        return all(one is None for one in found)
    return any(_alike(one, value) and ORDER[operator](one, value) for one in found)


def _literal(value: Any) -> str:
    return quote(value) if isinstance(value, str) else repr(value)


def _comparison(name: str, operator: str, values: list[Any], negated: bool) -> Query:
    spelling = OPPOSITES[operator] if negated else operator
    written = ", ".join(map(_literal, values))
    text = f"{name} {spelling} ({written})" if operator == "in" else f"{name} {spelling} {written}"

    def meaning(thing: Thing) -> bool:
        return _meets(VALUES[name](thing), operator, values) != negated

    return text, meaning


def _comparisons(
    names: list[str], operators: list[str], values: st.SearchStrategy[Any]
) -> st.SearchStrategy[Query]:
    @st.composite
    def draw_one(draw: st.DrawFn) -> Query:
        operator = draw(st.sampled_from(operators))
        chosen = [draw(values)] if operator != "in" else draw(st.lists(values, max_size=4))
        negated = operator in OPPOSITES and draw(st.booleans())
        return _comparison(draw(st.sampled_from(names)), operator, chosen, negated)

    return draw_one()


texts = st.sampled_from(NAMES) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
)
numbers = st.integers(-1, 610) | st.floats(-1, 610, allow_nan=False)
nothing = st.none()
leaves = (
    _comparisons(TEXTS, [*ORDER], texts)
    | _comparisons(TEXTS, ["=", "in"], texts | nothing)
    | _comparisons(["data.width"], ["=", "in"], numbers | nothing)
    | _comparisons(["data.width"], ["=", ">", ">=", "<", "<="], numbers)
    | _comparisons(["data.type"], ["=", "in"], st.sampled_from(["IMAGE", "VIDEO"]) | nothing)
    | _comparisons(
        ["annotations.status"],
        ["=", "in"],
        st.sampled_from(["PENDING", "ACCEPTED", "SKIPPED"]) | nothing,
    )
    | _comparisons(SHAPES, ["=", "in"], st.sampled_from([*LABELS, "none"]) | nothing)
    | _comparisons(SHAPES, ["~", "startswith"], st.sampled_from(["CA", "p", "x"]))
    | _comparisons(DOCUMENTS, ["=", "in"], texts | numbers | st.booleans() | nothing)
    | _comparisons(DOCUMENTS, [">", "<="], texts | numbers)
)


def _joined(parts: list[Query], connector: str) -> Query:
    text = f" {connector} ".join(f"({part})" for part, _ in parts)
    choose = all if connector == "and" else any
    return text, lambda thing: choose([meaning(thing) for _, meaning in parts])


def _level(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    return st.builds(
        _joined, st.lists(inner, min_size=2, max_size=4), st.sampled_from(["and", "or"])
    )


queries = st.recursive(leaves, _level, max_leaves=12)


def _chosen(catalog: Catalog, filters: Filters) -> list[int]:
    sql = f"select a.seq from asset a join data d on d.lake_bucket = a.lake_bucket and d.no = a.data where a.bucket = 0 and a.version = 1 {filters.sql} order by a.seq"
    return catalog.first_column(sql, filters.params)


@settings(max_examples=scaled(400), deadline=None)
@given(query=queries)
def test_the_database_chooses_what_the_query_means(catalog: Catalog, query: Query) -> None:
    text, meaning = query
    chosen = _chosen(
        catalog, compile_asset_filters(ListAssets(version_id=UUID(int=0), q=text), catalog.dialect)
    )
    assert chosen == [thing.no for thing in THINGS if meaning(thing)], text


@settings(max_examples=scaled(100), deadline=None)
@given(text=st.text(max_size=12))
def test_no_text_gets_out_of_its_quotes(catalog: Catalog, text: str) -> None:
    request = ListAssets(
        version_id=UUID(int=0), q=f"filename = {quote('A')} and tags.name = {quote('zz')}"
    )
    assert _chosen(catalog, compile_asset_filters(request, catalog.dialect)) == []
    if "\0" in text or not text.isprintable():
        return
    request = ListAssets(version_id=UUID(int=0), q=f"filename = {quote(text)}")
    wanted = [thing.no for thing in THINGS if thing.filename == text]
    assert _chosen(catalog, compile_asset_filters(request, catalog.dialect)) == wanted


@pytest.mark.parametrize(
    ("wanted", "meaning"),
    [
        ({"cam": 1}, lambda it: _is_number(it.get("cam"), 1)),
        ({"cam": "1"}, lambda it: it.get("cam") == "1"),
        ({"cam": False}, lambda it: it.get("cam") is False),
        ({"site": None}, lambda it: it.get("site") is None),
        ({"deep": {"y": True}}, lambda it: _inside(it, "deep", "y") is True),
        ({"deep": {"y": [1, 2]}}, lambda it: _inside(it, "deep", "y") == [1, 2]),
        ({"deep": {}}, lambda it: isinstance(it.get("deep"), dict)),
        (
            {"cam": 1, "site": "a"},
            lambda it: _is_number(it.get("cam"), 1) and it.get("site") == "a",
        ),
        ({'"; drop table data; --': 1}, lambda it: False),
        ({"cam": 10**30}, lambda it: False),
    ],
)
def test_custom_metadata_by_value(
    catalog: Catalog, wanted: dict[str, Any], meaning: Callable[[dict[str, Any]], bool]
) -> None:
    filters = compile_data_filters(
        ListData(datalake_id=UUID(int=0), custom_metadata=wanted), catalog.dialect
    )
    chosen = catalog.first_column(
        f"select d.no from data d where d.lake = 1 {filters.sql} order by d.no", filters.params
    )
    assert chosen == [thing.no for thing in THINGS if meaning(thing.custom or {})]


def _is_number(value: Any, number: int) -> bool:
    return value == number and not isinstance(value, bool)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ('data.created_at = "1970-01-03"', {2}),
        ('data.created_at < "1970-01-03"', {0, 1}),
        ('data.created_at <= "1970-01-03"', {0, 1, 2}),
        ('data.created_at > "1970-01-19"', {19, 20}),
        ('data.created_at >= "1970-01-20T00:00:00+00:00"', {19, 20}),
        ('data.created_at in ("1970-01-02", "1970-01-04")', {1, 3}),
    ],
)
def test_a_day_is_all_of_it(catalog: Catalog, text: str, days: set[int]) -> None:
    chosen = _chosen(
        catalog, compile_asset_filters(ListAssets(version_id=UUID(int=0), q=text), catalog.dialect)
    )
    assert chosen == [thing.no for thing in THINGS if thing.created // DAY in days]


def test_500_comparisons_fit_the_database(catalog: Catalog) -> None:
    text = " or ".join(f"(data.width = {no} and filename != 'zz')" for no in range(250))
    chosen = _chosen(
        catalog, compile_asset_filters(ListAssets(version_id=UUID(int=0), q=text), catalog.dialect)
    )
    assert chosen == [thing.no for thing in THINGS if thing.width is not None and thing.width < 250]
