"""``-`` on the command line: standard input and standard output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

STREAM = Path("-")
"""A path that stands for standard input or standard output."""


def with_streams(arguments: Sequence[str]) -> list[str]:
    """Return a command line in which ``-`` is a path, since the parser takes it for an option.

    The value of ``--token`` is left alone.
    """
    return [
        "./-" if text == "-" and (not place or arguments[place - 1] != "--token") else text
        for place, text in enumerate(arguments)
    ]
