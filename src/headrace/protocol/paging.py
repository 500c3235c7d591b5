"""Opaque cursors: the position to continue a listing from, bound to the filters of that listing."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from headrace.errors import BadRequestError


class _Cursor(msgspec.Struct, array_like=True):
    listing: bytes
    position: list[Any]


def encode_cursor(position: list[Any], listing: object) -> str:
    """Make a cursor that continues after ``position`` in ``listing`` (the filters and the order; any JSON-like value)."""
    cursor = _Cursor(_digest(listing), position)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).rstrip(b"=").decode()


def decode_cursor(text: str, listing: object) -> list[Any]:
    """Read the position from a cursor; raises BadRequestError where it is damaged or was made for other filters."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        cursor = msgspec.msgpack.decode(raw, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise BadRequestError("the cursor is damaged", hint="start the listing again") from None
    if cursor.listing != _digest(listing):
        raise BadRequestError(
            "the cursor belongs to another listing", hint="keep all filters between pages"
        )
    return cursor.position


def _digest(listing: object) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(listing, order="sorted"), digest_size=8).digest()
