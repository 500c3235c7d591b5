"""The query language: what is read, what it means, and how bad queries are refused."""

from __future__ import annotations

import pytest

from headrace.errors import BadRequestError
from headrace.protocol.query import all_of, any_of, combine, quote
from headrace.protocol.query.nodes import And, Comparison, Node, Or
from headrace.protocol.query.parser import MAX_LENGTH, parse


def shape(node: Node | None) -> object:
    """A tree without its columns, short enough to read in a table."""
    if isinstance(node, Comparison):
        mark = "!" if node.negated else ""
        return (".".join(node.field), mark + node.operator, *node.values)
    if isinstance(node, And | Or):
        return [type(node).__name__, *map(shape, node.terms)]
    return None


A, B, C = ("a", "=", 1), ("b", "=", 2), ("c", "=", 3)

READ = [
    # What the platform's client writes by itself.
    ('tags.name in ("a","b")', ("tags.name", "in", "a", "b")),
    (
        'tags.name = "a" and tags.name = "b"',
        ["And", ("tags.name", "=", "a"), ("tags.name", "=", "b")],
    ),
    ('data.tags.name in ("a")', ("data.tags.name", "in", "a")),
    # What the platform documents.
    ('filename = "x"', ("filename", "=", "x")),
    ('datasets.version = "v"', ("datasets.version", "=", "v")),
    # Every operator.
    ("a != 1", ("a", "!=", 1)),
    ("a > 1", ("a", ">", 1)),
    ("a >= -1.5", ("a", ">=", -1.5)),
    ("a < 1e3", ("a", "<", 1000.0)),
    ("a <= +7", ("a", "<=", 7)),
    ('a ~ "x"', ("a", "~", "x")),
    ('a !~ "x"', ("a", "!~", "x")),
    ('a startswith "x"', ("a", "startswith", "x")),
    ('a endswith "x"', ("a", "endswith", "x")),
    ('a not startswith "x"', ("a", "!startswith", "x")),
    ('a not endswith "x"', ("a", "!endswith", "x")),
    ("a in (1, 2.5, True)", ("a", "in", 1, 2.5, True)),
    ("a not in (None)", ("a", "!in", None)),
    ("a in ()", ("a", "in")),
    # Values.
    ("a = True", ("a", "=", True)),
    ("a = False", ("a", "=", False)),
    ("a = None", ("a", "=", None)),
    ("a = 'it\"s'", ("a", "=", 'it"s')),
    (r'a = "\"\\\n\u00e9\ud83d\ude00"', ("a", "=", '"\\\né😀')),
    # Connectors: and binds tighter, parentheses decide.
    ("a=1 or b=2 and c=3", ["Or", A, ["And", B, C]]),
    ("(a=1 or b=2) and c=3", ["And", ["Or", A, B], C]),
    ("((a=1))", A),
    ("(a=1 and b=2) and c=3", ["And", A, B, C]),
    # Keys of metadata that are no words.
    ('custom_metadata."my key".x = 1', ("custom_metadata.my key.x", "=", 1)),
    ("  ", None),
]


@pytest.mark.parametrize(("text", "tree"), READ, ids=[text for text, _ in READ])
def test_reads(text: str, tree: object) -> None:
    read = shape(parse(text))
    assert read == tree
    # 1 == True == 1.0 in Python, not in a query.
    assert repr(read) == repr(tree)


REFUSED = [
    ("a = ", 4, "the query ends"),
    ("a = foo", 5, "found 'foo'"),
    ("a b", 3, "expected an operator"),
    ('a = "x', 5, "not closed"),
    ("a in 3", 6, "expected '('"),
    ("a = 1 AND b = 2", 7, "lower case"),
    ("a = 1)", 6, "found ')'"),
    ("(a = 1", 7, "expected ')'"),
    ('a = "\\q"', 6, "unknown escape"),
    ("a = 1e999", 5, "too large"),
    ("a = 12345678901234567890", 5, "too large"),
    ('a = "\\u0000"', 6, "no name can have"),
    ('a = "\\ud800"', 6, "no name can have"),
    ("a..b = 1", 2, "found '.'"),
    ("= 1", 1, "expected a field"),
    ("a = 1; drop table asset", 6, "found ';'"),
]


@pytest.mark.parametrize(("text", "column", "words"), REFUSED, ids=[text for text, _, _ in REFUSED])
def test_refuses_with_the_column(text: str, column: int, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse(text)
    assert f"column {column}:" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a = 1 " + " " * MAX_LENGTH,
        "(" * 5000 + "a = 1" + ")" * 5000,
        "a = " + "(" * 9000,
        " and ".join(["a=1"] * 501),
        "(a=1 or (a=1 and " * 30 + "a=1" + "))" * 30,
    ],
    ids=["long", "parentheses", "open", "comparisons", "deep"],
)
def test_refuses_what_is_too_large(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse(text)


def test_500_comparisons_are_read() -> None:
    node = parse(" or ".join(["a=1"] * 500))
    assert isinstance(node, Or)
    assert len(node.terms) == 500


@pytest.mark.parametrize(
    "name", ["", "plain", 'with "quotes"', "back\\slash\\", "a'b", "x\ny", "é 😀"]
)
def test_what_is_quoted_reads_back(name: str) -> None:
    assert shape(parse(any_of("tags.name", [name]))) == ("tags.name", "in", name)
    assert shape(parse(f"a = {quote(name)}")) == ("a", "=", name)


def test_combined_clauses_keep_their_meaning() -> None:
    combined = combine("a=1 or b=2", None, "  ", all_of("c", ["x", "y"]))
    assert combined is not None
    assert shape(parse(combined)) == ["And", ["Or", A, B], ("c", "=", "x"), ("c", "=", "y")]
    assert combine("a=1", "") == "a=1"
    assert combine(None, "") is None
    assert any_of("tags.name", []) == all_of("tags.name", []) == ""
