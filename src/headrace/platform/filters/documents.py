"""Conditions on JSON columns: queries with a path, and the ``custom_metadata`` filter.

A missing key and a null both count as None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from headrace.errors import BadRequestError
from headrace.platform.filters.conditions import Conditions, join
from headrace.platform.filters.values import (
    EQUAL,
    ORDERED,
    allow,
    compare_plain,
    compare_text,
)
from headrace.protocol.query.nodes import Comparison, Operator, Value

MAX_DEPTH = 10
MAX_KEYS = 100


class JsonPath:
    """The value under ``keys`` in the JSON of a column."""

    def __init__(self, conditions: Conditions, column: str, keys: Sequence[str]) -> None:
        if len(keys) > MAX_DEPTH:
            raise BadRequestError(f"metadata is searched at most {MAX_DEPTH} keys deep")
        self._conditions = conditions
        self._column = column
        self._keys = keys
        self._last = f"j{len(keys)}"

    def is_none(self) -> str:
        """The condition that the value is missing or null."""
        return "not " + self._exists(f"{self._last}.type <> 'null'")

    def meets(self, operator: Operator, values: Sequence[Value]) -> str:
        """The condition that the value compares to one of ``values``, none of which is None."""
        return self._exists(join("or", [self._meets(operator, value) for value in values]))

    def is_array(self, content: list[Any]) -> str:
        """The condition that the value is exactly this array."""
        text = self._conditions.bind(msgspec.json.encode(content).decode())
        return self._exists(self._conditions.dialect.json_equal(self._last, text))

    def is_object(self) -> str:
        """The condition that the value is an object."""
        return self._exists(f"{self._last}.type = 'object'")

    def _meets(self, operator: Operator, value: Value) -> str:
        kind, dialect = f"{self._last}.type", self._conditions.dialect
        operator = "=" if operator == "in" else operator
        if isinstance(value, bool):
            return f"{kind} = '{'true' if value else 'false'}'"
        if isinstance(value, str):
            column = dialect.json_text(self._last)
            return (
                f"({kind} = 'text' and {compare_text(self._conditions, column, operator, [value])})"
            )
        column = dialect.json_number(self._last, value)
        test = compare_plain(self._conditions, column, operator, [value])
        return f"({kind} in ('integer', 'real') and {test})"

    def _exists(self, condition: str) -> str:
        keys = [self._conditions.bind(key) for key in self._keys]
        tables, test = self._conditions.dialect.json_value(self._column, keys)
        return f"exists (select 1 from {tables} where {test} and {condition})"


def compare_document(
    conditions: Conditions, column: str, keys: Sequence[str], comparison: Comparison
) -> str:
    """Compile a comparison with a JSON value, ignoring its negation."""
    values = [value for value in comparison.values if value is not None]
    if any(isinstance(value, bool) for value in values):
        allow(comparison, EQUAL, "compared with True or False")
    elif any(isinstance(value, int | float) for value in values):
        allow(comparison, ORDERED, "compared with a number")
    path = JsonPath(conditions, column, keys)
    tests = [path.meets(comparison.operator, values)] if values else []
    if None in comparison.values:
        allow(comparison, EQUAL, "compared with None")
        tests.append(path.is_none())
    return join("or", tests) if tests else "false"


def add_custom_metadata(conditions: Conditions, wanted: dict[str, Any] | None) -> None:
    """Require every value in ``wanted``: objects are compared key by key, arrays as a whole."""
    leaves = list(_leaves(wanted or {}, ()))
    if len(leaves) > MAX_KEYS:
        raise BadRequestError(f"custom_metadata names {len(leaves)} values, at most {MAX_KEYS}")
    for keys, value in leaves:
        path = JsonPath(conditions, "d.custom_metadata", keys)
        if value is None:
            conditions.add(path.is_none())
        elif isinstance(value, dict):
            conditions.add(path.is_object())
        elif isinstance(value, list):
            conditions.add(path.is_array(value))
        else:
            conditions.add(path.meets("=", [_bindable(value)]))


def _leaves(
    wanted: dict[str, Any], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if len(above) >= MAX_DEPTH:
        raise BadRequestError(f"custom_metadata is searched at most {MAX_DEPTH} keys deep")
    for key, value in wanted.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _bindable(value: Any) -> Value:
    if isinstance(value, int) and abs(value) >= 2**63:
        return float(value)
    if isinstance(value, str | int | float):
        return value
    raise BadRequestError(f"custom_metadata cannot be compared with {value!r}")
