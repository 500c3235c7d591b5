"""How many tests go through each door to a platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

DOORS = ("lake", "server on a lake", "postgres", "s3", "two")
_SERVED = frozenset({"http", "process", "server"})
_SERVERS = ("conformance/wire", "interop")
"""The folders whose tests always have a server before the platform."""
_TESTS = Path(__file__).parents[1]


def door_counts(items: Iterable[pytest.Item]) -> Counter[str]:
    """Count tests by door; those that may be stored in one way alone count for no door."""
    return Counter(door for item in items if (door := _door(item)) is not None)


def _door(item: pytest.Item) -> str | None:
    params = getattr(getattr(item, "callspec", None), "params", {})
    storage = params.get("platform_storage")
    if storage != "lake":
        return storage
    folder = item.path.parent.relative_to(_TESTS).as_posix()
    values = {value for value in params.values() if isinstance(value, str)}
    return "server on a lake" if folder.startswith(_SERVERS) or values & _SERVED else "lake"
