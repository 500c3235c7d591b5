"""Compare a column with values other than None, by the field's type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from headrace.errors import BadRequestError
from headrace.model.enums import WireEnum
from headrace.platform.filters.conditions import Conditions, join
from headrace.platform.filters.fields import Field, FieldKind
from headrace.protocol.query.literals import error_at
from headrace.protocol.query.nodes import Comparison, Operator, Value

EQUAL: tuple[Operator, ...] = ("=", "in")
ORDERED: tuple[Operator, ...] = (*EQUAL, ">", ">=", "<", "<=")
TEXTUAL: tuple[Operator, ...] = (*ORDERED, "~", "startswith", "endswith")

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MS = 86_400_000


class TimeSpan(NamedTuple):
    """A range of milliseconds since 1970 (UTC), the end exclusive."""

    start: int
    end: int


def compare(
    conditions: Conditions, field: Field, comparison: Comparison, values: Sequence[Value]
) -> str:
    """Compile a comparison of the field's column with one or more values. The condition is null if the column is.

    Raises:
        BadRequestError: The field's type does not have this operator, or a value is of another type.
    """
    column, operator = field.column, comparison.operator
    match field.kind:
        case FieldKind.TEXT:
            allow(comparison, TEXTUAL, "text")
            texts = [_text(comparison, value) for value in values]
            return compare_text(conditions, column, operator, texts)
        case FieldKind.NUMBER:
            allow(comparison, ORDERED, "a number")
            numbers = [_number(comparison, value) for value in values]
            return compare_plain(conditions, column, operator, numbers)
        case FieldKind.TIME:
            allow(comparison, ORDERED, "a time")
            spans = [_span(comparison, value) for value in values]
            return join("or", [_compare_span(conditions, column, operator, one) for one in spans])
        case FieldKind.THING | FieldKind.JSON:
            raise error_at(
                comparison.column,
                f"{name_of(comparison)} is not a value",
                f"compare it with None, or ask for {name_of(comparison)}.name",
            )
        case members:
            allow(comparison, EQUAL, f"one of {' '.join(members)}")
            chosen = [_member(members, comparison, value) for value in values]
            return compare_plain(conditions, column, operator, chosen)


def compare_text(
    conditions: Conditions, column: str, operator: Operator, texts: Sequence[str]
) -> str:
    """Compare text: ``=`` and order by code point; ``~``, ``startswith`` and ``endswith`` ignore the case of a-z."""
    if operator in ORDERED:
        return compare_plain(conditions, column, operator, texts)
    (text,) = texts
    if not text:
        return f"{column} is not null"
    part = conditions.bind(text.translate(_ASCII_LOWER))
    if operator == "startswith":
        return f"substr(lower({column}), 1, length({part})) = {part}"
    if operator == "endswith":
        return conditions.dialect.ends_with(f"lower({column})", part)
    return conditions.dialect.contains(f"lower({column})", part)


def compare_plain(
    conditions: Conditions, column: str, operator: Operator, values: Sequence[object]
) -> str:
    """Compare with the database's own operator."""
    if operator == "in":
        return f"{column} in ({conditions.bind_all(values)})"
    (value,) = values
    return f"{column} {operator} {conditions.bind(value)}"


def allow(comparison: Comparison, operators: Sequence[Operator], what: str) -> None:
    """Raise a 400 if the field's type does not have this operator."""
    if comparison.operator not in operators:
        problem = f"{name_of(comparison)} is {what} and has no {comparison.operator!r}"
        raise error_at(comparison.column, problem, f"it has: {' '.join(operators)}")


def name_of(comparison: Comparison) -> str:
    """The field as the query writes it."""
    return ".".join(comparison.field)


def _compare_span(conditions: Conditions, column: str, operator: Operator, span: TimeSpan) -> str:
    if operator in EQUAL:
        return f"({column} >= {conditions.bind(span.start)} and {column} < {conditions.bind(span.end)})"
    if operator in ("<", ">="):
        return f"{column} {operator} {conditions.bind(span.start)}"
    return f"{column} {'<' if operator == '<=' else '>='} {conditions.bind(span.end)}"


def _text(comparison: Comparison, value: Value) -> str:
    if isinstance(value, str):
        return value
    raise _mismatch(comparison, "text", value, f'put it in quotes: "{value}"')


def _number(comparison: Comparison, value: Value) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _mismatch(comparison, "a number", value, "write it without quotes")


def _span(comparison: Comparison, value: Value) -> TimeSpan:
    hint = 'write "2026-01-31" or "2026-01-31T12:00:00Z"'
    if not isinstance(value, str):
        raise _mismatch(comparison, "a time", value, hint)
    try:
        return _parse_span(value)
    except (ValueError, OverflowError):
        raise _mismatch(comparison, "a time", value, hint) from None


def _member(members: type[WireEnum], comparison: Comparison, value: Value) -> str:
    try:
        return members.parse(str(value)).value
    except BadRequestError as error:
        raise error_at(comparison.value_column, error.message, error.hint) from None


def _mismatch(comparison: Comparison, what: str, value: Value, hint: str) -> BadRequestError:
    problem = f"{name_of(comparison)} is {what}, found {value!r}"
    return error_at(comparison.value_column, problem, hint)


def _parse_span(text: str) -> TimeSpan:
    """Parse an ISO 8601 text: a date covers the whole day, a time one millisecond.

    Without an offset the text is UTC. Raises :class:`ValueError` if it is not a time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    start = (moment - _EPOCH) // _MILLISECOND
    return TimeSpan(start, start + (_DAY_MS if _is_day(text) else 1))


def _is_day(text: str) -> bool:
    return "T" not in text and " " not in text and ":" not in text
