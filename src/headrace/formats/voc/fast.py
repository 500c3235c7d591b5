"""Files as nearly all tools write them, read by patterns that prove that they saw every byte.

The head, then nothing but objects one behind the other, then the end: the lengths of the pieces add up to the length
of the file, so nothing was passed over. Whatever does not fit exactly (entities, comments, other tags, another
encoding) goes to the real parser. This is several times as fast as building a tree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

import orjson

from headrace.formats.voc.record import flags, pixels
from headrace.model.shapes import Attributes

# All repeats are possessive: what they took they never give back, so no file can make them try again.
_SPACE = rb"[ \t\r\n]*+"
# No markup, no entity, no control character, and no line end that XML would change.
_PLAIN = rb"[^<&\x00-\x1f\x7f]*+"
_TEXT = rb"(" + _PLAIN + rb")"
_NUMBER = rb"[ \t\r\n]*+[-+]?[0-9.]++(?:[eE][-+]?[0-9]++)?[ \t\r\n]*+"


def _tag(name: bytes, value: bytes = _TEXT) -> bytes:
    return b"<" + name + b">" + value + b"</" + name + b">" + _SPACE


def _maybe(name: bytes, value: bytes = _TEXT) -> bytes:
    return b"(?:" + _tag(name, value) + b"|<" + name + b" ?/>" + _SPACE + b")?"


_SOURCE: Final = ("database", "annotation", "image", "flickrid")
_HEAD = re.compile(
    rb"(?:<\?xml version=[\"']1\.0[\"'](?: encoding=[\"'](?:utf-8|UTF-8|us-ascii)[\"'])? ?\?>"
    + _SPACE
    + rb")?<annotation(?: verified=[\"'][a-z]*+[\"'])?>"
    + _SPACE
    + _maybe(b"folder")
    + _tag(b"filename")
    + _maybe(b"path")
    + rb"(?:<source>"
    + _SPACE
    + _tag(b"database")
    + b"".join(_maybe(name.encode()) for name in _SOURCE[1:])
    + rb"</source>"
    + _SPACE
    + rb")?<size>"
    + _SPACE
    + _tag(b"width")
    + _tag(b"height")
    + _maybe(b"depth")
    + rb"</size>"
    + _SPACE
    + _maybe(b"segmented")
)
_POINTS = rb"(?:<[xy][0-9]++>" + _NUMBER + rb"</[xy][0-9]++>" + _SPACE + rb")++"
_OBJECT = re.compile(
    rb"(<object>"
    + _SPACE
    + _tag(b"name")
    + rb"("
    + b"".join(_maybe(name, _PLAIN) for name in (b"pose", b"truncated", b"difficult", b"occluded"))
    + rb")<bndbox>"
    + _SPACE
    + rb"("
    + b"".join(_tag(name, _NUMBER) for name in (b"xmin", b"ymin", b"xmax", b"ymax"))
    + rb")</bndbox>"
    + _SPACE
    + rb"((?:<polygon>"
    + _SPACE
    + _POINTS
    + rb"</polygon>"
    + _SPACE
    + rb")*+)</object>"
    + _SPACE
    + rb")"
)
_END = re.compile(rb"</annotation>" + _SPACE + rb"\Z")
_FLAGS = re.compile(
    b"".join(_maybe(name) for name in (b"pose", b"truncated", b"difficult", b"occluded"))
)
_POINT = re.compile(rb"<([xy][0-9]++)>([^<]*+)</([^>]*+)>")
# Two characters that no XML may hold, where the bytes are not plain ASCII.
_FORBIDDEN: Final = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_LETTERS_OF_TAGS: Final = b"/xyminax"
_TO_BLANKS: Final = bytes.maketrans(b"<>", b"  ")
_REMEMBERED: Final = 10_000

#: An object: all of it, name, flags, corners, polygons, each as it stands in the file.
Found = tuple[bytes, bytes, bytes, bytes, bytes]


class FastFile:
    """What the patterns found: ``found`` are the objects, ``numbers`` their corners, four each."""

    __slots__ = ("filename", "found", "height", "numbers", "own", "width")

    def __init__(
        self,
        filename: str,
        width: int | None,
        height: int | None,
        own: dict[str, Any],
        found: Sequence[Found],
        numbers: Sequence[float],
    ) -> None:
        self.filename = filename
        self.width = width
        self.height = height
        self.own = own
        self.found = found
        self.numbers = numbers


class FastParser:
    """Reads plain files; keeps what names and flags mean, since few of them come again and again."""

    def __init__(self) -> None:
        self.labels: dict[bytes, str] = {}
        self.meanings: dict[bytes, Attributes | None] = {}
        self._sizes: dict[bytes, int | None] = {}
        self._tags: dict[int, list[bytes]] = {}

    def parse(self, content: bytes) -> FastFile | None:
        """What the file says; None where only the real parser can tell."""
        if not content.isascii() and not _is_clean(content):
            return None
        head = _HEAD.match(content)
        if head is None:
            return None
        start, end = head.end(), content.rfind(b"</annotation>")
        if end < start or _END.match(content, end) is None:
            return None
        found: list[Found] = _OBJECT.findall(content, start, end)
        if sum([len(one[0]) for one in found]) != end - start:
            return None
        try:
            numbers = _floats(b" ".join([one[3] for one in found]))
        except ValueError:
            return None  # 1.2.3 is no number; the real parser will say where
        folder, filename, path, *source, width, height, depth, segmented = head.groups(b"")
        return FastFile(
            filename.decode(),
            self._pixels(width),
            self._pixels(height),
            _own(folder, path, source, depth, segmented),
            found,
            numbers,
        )

    def label(self, name: bytes) -> str:
        """The text of a name."""
        label = self.labels[name] = name.decode()
        return label

    def meaning(self, chunk: bytes) -> Attributes | None:
        """What an object's flags mean; the same mapping for all that say the same, so copy it."""
        match = _FLAGS.fullmatch(chunk)
        words = [] if match is None else [word.decode() for word in match.groups(b"")]
        if len(self.meanings) >= _REMEMBERED:
            self.meanings.clear()
        meaning = self.meanings[chunk] = (flags(*words) or None) if words else None
        return meaning

    def rings(self, chunk: bytes) -> list[list[float]] | None:
        """The rings of polygons spelled ``x1 y1 x2 y2 …`` in this order; None where they are spelled otherwise."""
        rings = []
        for part in chunk.split(b"</polygon>")[:-1]:
            points = _POINT.findall(part)
            tags = [point[0] for point in points]
            if tags != self._order(len(points)) or tags != [point[2] for point in points]:
                return None
            try:
                ring = [float(point[1]) for point in points]
            except ValueError:
                return None
            if len(ring) < 6 or not isfinite(sum(ring)):
                return None
            rings.append(ring)
        return rings

    def _pixels(self, text: bytes) -> int | None:
        if text not in self._sizes:
            if len(self._sizes) >= _REMEMBERED:
                self._sizes.clear()
            self._sizes[text] = pixels(text.decode())
        return self._sizes[text]

    def _order(self, count: int) -> list[bytes]:
        if count not in self._tags:
            if len(self._tags) >= 1000:
                self._tags.clear()
            self._tags[count] = [
                tag for i in range(1, count // 2 + 1) for tag in (b"x%d" % i, b"y%d" % i)
            ]
        return self._tags[count]


def _is_clean(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return not any(each in content for each in _FORBIDDEN)


def _floats(corners: bytes) -> list[float]:
    """The numbers between the tags of boxes: no letter of theirs is part of a number."""
    texts = corners.translate(_TO_BLANKS, _LETTERS_OF_TAGS).split()
    try:
        numbers: list[float] = orjson.loads(b"[%b]" % b",".join(texts))
    except orjson.JSONDecodeError:
        numbers = list(map(float, texts))  # +1, .5 and 007 are numbers too
    if not isfinite(sum(numbers)):
        raise ValueError
    return numbers


def _own(
    folder: bytes, path: bytes, source: Sequence[bytes], depth: bytes, segmented: bytes
) -> dict[str, Any]:
    """What the file says of itself and the model does not know; what every file says is left out."""
    own: dict[str, Any] = {}
    if folder:
        own["folder"] = folder.decode()
    if path:
        own["path"] = path.decode()
    if segmented and segmented != b"0":
        own["segmented"] = segmented.decode()
    if depth and depth != b"3":
        own["depth"] = depth.decode()
    if source != [b"Unknown", b"", b"", b""]:
        said = {key: text.decode() for key, text in zip(_SOURCE, source, strict=True) if text}
        if said:
            own["source"] = said
    return own
