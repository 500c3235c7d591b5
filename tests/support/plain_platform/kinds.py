"""Kinds of values, and the check that a query or a body holds exactly what an endpoint takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_ID = "00000000-0000-4000-8000-000000000000"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class WrongValueError(Exception):
    """A value that is not of its kind; the text says where and why."""


def _as_is(text: str) -> Any:
    return text


@dataclass(frozen=True)
class Kind:
    """What a value must be."""

    name: str
    check: Callable[[Any, str], None]
    """Raises WrongValueError; the text says where the value stands."""
    right: Any
    """A value that passes."""
    wrong: Any
    """A value that is refused."""
    read: Callable[[str], Any] = _as_is
    """What the text of a query parameter stands for, before it is checked."""
    needed: bool = False
    many: bool = False
    """The key may be repeated in a query, and its value is a list."""
    keys: Mapping[str, Kind] = field(default_factory=dict)
    """Of a record."""


def _kind(
    name: str,
    holds: Callable[[Any], bool],
    right: Any,
    wrong: Any,
    read: Callable[[str], Any] = _as_is,
) -> Kind:
    def check(value: Any, where: str) -> None:
        if not holds(value):
            raise WrongValueError(f"{where} must be {name}")

    return Kind(name, check, right, wrong, read)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and isfinite(value))


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_bool(text: str) -> Any:
    return {"True": True, "False": False}.get(text, text)


TEXT = _kind("a text", lambda value: isinstance(value, str), "x", 7)
NAME = _kind(
    "a text that is not empty", lambda value: isinstance(value, str) and value != "", "x", ""
)
INT = _kind("a whole number", _is_whole, 1, 1.5, _read_json)
NUMBER = _kind("a number", _is_number, 1.5, "many", _read_json)
BOOL = _kind("a boolean", lambda value: isinstance(value, bool), True, "maybe", _read_bool)
UUID = _kind(
    "a UUID", lambda value: isinstance(value, str) and bool(_UUID.fullmatch(value)), _NO_ID, "x"
)
DATE = _kind(
    "a date",
    lambda value: isinstance(value, str) and bool(_DATE.fullmatch(value)),
    "2030-01-02",
    "tomorrow",
)
OBJECT = _kind("an object", lambda value: isinstance(value, dict), {}, [1], _read_json)


def one_of(*values: str) -> Kind:
    """One of these texts, exactly."""
    return _kind(
        f"one of {', '.join(values)}", lambda value: value in values, values[0], "NONESUCH"
    )


def between(kind: Kind, least: float, most: float) -> Kind:
    """A number within bounds, both included."""

    def check(value: Any, where: str) -> None:
        kind.check(value, where)
        if not least <= value <= most:
            raise WrongValueError(f"{where} must be from {least} to {most}")

    return replace(kind, check=check, right=least, wrong=most + 1)


def needed(kind: Kind) -> Kind:
    """A key that must be there."""
    return replace(kind, needed=True)


def many(kind: Kind) -> Kind:
    """A key of a query that may be repeated."""
    return replace(kind, many=True)


def or_null(kind: Kind) -> Kind:
    def check(value: Any, where: str) -> None:
        if value is not None:
            kind.check(value, where)

    return replace(kind, name=f"{kind.name} or null", check=check)


def list_of(kind: Kind, least: int = 0, most: int | None = None) -> Kind:
    """A JSON array, of at least and at most so many."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list):
            raise WrongValueError(f"{where} must be a list")
        if len(value) < least or (most is not None and len(value) > most):
            raise WrongValueError(f"{where} must not have {len(value)} items")
        for index, item in enumerate(value):
            kind.check(item, f"{where}[{index}]")

    return Kind(f"a list of {kind.name}", check, [kind.right] * least, {})


def record(keys: Mapping[str, Kind]) -> Kind:
    """A JSON object of these keys and no others."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise WrongValueError(f"{where} must be an object")
        for key in value:
            if key not in keys:
                raise WrongValueError(f"{where} has an unknown key {key}")
        for key, kind in keys.items():
            if key in value:
                kind.check(value[key], f"{where}.{key}")
            elif kind.needed:
                raise WrongValueError(f"{where} lacks {key}")

    right = {key: kind.right for key, kind in keys.items() if kind.needed}
    return Kind("a record", check, right, {**right, "nonsense": 1}, keys=keys)


def read_query(keys: Mapping[str, Kind], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The values of a query string; a key that may be repeated has a list."""
    found: dict[str, Any] = {}
    for key, text in pairs:
        kind = keys.get(key)
        if kind is None:
            raise WrongValueError(f"the query has an unknown key {key}")
        value = kind.read(text)
        kind.check(value, key)
        if kind.many:
            found.setdefault(key, []).append(value)
        elif key in found:
            raise WrongValueError(f"{key} is repeated")
        else:
            found[key] = value
    for key, kind in keys.items():
        if kind.needed and key not in found:
            raise WrongValueError(f"the query lacks {key}")
    return found
