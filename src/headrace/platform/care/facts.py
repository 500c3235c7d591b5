"""What ``headrace doctor`` has looked at, as facts."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Level = Literal["ok", "slow", "unsafe"]

LITTLE_SPACE = 2 << 30
"""Bytes of free space below which a disk is soon full."""


class Fact(Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        name: What it is.
        value: What it is like.
        level: ``ok``, ``slow`` or ``unsafe``.
        advice: What to do about it, where it is not ``ok``.
    """

    name: str
    value: str
    level: Level = "ok"
    advice: str = ""


def mib(size: int) -> str:
    """Return a size in bytes as text."""
    return f"{size / (1 << 20):,.0f} MiB"
