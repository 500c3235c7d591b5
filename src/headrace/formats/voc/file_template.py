"""How one tool writes its files, learnt from one of them: the same tags and the same white space, other values.

Patterns that need not ask what comes next take half the time of those that take any spelling. They take nothing that
those would not take.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

#: Text without markup, entities, control characters, and line ends that XML would change; "]" may begin what XML
#: forbids.
PLAIN: Final = rb"[^<&\]\x00-\x1f\x7f]*+"
# What is no number of these is told by who reads them.
_NUMBER: Final = rb"[0-9.eE+-]++"
_OBJECT_END: Final = b"</object>"

#: An object: name, flags and corners, each as it stands in the file, tags and all.
Pieces = tuple[bytes, bytes, bytes]
#: The values of what comes before the first object.
Head = tuple[bytes, ...]


class FileTemplate:
    """Takes files that differ from the one it was learnt from in nothing but values and the number of objects.

    ``head`` and ``one`` are matches in that file, of all before the first object and of that; ``flags`` and ``corners``
    are matches in the third and the fourth group of ``one``. The groups of all but ``one`` are the values.
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
        """The values of the head and the objects of each file, where they are all there is; None where they are not.

        Many files are taken together: that takes less time than one after the other.
        """
        heads = [*map(self._head.match, contents)]
        if not all(heads) or not all(content.endswith(self._end) for content in contents):
            return None
        found: list[list[Pieces]] = [*map(self._object.findall, contents)]
        # Heads, objects and ends hold no part of each other, so these are all bytes or there are others. What the
        # groups of an object do not hold is the same for all objects.
        held = len(b"".join(chain.from_iterable(chain.from_iterable(found))))
        held += self._around * sum(map(len, found)) + len(self._end) * len(contents)
        held += sum([head.end() for head in heads if head])
        if held != sum(map(len, contents)):
            return None
        return [head.groups(b"") for head in heads if head], found


def _literal(match: re.Match[bytes], start: int, end: int, value: bytes) -> bytes:
    """A pattern of what stands between ``start`` and ``end``: as it is, but for the groups, which are values."""
    content, pattern, at = match.string, b"", start
    for number in range(1, match.re.groups + 1):
        begin, stop = match.span(number)
        if begin < 0:
            # Groups keep their numbers, also where the file says nothing.
            pattern += rb"()" if value.startswith(b"(") else b""
            continue
        pattern += re.escape(content[at:begin]) + value
        at = stop
    return pattern + re.escape(content[at:end])
