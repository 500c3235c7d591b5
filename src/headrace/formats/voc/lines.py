"""Finds the lines of objects in an XML file, for findings; nothing else needs them."""

from __future__ import annotations

import os
import re
from functools import lru_cache

from headrace.formats.voc.xml_parser import MAX_BYTES

# The box of an object, else the object itself; the box of a part comes after that of its object.
_OBJECT = re.compile(rb"<object[ \t\r\n>/]")
_BOX = re.compile(rb"<bndbox[ \t\r\n>/]")


def line_of_object(path: str, number: int) -> int | None:
    """Return the line, from 1, of the box of an object, or of the object where it has no box.

    Args:
        path: The XML file.
        number: Which object, from 1.

    Returns:
        The line; None where the file has changed or its encoding hides its tags.
    """
    try:
        lines = _lines(path, os.stat(path).st_mtime_ns)
    except OSError:
        return None
    return lines[number - 1] if number <= len(lines) else None


@lru_cache(maxsize=1)
def _lines(path: str, changed: int) -> tuple[int, ...]:
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES)
    starts = [match.start() for match in _OBJECT.finditer(content)]
    lines, counted, line = [], 0, 1
    for start, end in zip(starts, [*starts[1:], len(content)], strict=True):
        box = _BOX.search(content, start, end)
        at = start if box is None else box.start()
        line += content.count(b"\n", counted, at)
        counted = at
        lines.append(line)
    return tuple(lines)
