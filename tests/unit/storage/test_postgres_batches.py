"""Changes of many rows in one statement."""

from __future__ import annotations

import pytest

from headrace.storage.database.postgres.batches import batch

DELETE = "delete from t where a = ? and b = ?"
UPDATE = (
    "update t n\nset x = w.x, marks = w.marks\n"
    "from (select cast(? as text) as x, cast(? as integer[]) as marks,\n"
    "             cast(? as smallint) as a, cast(? as integer) as b) w\n"
    "where n.a = w.a and n.b = w.b"
)


def test_a_delete_by_keys() -> None:
    found = batch(DELETE, ["int2", "int4"], [(1, 2), (1, 3)])
    assert found is not None
    assert found.sql == (
        "delete from t using (select cast($1 as int2) as a, cast(u.b as int4) as b"
        " from unnest(cast($2 as int4[])) as u (b)) w where t.a = cast($1 as int2) and t.b = w.b"
    )
    assert found.values == [1, (2, 3)]


def test_an_update_of_rows() -> None:
    found = batch(
        UPDATE, ["text", "int4[]", "int2", "int4"], [("x", [1, 2], 7, 5), ("y", None, 7, 6)]
    )
    assert found is not None
    assert found.sql == (
        "update t n\nset x = w.x, marks = w.marks\nfrom (select cast(u.x as text) as x,"
        " cast(u.marks as integer[]) as marks, cast($3 as smallint) as a, cast(u.b as integer) as b"
        " from unnest(cast($1 as text[]), cast($2 as text[]), cast($4 as integer[]))"
        " as u (x, marks, b)) w where n.a = cast($3 as smallint) and n.b = w.b"
    )
    assert found.values == [("x", "y"), ["{1,2}", None], 7, (5, 6)]


def test_an_insert_of_rows_that_may_exist() -> None:
    text = (
        "insert into t (a, marks, b) values (?, ?, ?)\n"
        "on conflict (a, b) do update set marks = excluded.marks"
    )
    found = batch(text, ["int2", "int4[]", "bytea"], [(1, [3], b"x"), (1, None, b"y")])
    assert found is not None
    assert found.sql == (
        "insert into t (a, marks, b) select cast($1 as int2) as a, cast(u.marks as int4[]) as marks,"
        " cast(u.b as bytea) as b from unnest(cast($2 as text[]), cast($3 as bytea[])) as u (marks, b)"
        " on conflict (a, b) do update set marks = excluded.marks"
    )
    assert found.values == [1, ["{3}", None], (b"x", b"y")]


def test_one_row_is_an_array_too() -> None:
    found = batch(DELETE, ["int2", "int4"], [(1, 2)])
    assert found is not None
    assert found.values == [1, (2,)]


@pytest.mark.parametrize(
    "text",
    [
        "update t set a = ? where b = ?",
        "delete from t where a = ? or b = ?",
        "delete from t where a > ?",
        "delete from t where a = ? and b = ? returning a",
        "insert into t (a, b) values (?, ?)",
        "insert into t (a, b) values (?, ? + 1) on conflict do nothing",
        UPDATE + " and not exists (select 1 from t)",
    ],
)
def test_other_statements_are_run_row_by_row(text: str) -> None:
    assert batch(text, ["int4"] * text.count("?"), [(1,) * text.count("?")] * 2) is None
