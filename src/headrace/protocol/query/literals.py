"""Decode the literals and field names of a query."""

from __future__ import annotations

import math
import re

from headrace.errors import BadRequestError
from headrace.protocol.query.nodes import Value

CONSTANTS: dict[str, Value] = {"True": True, "False": False, "None": None}

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = dict(zip("bfnrt/\\\"'", "\b\f\n\r\t/\\\"'", strict=True))
_SEGMENT = re.compile(r'"((?:\\.|[^"\\])*)"|(\w+)', re.DOTALL)


def error_at(column: int, problem: str, hint: str | None = None) -> BadRequestError:
    """Make the error for a fault at a column, counted from 1."""
    return BadRequestError(f"q, column {column}: {problem}", hint=hint)


def read_string(body: str, column: int) -> str:
    """Decode a string literal; ``body`` is without its quotes."""
    if "\\" in body:
        body = _ESCAPE.sub(lambda found: _unescape(found.group(1), column + found.start()), body)
        # Two \u escapes may form a surrogate pair, as in JSON.
        body = body.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if "\0" in body or any("\ud800" <= character <= "\udfff" for character in body):
        raise error_at(column, "the string holds a character that no name can have")
    return body


def read_number(text: str, column: int) -> int | float:
    """Decode a number; an integer where it is written as one."""
    if text.lstrip("+-").isdigit():
        # Longer integers take quadratic time to decode and fit no column.
        if len(text) > 18:
            raise error_at(column, "the number is too large")
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise error_at(column, "the number is too large")
    return number


def read_field(text: str, column: int) -> tuple[str, ...]:
    """Split a dotted path; a segment in double quotes may hold any character."""
    return tuple(
        read_string(found[1], column + found.start()) if found[2] is None else found[2]
        for found in _SEGMENT.finditer(text)
    )


def _unescape(escape: str, column: int) -> str:
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    if escape not in _ESCAPED:
        known = " ".join("\\" + letter for letter in _ESCAPED)
        raise error_at(
            column, f"unknown escape \\{escape}", f"known: {known} \\u0041; a backslash is \\\\"
        )
    return _ESCAPED[escape]
