"""Patterns for the files of one tool, built from an example: the same tags and white space, with other values.

A fixed pattern takes half the time of the general patterns of :mod:`headrace.formats.voc.regex_parser`, and it matches
only files that these match too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

#: Text without markup, entities, control characters and line ends that XML would change. "]" is excluded because XML
#: forbids "]]>".
PLAIN: Final = rb"[^<&\]\x00-\x1f\x7f]*+"
# The caller checks that these are numbers.
_NUMBER: Final = rb"[0-9.eE+-]++"
_OBJECT_END: Final = b"</object>"

#: An object: name, flags and corners as in the file, tags included.
Pieces = tuple[bytes, bytes, bytes]
#: The values before the first object.
Head = tuple[bytes, ...]


class FileTemplate:
    """Matches files that differ from an example only in their values and the number of objects.

    The groups of all matches but ``one`` are the values.

    Args:
        head: Match of everything before the first object of the example.
        one: Match of its first object.
        flags: Match of the flags, in the third group of ``one``.
        corners: Match of the corners, in the fourth group of ``one``.
    """

    def __init__(
        self,
        head: re.Match[bytes],
        one: re.Match[bytes],
        flags: re.Match[bytes],
        corners: re.Match[bytes],
    ) -> None:
        content = head.string
        first = len(content[: head.end()].rstrip())
        self._head = re.compile(_literal(head, head.start(), first, rb"(" + PLAIN + rb")"))
        flagged = _literal(flags, 0, len(flags.string), PLAIN)
        cornered = _literal(corners, 0, len(corners.string), _NUMBER)
        last = len(one[0].rstrip()) + one.start()
        (name_start, name_end), (flags_start, flags_end) = one.span(2), one.span(3)
        corners_start, corners_end = one.span(4)
        around = [
            content[first:name_start],
            content[name_end:flags_start],
            content[flags_end:corners_start],
            content[corners_end:last],
        ]
        before, named, boxed, after = map(re.escape, around)
        self._object = re.compile(
            before
            + rb"(%b)" % PLAIN
            + named
            + rb"(%b)" % flagged
            + boxed
            + rb"(%b)" % cornered
            + after
        )
        self._around = sum(map(len, around))
        self._end = content[content.rindex(_OBJECT_END) + len(_OBJECT_END) :]

    def read(self, contents: Sequence[bytes]) -> tuple[list[Head], list[list[Pieces]]] | None:
        """Match many files at once, which is faster than one by one.

        Returns the values of the heads and the objects of each file, or None where a file does not match completely.
        """
        heads = [*map(self._head.match, contents)]
        if not all(heads) or not all(content.endswith(self._end) for content in contents):
            return None
        found: list[list[Pieces]] = [*map(self._object.findall, contents)]
        # Heads, objects and ends do not overlap, so their lengths add up to that of the files only if nothing else is
        # in them. The text around the groups of an object is the same for all objects.
        held = len(b"".join(chain.from_iterable(chain.from_iterable(found))))
        held += self._around * sum(map(len, found)) + len(self._end) * len(contents)
        held += sum([head.end() for head in heads if head])
        if held != sum(map(len, contents)):
            return None
        return [head.groups(b"") for head in heads if head], found


def _literal(match: re.Match[bytes], start: int, end: int, value: bytes) -> bytes:
    """Return a pattern for the text from ``start`` to ``end``: literal, except for the groups, which are values."""
    content, pattern, at = match.string, b"", start
    for number in range(1, match.re.groups + 1):
        begin, stop = match.span(number)
        if begin < 0:
            # An empty group keeps the numbers of the others.
            pattern += rb"()" if value.startswith(b"(") else b""
            continue
        pattern += re.escape(content[at:begin]) + value
        at = stop
    return pattern + re.escape(content[at:end])
