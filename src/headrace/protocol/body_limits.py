"""How large a body may be, by what the operation declares; checked before a value of the body is made.

A body whose fields hold no list is small. A list of ids has so many, and a list of objects may not consist of empty ones:
each item costs memory and time even if it is a few bytes long.
"""

from __future__ import annotations

import types
from functools import cache
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from headrace.errors import RequestTooLargeError
from headrace.protocol.operation import Operation

SMALL_BODY = 4 * 1024 * 1024
"""Bytes of a body without lists: room for metadata of 256 KiB, even if every character in it is escaped."""

MOST_ITEMS = 100_000
"""Ids, names or numbers in one list of a body."""

MOST_OBJECTS = 1_000_000
"""Objects in a body, at all levels; each takes 60 bytes where it says something."""

MOST_COMMAS = 10 * MOST_ITEMS
"""Commas in a list of names, which may hold some themselves."""

_PIECE = 2 * 1024 * 1024


@cache
def body_limit(operation: Operation[Any, Any]) -> int | None:
    """Return the most bytes of an operation's body; None if only the server's limit applies."""
    fields = {field.name: field.type for field in msgspec.structs.fields(operation.request)}
    lists = any(_holds_list(fields[name]) for name in operation.body_fields)
    return None if lists else SMALL_BODY


def check_objects(name: str, body: bytes) -> None:
    """Refuse a body of too many objects.

    Args:
        name: The operation, for the message.
        body: The JSON body.

    Raises:
        RequestTooLargeError: There are too many.
    """
    if len(body) <= _PIECE:
        return  # so few bytes hold no million
    objects = _count(body, b"{")
    if objects > MOST_OBJECTS:
        raise RequestTooLargeError(f"{name}: {objects} objects in one call", hint="send fewer")


def check_items(name: str, array: bytes, *, commas_separate: bool) -> None:
    """Refuse an array of too many values before they are decoded.

    Args:
        name: The operation and the field, for the message.
        array: The JSON array.
        commas_separate: Whether commas only separate values, since no value contains one.

    Raises:
        RequestTooLargeError: There are too many.
    """
    commas = _count(array, b",")
    if commas >= (MOST_ITEMS if commas_separate else MOST_COMMAS):
        check_count(name, commas + 1)


def check_count(name: str, count: int) -> None:
    """Refuse a list of too many values; raises :class:`RequestTooLargeError`."""
    if count > MOST_ITEMS:
        raise RequestTooLargeError(
            f"{name} has {count} values in one call", hint=f"send at most {MOST_ITEMS}"
        )


def _count(text: bytes, what: bytes) -> int:
    # In pieces, so that other threads can run in between.
    return sum(text.count(what, start, start + _PIECE) for start in range(0, len(text), _PIECE))


def _holds_list(kind: Any, seen: frozenset[Any] = frozenset()) -> bool:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_holds_list(each, seen) for each in get_args(kind))
    if origin in (list, tuple, set, frozenset) or kind in (list, msgspec.Raw):
        return True
    if isinstance(kind, type) and issubclass(kind, Struct) and kind not in seen:
        inner = msgspec.structs.fields(kind)
        return any(_holds_list(field.type, seen | {kind}) for field in inner)
    return False
