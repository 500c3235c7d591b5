"""The piece of a file that an error is about, with a caret below what is wrong."""

from __future__ import annotations

import os
import stat
from itertools import islice
from typing import Final

from headrace.cli.console.terminal import printable

_BEFORE: Final = 30
_AFTER: Final = 40
_MAX_LINE: Final = 64 * 1024
_MAX_LINES: Final = 1_000_000
_GZIP: Final = b"\x1f\x8b"


def excerpt(
    path: str, *, line: int | None = None, column: int | None = None, offset: int | None = None
) -> list[str]:
    """Return the line of a file, and a line with a caret.

    Args:
        path: The file.
        line: The line, from 1.
        column: The character in the line, from 1. Default: the whole line is marked.
        offset: The byte, from 0, where no line is known.

    Returns:
        Two lines, or none where the place is unknown or the file cannot be read.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return []
        if line is not None:
            return _of_line(path, line, column)
        return [] if offset is None else _around(path, offset)
    except OSError:
        return []


def _of_line(path: str, line: int, column: int | None) -> list[str]:
    if line > _MAX_LINES:
        return []
    with open(path, "rb") as file:
        # An iterator over lines would hold one of any length.
        lines = iter(lambda: file.readline(_MAX_LINE), b"")
        content = next(islice(lines, line - 1, None), b"")
    text = content.decode("utf-8", "backslashreplace").rstrip("\r\n")
    if not text.strip():
        return []
    start = len(text) - len(text.lstrip()) if column is None else min(column - 1, len(text))
    length = len(text.rstrip()) - start if column is None else _word_length(text, start)
    return _framed(str(line), text, start, max(length, 1))


def _around(path: str, offset: int) -> list[str]:
    start = max(offset - 2 * _BEFORE, 0)
    with open(path, "rb") as file:
        if file.read(2) == _GZIP:
            return []  # the offset is that of the unpacked content
        file.seek(start)
        content = file.read(offset - start + 2 * _AFTER)
    before, after = content[: offset - start], content[offset - start :]
    if not after:
        before = before.rstrip()  # a file that ends here: what it ends with
    left = before.rpartition(b"\n")[2].decode("utf-8", "ignore")
    right = after.partition(b"\n")[0].decode("utf-8", "backslashreplace")
    if not (left + right).strip():
        return []
    return _framed("", left + right, len(left), 1)


def _word_length(text: str, start: int) -> int:
    words = text[start:].split(maxsplit=1)
    return len(words[0]) if words and not text[start].isspace() else 1


def _framed(number: str, text: str, start: int, length: int) -> list[str]:
    """Return a text and its mark, cut to the width of a narrow terminal around the mark."""
    first = max(start - _BEFORE, 0)
    last = start + _AFTER
    before, marked, after = (
        printable(piece.replace("\t", " "))
        for piece in (
            text[first:start],
            text[start : min(start + length, last)],
            text[min(start + length, last) : last],
        )
    )
    shown = f"{'…' if first else ''}{before}"
    rest = "…" if last < len(text) else ""
    return [
        f"  {number} | {shown}{marked}{after}{rest}".rstrip(),
        f"  {' ' * len(number)} | {' ' * len(shown)}{'^' * max(len(marked), 1)}",
    ]
