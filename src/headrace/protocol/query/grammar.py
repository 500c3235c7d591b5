"""The grammar, the tree it builds, and its syntax errors. Imports lark, so it is imported lazily."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from headrace.errors import BadRequestError
from headrace.protocol.query.literals import (
    CONSTANTS,
    error_at,
    read_field,
    read_number,
    read_string,
)
from headrace.protocol.query.nodes import And, Comparison, Node, Operator, Or, Value, depth, size

MAX_DEPTH = 50
"""Maximum nesting of ``and`` and ``or``."""

MAX_COMPARISONS = 500

# In the order that an error message lists them.
_TERMINALS = {
    "FIELD": "a field",
    "COMPARE": "an operator (= != > >= < <= ~ !~)",
    "_IN": "'in'",
    "AFFIX": "'startswith' or 'endswith'",
    "_NOT": "'not'",
    "STRING": "a string",
    "NUMBER": "a number",
    "CONSTANT": "True, False or None",
    "_AND": "'and'",
    "_OR": "'or'",
    "COMMA": "','",
    "LPAR": "'('",
    "RPAR": "')'",
    "$END": "the end",
}


def read(text: str) -> Node:
    """Parse a query that is not blank; raises BadRequestError where the text is not a query."""
    try:
        return cast("Node", _lark().parse(text))
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None


@cache
def _lark() -> Lark:
    rules = resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(rules, parser="lalr", transformer=_Builder(), maybe_placeholders=False)


class _Builder(Transformer[Token, Node]):
    """Builds the nodes while lark parses, so no parse tree of lark is made."""

    @v_args(inline=True)
    def compare(self, field: Token, operator: Token, value: Token) -> Comparison:
        plain = operator.removeprefix("!")
        return _comparison(field, plain, plain != operator, [value])

    @v_args(inline=True)
    def affix(self, field: Token, operator: Token, value: Token) -> Comparison:
        return _comparison(field, str(operator), False, [value])

    @v_args(inline=True)
    def affix_not(self, field: Token, operator: Token, value: Token) -> Comparison:
        return _comparison(field, str(operator), True, [value])

    @v_args(inline=True)
    def contained(self, field: Token, *values: Token) -> Comparison:
        return _comparison(field, "in", False, values)

    @v_args(inline=True)
    def contained_not(self, field: Token, *values: Token) -> Comparison:
        return _comparison(field, "in", True, values)

    def both(self, terms: list[Node]) -> Node:
        return _join(And, terms)

    def either(self, terms: list[Node]) -> Node:
        return _join(Or, terms)


def _comparison(field: Token, operator: str, negated: bool, values: Sequence[Token]) -> Comparison:
    return Comparison(
        read_field(field, _column(field)),
        cast("Operator", operator),
        negated,
        tuple(map(_value, values)),
        _column(field),
        _column(values[0] if values else field),
    )


def _value(token: Token) -> Value:
    if token.type == "STRING":
        return read_string(token[1:-1], _column(token) + 1)
    if token.type == "NUMBER":
        return read_number(token, _column(token))
    return CONSTANTS[token]


def _join(connector: type[And | Or], terms: list[Node]) -> Node:
    if len(terms) == 1:
        return terms[0]
    flat: list[Node] = []
    for term in terms:
        if isinstance(term, connector):
            flat.extend(term.terms)
        else:
            flat.append(term)
    joined = connector(tuple(flat), 1 + max(map(depth, flat)), sum(map(size, flat)))
    if joined.size > MAX_COMPARISONS:
        raise BadRequestError(f"q has more than {MAX_COMPARISONS} comparisons", hint="use in (…)")
    if joined.depth > MAX_DEPTH:
        raise BadRequestError(f"q nests and/or more than {MAX_DEPTH} deep", hint="write it flatter")
    return joined


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _syntax_error(text: str, error: UnexpectedInput) -> BadRequestError:
    """Make the error that says what was found at which column and what was expected."""
    at, expected = len(text.rstrip()), set[str]()
    if isinstance(error, UnexpectedToken):
        expected = error.accepts or error.expected
        if error.token.type != "$END":
            at = error.token.start_pos or 0
    elif isinstance(error, UnexpectedCharacters):
        at, expected = vars(error)["pos_in_stream"], error.allowed
    found = re.match(r"\w+|\S", text[at:])
    wanted = " or ".join(word for name, word in _TERMINALS.items() if name in expected)
    what = f"found {found.group()[:40]!r}" if found else "the query ends"
    return error_at(at + 1, f"expected {wanted}, {what}", _hint(found.group() if found else ""))


def _hint(found: str) -> str | None:
    if found in ("AND", "OR", "NOT", "IN"):
        return "connectors are written in lower case"
    if found in ("'", '"'):
        return "the string is not closed, or a string is not allowed here"
    return None
