"""What listings of data and of assets have in common (reference 5.2, 10.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.plain_platform.kinds import (
    NAME,
    OBJECT,
    TEXT,
    UUID,
    Kind,
    list_of,
    many,
    one_of,
)
from tests.support.plain_platform.records import Data
from tests.support.plain_platform.routes import Call, RefusedError

TYPES = one_of("IMAGE", "VIDEO")
STATUSES = one_of("PENDING", "COMPUTING", "DONE", "ERROR")
KEYS = 1000
"""Keys in a list of keys, at most."""

QUERY: dict[str, Kind] = {
    "q": NAME,
    "custom_metadata": OBJECT,
    "upload_statuses": many(STATUSES),
    "types": many(TYPES),
}
BODY: dict[str, Kind] = {
    "q": NAME,
    "upload_statuses": list_of(STATUSES),
    "types": list_of(TYPES),
}
TEXTS = list_of(TEXT, least=1)
IDS = list_of(UUID, least=1)


def key_of(call: Call, names: Mapping[str, Kind]) -> tuple[str, set[str]]:
    """The one list of keys in the body, and its values."""
    given = [name for name in names if name in call.body]
    if len(given) != 1:
        raise RefusedError(422, f"The body needs one of {', '.join(names)}.")
    keys: list[str] = call.body[given[0]]
    if len(keys) > KEYS and "limit" not in call.query:
        raise RefusedError(422, f"More than {KEYS} {given[0]}.")
    return given[0], set(keys)


def status_of(data: Data) -> str:
    if data.looks_left > 0:
        return "PENDING"
    return "DONE" if data.meta is not None else "ERROR"


def keeps(wish: Mapping[str, Any], data: Data) -> bool:
    """Whether data is among the upload statuses, types and custom metadata that a query or a body names."""
    metadata = data.custom_metadata or {}
    return (
        status_of(data) in wish.get("upload_statuses", (status_of(data),))
        and data.type in wish.get("types", (data.type,))
        and all(
            key in metadata and metadata[key] == value
            for key, value in wish.get("custom_metadata", {}).items()
        )
    )
