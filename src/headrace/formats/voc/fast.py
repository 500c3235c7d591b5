"""Files as nearly all tools write them, read by patterns that prove that they saw every byte.

The head, then nothing but objects one behind the other, then the end: the lengths of the pieces add up to the length
of the file, so nothing was passed over. Whatever does not fit exactly (entities, comments, other tags, another
encoding) goes to the real parser. This is more than twice as fast as building a tree.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

from headrace.formats.voc.record import Corners, flags, pixels
from headrace.model.shapes import Attributes

_SPACE = r"[ \t\r\n]*"
# No markup, no entity, no control character, and no line end that XML would change.
_TEXT = r"([^<&\x00-\x1f\x7f-\x9f\ufffe\uffff]*)"
_VALUE = rf"{_SPACE}([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?){_SPACE}"


def _tag(name: str, value: str = _TEXT) -> str:
    return rf"<{name}>{value}</{name}>{_SPACE}"


def _maybe(name: str) -> str:
    return rf"(?:<{name}>{_TEXT}</{name}>{_SPACE}|<{name}[ ]?/>{_SPACE})?"


_HEAD = re.compile(
    rf"(?:<\?xml version=[\"']1\.0[\"'](?: encoding=[\"'](?:utf-8|UTF-8|us-ascii)[\"'])?[ ]?\?>{_SPACE})?"
    rf"<annotation(?: verified=[\"'][a-z]*[\"'])?>{_SPACE}"
    rf"{_maybe('folder')}{_tag('filename')}{_maybe('path')}"
    rf"(?:<source>{_SPACE}{_tag('database')}{_maybe('annotation')}{_maybe('image')}{_maybe('flickrid')}"
    rf"</source>{_SPACE})?"
    rf"<size>{_SPACE}{_tag('width')}{_tag('height')}{_maybe('depth')}</size>{_SPACE}"
    rf"{_maybe('segmented')}"
)
_OBJECT = re.compile(
    rf"(<object>{_SPACE}{_tag('name')}{_maybe('pose')}{_maybe('truncated')}{_maybe('difficult')}"
    rf"{_maybe('occluded')}<bndbox>{_SPACE}"
    rf"{_tag('xmin', _VALUE)}{_tag('ymin', _VALUE)}{_tag('xmax', _VALUE)}{_tag('ymax', _VALUE)}"
    rf"</bndbox>{_SPACE}</object>{_SPACE})"
)
_END = re.compile(rf"</annotation>{_SPACE}\Z")
_SOURCE: Final = ("database", "annotation", "image", "flickrid")

Simple = tuple[str, Attributes, Corners]


class FastFile:
    """What the patterns found; ``things`` are label, attributes and corners."""

    __slots__ = ("filename", "height", "own", "things", "width")

    def __init__(
        self,
        filename: str,
        width: int | None,
        height: int | None,
        own: dict[str, Any],
        things: list[Simple],
    ) -> None:
        self.filename = filename
        self.width = width
        self.height = height
        self.own = own
        self.things = things


class FastParser:
    """Reads plain files; keeps what the tags of objects mean, since few combinations come again and again."""

    def __init__(self) -> None:
        self._flags: dict[tuple[str, str, str, str], Attributes] = {}

    def parse(self, content: bytes) -> FastFile | None:
        """What the file says; None where only the real parser can tell."""
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return None
        head = _HEAD.match(text)
        if head is None:
            return None
        start = head.end()
        end = text.rfind("</annotation>")
        if end < start or _END.match(text, end) is None:
            return None
        found = _OBJECT.findall(text, start, end)
        if sum([len(one[0]) for one in found]) != end - start:
            return None
        try:
            things = [self._thing(one) for one in found]
        except ValueError:
            return None  # 1.2.3 is no number; the real parser will say where
        folder, filename, path, *source, width, height, depth, segmented = head.groups()
        own = {
            key: value
            for key, value in (("folder", folder), ("path", path), ("segmented", segmented))
            if value
        }
        if depth and depth != "3":
            own["depth"] = depth
        said = {key: value for key, value in zip(_SOURCE, source, strict=True) if value}
        if said:
            own["source"] = said
        return FastFile(filename, pixels(width), pixels(height), own, things)

    def _thing(self, one: tuple[str, ...]) -> Simple:
        _, label, pose, truncated, difficult, occluded, x1, y1, x2, y2 = one
        key = pose, truncated, difficult, occluded
        said = self._flags.get(key)
        if said is None:
            if len(self._flags) > 10_000:
                self._flags.clear()
            said = self._flags[key] = flags(*key)
        corners = float(x1), float(y1), float(x2), float(y2)
        if not isfinite(sum(corners)):
            raise ValueError
        return label, said, corners
