"""How one tool writes its files, learnt from one of them: the same tags and the same white space, other values.

Patterns that need not ask what comes next take half the time of those that take any spelling. They take nothing that
those would not take.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Final

#: Text without markup, entities, control characters, and line ends that XML would change.
PLAIN: Final = rb"[^<&\x00-\x1f\x7f]*+"
# What is no number of these is told by who reads them.
_NUMBER: Final = rb"([0-9.eE+-]++)"
_OBJECT_END: Final = b"</object>"

#: An object: name, flags, and the four corners, each as it stands in the file.
Pieces = tuple[bytes, bytes, bytes, bytes, bytes, bytes]


class Spelling:
    """Takes files that differ from the one it was learnt from in nothing but values and the number of objects.

    ``head``, ``name``, ``flags`` and ``corners`` are matches in that file: of all before the first object, of the
    object up to its flags, of its flags and of its corners. Their groups are the values.
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
            + rb"("
            + PLAIN
            + rb")"
            + named
            + rb"("
            + flagged
            + rb")"
            + boxed
            + cornered
            + after
        )
        said = sum(len(corner) for corner in corners.groups())
        self._around = sum(map(len, around)) + len(one[4]) - said
        self._end = content[content.rindex(_OBJECT_END) + len(_OBJECT_END) :]

    def read(self, content: bytes) -> tuple[tuple[bytes, ...], list[Pieces]] | None:
        """The values of the head, and the objects, where they are all there is; None where there is more or less."""
        head = self._head.match(content)
        if head is None or not content.endswith(self._end):
            return None
        start, end = head.end(), len(content) - len(self._end)
        found: list[Pieces] = self._object.findall(content, start, max(start, end))
        # What the groups do not hold is the same for all objects.
        held = len(b"".join(chain.from_iterable(found)))
        if held + self._around * len(found) != end - start:
            return None
        return head.groups(b""), found


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
