"""What is said of a text that is no query."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from headrace.errors import BadRequestError
from headrace.protocol.query.literals import error_at

# In the order in which a reader would try them.
_WORDS = {
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


def refusal(text: str, error: UnexpectedInput) -> BadRequestError:
    """The error that says what stands where in ``text`` and what could."""
    at, expected = len(text.rstrip()), set[str]()
    if isinstance(error, UnexpectedToken):
        expected = error.accepts or error.expected
        if error.token.type != "$END":
            at = error.token.start_pos or 0
    elif isinstance(error, UnexpectedCharacters):
        at, expected = vars(error)["pos_in_stream"], error.allowed
    found = re.match(r"\w+|\S", text[at:])
    wanted = " or ".join(word for name, word in _WORDS.items() if name in expected)
    what = f"found {found.group()[:40]!r}" if found else "the query ends"
    return error_at(at + 1, f"expected {wanted}, {what}", _hint(found.group() if found else ""))


def _hint(found: str) -> str | None:
    if found in ("AND", "OR", "NOT", "IN"):
        return "connectors are written in lower case"
    if found in ("'", '"'):
        return "the string is not closed, or no string may stand there"
    return None
