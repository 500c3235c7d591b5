"""Questions to the person at a terminal."""

from __future__ import annotations

import sys

import anyio

_YES = ("y", "yes")


def can_ask() -> bool:
    """Whether a person sees the question and can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def ask(question: str) -> bool:
    """Ask for a yes or no on stderr, and read the answer. Everything but yes means no, also the end of the input."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.platform != "win32":
        # Reading would block the event loop, and Ctrl-C with it.
        await anyio.wait_readable(sys.stdin)
    return sys.stdin.readline().strip().lower() in _YES
