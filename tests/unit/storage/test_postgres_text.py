"""Statements in PostgreSQL's words."""

from __future__ import annotations

import pytest

from headrace.storage.database.postgres.text import (
    CopyTarget,
    copy_target,
    numbered,
    positioned,
    widened,
)


def test_each_name_has_one_number() -> None:
    text = numbered("select a from t where a = :x and (b = :y or c = :x)")
    assert text.sql == "select a from t where a = $1 and (b = $2 or c = $1)"
    assert text.names == ("x", "y")
    assert text.bind({"y": 2, "x": 1, "unused": 3}) == [1, 2]


@pytest.mark.parametrize(
    "part",
    [
        "':x'",
        "'it''s :x'",
        '":x"',
        "-- :x\n",
        "/* :x */",
        "a::bigint",
        "$$ select :x $$",
        "$body$ :x $$ :y $body$",
    ],
)
def test_only_parameters_are_numbered(part: str) -> None:
    text = numbered(f"select {part} from t where b = :real")
    assert text.sql == f"select {part} from t where b = $1"
    assert text.names == ("real",)


@pytest.mark.parametrize(
    ("sql", "reads", "inserts"),
    [
        ("select 1", True, False),
        ("-- why\nselect 1", True, False),
        ("with a as (select 1) select * from a", True, False),
        ("insert into t (a) values (:a)", False, True),
        ("insert into t (a) values (:a) returning a", False, True),
        ("insert into t (a) values (:a) on conflict do nothing", False, False),
        ("update t set a = :a", False, False),
        ("with gone as (delete from t returning a) insert into u select a from gone", False, False),
        ("with gone as (delete from t returning a) select * from gone", False, False),
        ("with x as (update t set a = 1 returning a) select * from x", False, False),
    ],
)
def test_what_a_statement_does(sql: str, reads: bool, inserts: bool) -> None:
    text = numbered(sql)
    assert (text.reads, text.inserts) == (reads, inserts)


def test_a_nul_in_a_question_is_no_character_of_any_text() -> None:
    question, change = numbered("select :a"), numbered("update t set a = :a")
    assert question.bind({"a": "a\0b"}) == ["a\uffffb"]
    assert question.bind({"a": r'["a\u0000", "\\u0000", "\\\u0000"]'}) == [
        r'["a\uffff", "\\u0000", "\\\uffff"]'
    ]
    assert question.bind({"a": r"a \u0000 in a plain text"}) == [r"a \u0000 in a plain text"]
    assert change.bind({"a": "a\0b"}) == ["a\0b"]


def test_positions() -> None:
    assert positioned("insert into t values (?, '?', ?)") == (
        "insert into t values ($1, '?', $2)",
        2,
    )


@pytest.mark.parametrize(
    ("sql", "target"),
    [
        ("insert into t (a, b) values (?, ?)", CopyTarget("t", ("a", "b"))),
        ("-- why\ninsert into t (a,\n  b)\nvalues (?, ?)", CopyTarget("t", ("a", "b"))),
        ("insert into t (a, b) values (?, 0)", None),
        ("insert into t (a, b) values (?, ?) on conflict do nothing", None),
        ("update t set a = ? where b = ?", None),
        ("delete from t where a = ?", None),
    ],
)
def test_what_can_be_copied(sql: str, target: CopyTarget | None) -> None:
    assert copy_target(sql) == target


def test_small_integers_are_compared_as_large_ones() -> None:
    sql = "select '$1' from t where a = $1 and b = $2 and c = $11 and d = $1"
    types = ["int4", "text", *["int8"] * 8, "int2"]
    assert widened(sql, types) == (
        "select '$1' from t where a = $1::bigint and b = $2 and c = $11::bigint and d = $1::bigint"
    )
    assert widened(sql, ["int8", "text"]) is None
