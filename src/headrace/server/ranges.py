"""Which bytes of a file a request asks for."""

from __future__ import annotations

import re
from typing import NamedTuple

_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$", re.ASCII)


class Span(NamedTuple):
    """``length`` bytes from ``start``."""

    start: int
    length: int


class UnsatisfiableRangeError(ValueError):
    """The range lies outside the file."""


def asked_span(header: str | None, size: int) -> Span | None:
    """The one span that a ``Range`` header asks of a file of ``size`` bytes, None for the whole file.

    Several spans at once, and what cannot be read, mean the whole file, as HTTP allows. Raises
    :class:`UnsatisfiableRangeError`.
    """
    found = _RANGE.match(header.strip()) if header else None
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, end = max(0, size - int(found[2])), size - 1
        if int(found[2]) == 0:
            raise UnsatisfiableRangeError
    else:
        start = int(found[1])
        end = min(size - 1, int(found[2])) if found[2] else size - 1
        if found[2] and int(found[2]) < start:
            return None
    if start >= size:
        raise UnsatisfiableRangeError
    return Span(start, end - start + 1)
