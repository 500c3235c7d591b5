"""Random queries over a small catalog: SQLite must choose what a plain Python evaluation chooses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from uuid import UUID

import apsw
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
from headrace.storage.database import sqlite_functions
from headrace.storage.database.dialect import SQLITE
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


@pytest.fixture(scope="module")
def catalog() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    folder = resources.files("headrace.storage.database").joinpath("sql/sqlite")
    connection.execute(folder.joinpath("migrations/0001_catalog.sql").read_text())
    sqlite_functions.register(connection)
    connection.execute(
        "insert into dataset(no, organization, bucket, name, description, created, next_label, next_asset_tag,"
        " next_content, state) values (1, 1, 0, 'd', '', 0, 9, 9, 99, 'ACTIVE')"
    )
    connection.execute(
        "insert into version values (1, 0, 1, 'v1', '', 'MULTI', 'ACTIVE', 0, 0, 0, 99, 999)"
    )
    for place, name in enumerate(LABELS):
        connection.execute("insert into label values (1, ?, ?, null, ?, 0)", (place, name, place))
    for thing in THINGS:
        _insert(connection, thing)
    for place, name in enumerate(NAMES[:4]):
        connection.execute("insert into tag values (1, 1, ?, 'DATA', ?, 0)", (place, name))
    for place, name in enumerate(NAMES[4:8]):
        connection.execute("insert into tag values (2, 1, ?, 'ASSET', ?, 0)", (place, name))
    yield connection
    connection.close()


def _insert(connection: apsw.Connection, thing: Thing) -> None:
    no = thing.no
    custom = None if thing.custom is None else json.dumps(thing.custom)
    connection.execute(
        "insert into data values (0, ?, 1, ?, ?, ?, 'image/png', 'DONE', ?, ?, 9, null, null, ?, null, ?)",
        (
            no,
            f"o/{no}",
            thing.filename,
            thing.kind,
            thing.width,
            thing.width,
            thing.created,
            custom,
        ),
    )
    connection.execute("insert into asset values (0, 1, ?, 0, ?, ?)", (no, no, thing.filename))
    for place in range(4):
        if NAMES[place] in thing.data_tags:
            connection.execute("insert into data_tag values (0, 1, ?, ?)", (place, no))
        if NAMES[4 + place] in thing.asset_tags:
            connection.execute("insert into asset_tag values (0, 1, ?, ?)", (place, no))
    for place, status in enumerate(thing.statuses):
        # The first annotation holds the shapes; every other one of them lies in the content table.
        boxes, points = (thing.boxes, thing.points) if place == 0 else ([], [])
        blob = _packed(boxes, points)
        inline = no % 2 == 0
        if not inline:
            connection.execute("insert into content values (0, 1, ?, ?)", (no * 10 + place, blob))
        connection.execute(
            "insert into annotation values (0, 1, ?, ?, 1, ?, 0, 0, ?, ?, ?, ?, null)",
            (
                no,
                no * 10 + place,
                status,
                len(boxes) + len(points),
                pack_counts(Counter(LABELS.index(label) for label in [*boxes, *points])),
                blob if inline else None,
                None if inline else no * 10 + place,
            ),
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


def _chosen(catalog: apsw.Connection, filters: Filters) -> list[int]:
    sql = f"select a.seq from asset a join data d on d.lake_bucket = a.lake_bucket and d.no = a.data where a.bucket = 0 and a.version = 1 {filters.sql} order by a.seq"
    return [row[0] for row in catalog.execute(sql, filters.params)]


@settings(max_examples=scaled(400), deadline=None)
@given(query=queries)
def test_sqlite_chooses_what_the_query_means(catalog: apsw.Connection, query: Query) -> None:
    text, meaning = query
    chosen = _chosen(
        catalog, compile_asset_filters(ListAssets(version_id=UUID(int=0), q=text), SQLITE)
    )
    assert chosen == [thing.no for thing in THINGS if meaning(thing)], text


@settings(max_examples=scaled(100), deadline=None)
@given(text=st.text(max_size=12))
def test_no_text_gets_out_of_its_quotes(catalog: apsw.Connection, text: str) -> None:
    request = ListAssets(
        version_id=UUID(int=0), q=f"filename = {quote('A')} and tags.name = {quote('zz')}"
    )
    assert _chosen(catalog, compile_asset_filters(request, SQLITE)) == []
    if "\0" in text or not text.isprintable():
        return
    request = ListAssets(version_id=UUID(int=0), q=f"filename = {quote(text)}")
    wanted = [thing.no for thing in THINGS if thing.filename == text]
    assert _chosen(catalog, compile_asset_filters(request, SQLITE)) == wanted


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
    catalog: apsw.Connection, wanted: dict[str, Any], meaning: Callable[[dict[str, Any]], bool]
) -> None:
    filters = compile_data_filters(
        ListData(datalake_id=UUID(int=0), custom_metadata=wanted), SQLITE
    )
    rows = catalog.execute(
        f"select d.no from data d where d.lake = 1 {filters.sql} order by d.no", filters.params
    )
    assert [row[0] for row in rows] == [thing.no for thing in THINGS if meaning(thing.custom or {})]


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
def test_a_day_is_all_of_it(catalog: apsw.Connection, text: str, days: set[int]) -> None:
    chosen = _chosen(
        catalog, compile_asset_filters(ListAssets(version_id=UUID(int=0), q=text), SQLITE)
    )
    assert chosen == [thing.no for thing in THINGS if thing.created // DAY in days]


def test_500_comparisons_fit_the_database(catalog: apsw.Connection) -> None:
    text = " or ".join(f"(data.width = {no} and filename != 'zz')" for no in range(250))
    chosen = _chosen(
        catalog, compile_asset_filters(ListAssets(version_id=UUID(int=0), q=text), SQLITE)
    )
    assert chosen == [thing.no for thing in THINGS if thing.width is not None and thing.width < 250]
