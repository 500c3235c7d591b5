"""Text that other people chose, made safe to show: nothing in it moves a cursor, hides text or begins a line."""

from __future__ import annotations

import re

# C0 and C1 control characters, line separators and changes of the writing direction.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return text with its control characters as escape sequences, except newlines. A name may contain any."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """Return text with all control characters as escape sequences, newlines included."""
    return printable(text).replace("\n", "\\n")
