"""How deep values may be nested that people attach to what they store."""

from __future__ import annotations

from typing import Any

from headrace.errors import BadRequestError

MAX_DEPTH = 64
"""Levels of objects and lists in one value, as many as every reader of JSON takes."""


def is_shallow(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Return whether a value is nested at most ``depth`` levels deep."""
    if isinstance(value, dict):
        return depth > 0 and all(is_shallow(each, depth - 1) for each in value.values())
    if isinstance(value, list | tuple):
        return depth > 0 and all(is_shallow(each, depth - 1) for each in value)
    return True


def check_depth(value: Any, what: str) -> None:
    """Check a value from outside; raises :class:`BadRequestError`, which names ``what``, if it is nested too deeply."""
    if not is_shallow(value):
        raise BadRequestError(f"{what} is nested deeper than {MAX_DEPTH} levels")
