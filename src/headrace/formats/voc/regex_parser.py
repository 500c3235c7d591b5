"""Parses VOC files as most tools write them with regular expressions that verify that they match every byte.

A file is a head, consecutive objects, and an end. The lengths of the matches add up to the length of the file, so
nothing is skipped. Any other file (entities, comments, other tags, other encodings) goes to the XML parser. This is
several times as fast as building a tree, and twice that where a file has the same template as an earlier one
(:mod:`headrace.formats.voc.file_template`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

import orjson
from msgspec import Struct

from headrace.formats.voc.file_template import PLAIN, FileTemplate, Head, Pieces
from headrace.formats.voc.record import USUAL, flags, pixels
from headrace.model.shapes import Attributes

# All repeats are possessive, so no file can cause backtracking.
_SPACE = rb"[ \t\r\n]*+"
_TEXT = rb"(" + PLAIN + rb")"
_NUMBER = rb"[ \t\r\n]*+[-+]?[0-9.]++(?:[eE][-+]?[0-9]++)?[ \t\r\n]*+"


def _tag(name: bytes, value: bytes = _TEXT) -> bytes:
    return b"<" + name + b">" + value + b"</" + name + b">" + _SPACE


def _maybe(name: bytes, value: bytes = _TEXT) -> bytes:
    return b"(?:" + _tag(name, value) + b"|<" + name + b" ?/>" + _SPACE + b")?"


_USUAL_SOURCE: Final = (b"Unknown", b"", b"", b"")
_FLAG_TAGS: Final = (b"pose", b"truncated", b"difficult", b"occluded")
_CORNER_TAGS: Final = (b"xmin", b"ymin", b"xmax", b"ymax")
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
# A group that is repeated possessively is atomic as well, for Python before 3.11.5; see ``io/json_scan.py``.
_POINTS = rb"(?><[xy][0-9]++>" + _NUMBER + rb"</[xy][0-9]++>" + _SPACE + rb")++"
_OBJECT = re.compile(
    rb"(<object>"
    + _SPACE
    + _tag(b"name")
    + rb"("
    + b"".join(_maybe(name, PLAIN) for name in _FLAG_TAGS)
    + rb")<bndbox>"
    + _SPACE
    + rb"("
    + b"".join(_tag(name, _NUMBER) for name in _CORNER_TAGS)
    + rb")</bndbox>"
    + _SPACE
    + rb"((?><polygon>"
    + _SPACE
    + _POINTS
    + rb"</polygon>"
    + _SPACE
    + rb")*+)</object>"
    + _SPACE
    + rb")"
)
_END = re.compile(rb"</annotation>" + _SPACE + rb"\Z")
_FLAGS = re.compile(b"".join(_maybe(name) for name in _FLAG_TAGS))
_CORNERS = re.compile(
    b"".join(_tag(name, _SPACE + rb"([^ \t\r\n<]*+)" + _SPACE) for name in _CORNER_TAGS)
)
_POINT = re.compile(rb"<([xy][0-9]++)>([^<]*+)</([^>]*+)>")
# Two characters that XML forbids; other forbidden ones are ASCII.
_FORBIDDEN: Final = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_LETTERS_OF_TAGS: Final = b"<>xyminax \t\r\n"
_TO_COMMAS: Final = bytes.maketrans(b"/", b",")
_REMEMBERED: Final = 10_000

# Maximum number of templates per dataset; each tool that wrote to it has its own.
_MAX_TEMPLATES: Final = 4


class ParsedFile(Struct, gc=False):
    """A parsed file; ``polygon_texts`` are the polygons of each object, empty if none has any."""

    filename: str
    width: int | None
    height: int | None
    extra: dict[str, Any]
    objects: Sequence[Pieces]
    polygon_texts: Sequence[bytes] = ()


class RegexParser:
    """Parses plain files and caches decoded names and flags, since few distinct ones repeat."""

    def __init__(self) -> None:
        self.labels: dict[bytes, str] = {}
        self._meanings: dict[bytes, Attributes | None] = {}
        self._sizes: dict[bytes, int | None] = {}
        self._tags: dict[int, list[bytes]] = {}
        self._templates: list[FileTemplate] = []

    def parse(self, content: bytes) -> ParsedFile | None:
        """Parse a file; None where the XML parser is needed."""
        if not content.isascii() and not _is_clean(content):
            return None
        spelled = self._by_template([content])
        return self._searched(content) if spelled is None else spelled[0]

    def parse_all(self, contents: Sequence[bytes]) -> Sequence[ParsedFile | None]:
        """Parse each file as :meth:`parse` does."""
        clean = all(content.isascii() or _is_clean(content) for content in contents)
        files = self._by_template(contents) if clean else None
        return [self.parse(content) for content in contents] if files is None else files

    def _by_template(self, contents: Sequence[bytes]) -> list[ParsedFile] | None:
        for template in self._templates:
            values = template.read(contents)
            if values is not None:
                return self._files(*values)
        return None

    def _searched(self, content: bytes) -> ParsedFile | None:
        head = _HEAD.match(content)
        if head is None:
            return None
        start, end = head.end(), content.rfind(b"</annotation>")
        if end < start or _END.match(content, end) is None:
            return None
        found: list[tuple[bytes, bytes, bytes, bytes, bytes]] = _OBJECT.findall(content, start, end)
        if sum([len(one[0]) for one in found]) != end - start:
            return None
        self._learn(head, _OBJECT.match(content, start))
        objects = [(one[1], one[2], one[3]) for one in found]
        polygon_texts = [one[4] for one in found]
        (file,) = self._files([head.groups(b"")], [objects])
        file.polygon_texts = polygon_texts if any(polygon_texts) else ()
        return file

    def _learn(self, head: re.Match[bytes], one: re.Match[bytes] | None) -> None:
        """Add a template for files like this one, if its first object is a plain box."""
        if one is None or one[5] or len(self._templates) >= _MAX_TEMPLATES:
            return
        flags, corners = _FLAGS.fullmatch(one[3]), _CORNERS.fullmatch(one[4])
        if flags is not None and corners is not None:
            self._templates.append(FileTemplate(head, one, flags, corners))

    def _files(self, heads: Sequence[Head], found: Sequence[list[Pieces]]) -> list[ParsedFile]:
        folder, filename, path, *source, width, height, depth, segmented = zip(*heads, strict=True)
        beside = zip(folder, path, zip(*source, strict=True), depth, segmented, strict=True)
        return [
            ParsedFile(name.decode(), self._pixels(w), self._pixels(h), _extra(*others), objects)
            for name, w, h, others, objects in zip(
                filename, width, height, beside, found, strict=True
            )
        ]

    def numbers(self, corners: Sequence[bytes]) -> list[list[float]] | None:
        """Return the columns xmin, ymin, xmax and ymax; None where one is not a finite number, such as 1.2.3."""
        # The letters of the tags do not occur in numbers, and each number is followed by one slash.
        texts = b"".join(corners).translate(_TO_COMMAS, _LETTERS_OF_TAGS)[:-1]
        try:
            numbers: list[float] = orjson.loads(b"[%b]" % texts)
        except orjson.JSONDecodeError:
            try:
                numbers = list(map(float, texts.split(b",")))  # +1, .5 and 007 are numbers too
            except ValueError:
                return None
        return [numbers[start::4] for start in range(4)] if isfinite(sum(numbers)) else None

    def named(self, names: Sequence[bytes]) -> list[str]:
        """Decode names and cache them in order of occurrence."""
        try:
            return list(map(self.labels.__getitem__, names))
        except KeyError:
            for name in names:
                if name not in self.labels:
                    self.labels[name] = name.decode()
            return list(map(self.labels.__getitem__, names))

    def flagged(self, chunk: bytes) -> Attributes | None:
        """Decode the flags of an object. Equal flags share one mapping, so copy it before changes."""
        if chunk not in self._meanings:
            match = _FLAGS.fullmatch(chunk)
            words = [] if match is None else [word.decode() for word in match.groups(b"")]
            if len(self._meanings) >= _REMEMBERED:
                self._meanings.clear()
            self._meanings[chunk] = (flags(*words) or None) if words else None
        return self._meanings[chunk]

    def rings(self, chunk: bytes) -> list[list[float]] | None:
        """Decode polygons written as ``x1 y1 x2 y2 …`` in order; None for any other notation."""
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


def _extra(
    folder: bytes, path: bytes, source: Sequence[bytes], depth: bytes, segmented: bytes
) -> dict[str, Any]:
    """Return the file-level tags that the model does not define, without the usual values."""
    extra: dict[str, Any] = {}
    if folder and (value := folder.decode().strip()):
        extra["folder"] = value
    if path and (value := path.decode().strip()):
        extra["path"] = value
    if segmented != b"0" and (value := segmented.decode().strip()) not in ("", "0"):
        extra["segmented"] = value
    if depth != b"3" and (value := depth.decode().strip()) not in ("", "3"):
        extra["depth"] = value
    if source != _USUAL_SOURCE:
        tags = {
            key: value
            for key, text in zip(_SOURCE, source, strict=True)
            if (value := text.decode().strip())
        }
        if tags and tags != USUAL["source"]:
            extra["source"] = tags
    return extra
