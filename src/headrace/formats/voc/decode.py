"""Decodes the objects of VOC files into shapes: boxes, polygons and parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat
from operator import eq, or_, sub
from typing import Any

from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.geometry.box_table import BoxTable
from headrace.formats.voc.lines import line_of_object
from headrace.formats.voc.record import Corners, VocAnnotation, VocObject
from headrace.formats.voc.regex_parser import ParsedFile, RegexParser
from headrace.model.geometry import rings_bounds
from headrace.model.shapes import AnyShape, Attributes, Box, Polygon, Rectangle

# The smallest corner so far, and the first file with a corner at the right or bottom edge.
OriginSigns = tuple[float, str]

# A box this close to the bounds of its polygon only repeats them.
_SAME = 1e-6


class ObjectDecoder:
    """Decodes objects into shapes in pixels, and reports findings.

    Args:
        found: Receives findings.
        one_inclusive: Corners count pixels from 1 with the last one inside; otherwise they are coordinates from 0.
    """

    def __init__(self, found: Pass, *, one_inclusive: bool) -> None:
        self._found = found
        self._one = 1 if one_inclusive else 0
        self._least = 2.0
        self._reached = ""

    def table(
        self, files: Sequence[tuple[str, ParsedFile]], parser: RegexParser
    ) -> tuple[BoxTable, list[int]] | None:
        """Decode all objects of files without polygons into one table.

        Returns the table and the rows of empty boxes, which the caller reports with :meth:`empty`; or None where the
        files must be decoded one by one or by the XML parser.
        """
        objects = [*chain.from_iterable([file.objects for _, file in files])]
        if not objects:
            return BoxTable((), (), (), (), ()), []
        names, flags, texts = zip(*objects, strict=True)
        corners = parser.numbers(texts)
        if corners is None:
            return None
        x, y, right, bottom = corners
        w, h = list(map(sub, right, x)), list(map(sub, bottom, y))
        if shift := self._one:
            x, y = [value - shift for value in x], [value - shift for value in y]
            w, h = [value + shift for value in w], [value + shift for value in h]
        if min(w) < 0 or min(h) < 0 or b"" in names:
            return None
        self._watch_all(corners, files)
        empty = sorted({*_zeros(w), *_zeros(h)})
        decoded = {flag: parser.flagged(flag) for flag in {*flags}}
        attributes = list(map(decoded.__getitem__, flags)) if any(decoded.values()) else None
        return BoxTable(parser.named(names), x, y, w, h, attributes), empty

    def polygons_of(
        self, file: ParsedFile, parser: RegexParser, path: str
    ) -> list[AnyShape] | None:
        """Decode the objects of a file with polygons; None where the XML parser is needed."""
        # Nothing is reported before the whole file is known to be plain, since the XML parser would report it again.
        polygon_texts = [parser.rings(one) if one else [] for one in file.polygon_texts]
        names, flags, texts = zip(*file.objects, strict=True)
        corners = parser.numbers(texts)
        if None in polygon_texts or b"" in names or corners is None:
            return None
        self._watch(corners, file.width, file.height, path)
        shapes: list[AnyShape] = []
        for label, chunk, rings, *box in zip(
            parser.named(names), flags, polygon_texts, *corners, strict=True
        ):
            x, y, w, h = self._box((box[0], box[1], box[2], box[3]), path, len(shapes) + 1)
            meaning = parser.flagged(chunk)
            attributes = meaning.copy() if meaning else None
            if rings:
                bbox = _unless_bounds((x, y, w, h), rings)
                shapes.append(Polygon(label=label, attributes=attributes, rings=rings, bbox=bbox))
            else:
                shapes.append(Rectangle(label=label, attributes=attributes, x=x, y=y, w=w, h=h))
        return shapes

    def rectangle(
        self,
        label: str,
        attributes: Attributes | None,
        corners: Corners,
        path: str,
        number: int,
    ) -> Rectangle:
        """Return a rectangle from the corners of an object, or of a part of it; ``number`` is the object's, from 1."""
        x, y, w, h = self._box(corners, path, number)
        return Rectangle(label=label, attributes=attributes, x=x, y=y, w=w, h=h)

    def shapes(self, record: VocAnnotation, path: str) -> list[AnyShape]:
        """Decode all objects of a file, each followed by its parts."""
        shapes: list[AnyShape] = []
        for number, obj in enumerate(record.objects, 1):
            shape = self._shape(obj, path, number)
            if shape is None:
                code, message = _reason(obj)
                detail = obj.label or None
                self._report(code, message, path, number, Severity.ERROR, detail=detail, dropped=1)
                continue
            shapes.append(shape)
            if obj.parts:
                shape.id = number
                self._parts(obj, number, shapes, path)
        return shapes

    def watch(self, record: VocAnnotation, path: str) -> None:
        """Record signs that the corners of a file have another origin than configured."""
        columns = zip(*[obj.corners for obj in record.objects if obj.corners], strict=True)
        self._watch([*columns], record.width, record.height, path)

    def _watch_all(
        self, corners: Sequence[Sequence[float]], files: Sequence[tuple[str, ParsedFile]]
    ) -> None:
        if self._least >= 1:
            x, y, right, bottom = corners
            left, top = min(x), min(y)
            self._least = min(self._least, left, top)
            if not self._reached:
                self._reached = _first_at_edge(right, bottom, files)

    def _watch(
        self, corners: Sequence[Sequence[float]], width: int | None, height: int | None, path: str
    ) -> None:
        if self._least >= 1 and corners:
            x, y, right, bottom = corners
            self._least = min(self._least, *x, *y)
            if not self._reached and (width in right or height in bottom):
                self._reached = path

    @property
    def signs(self) -> OriginSigns:
        """The signs of another origin so far."""
        return self._least, self._reached

    def join(self, signs: OriginSigns) -> None:
        """Merge the signs of the files that follow."""
        self._least = min(self._least, signs[0])
        self._reached = self._reached or signs[1]

    def finish(self) -> None:
        """Add a finding if corners seem to have another origin than configured."""
        if self._one and self._least < 1:
            self._found.add(
                "V01",
                "a corner is 0, but voc_origin=one_inclusive counts pixels from 1",
                detail="use voc_origin=zero",
            )
        elif not self._one and self._reached and self._least == 1:
            self._found.add(
                "V01",
                "no corner is 0 and some are at the right or bottom edge: pixels may count from 1",
                severity=Severity.NOTE,
                path=self._reached,
                detail="use voc_origin=one_inclusive if they do",
            )

    def _shape(self, obj: VocObject, path: str, number: int) -> Rectangle | Polygon | None:
        if not obj.label:
            return None
        attributes = obj.attributes
        crowd = False
        if attributes and "iscrowd" in attributes:
            attributes = dict(attributes)
            crowd = str(attributes.pop("iscrowd")).lower() in ("1", "true")
        if obj.broken_rings:
            self._report(
                "V07", "an invalid polygon; left out", path, number, count=obj.broken_rings
            )
        shape: Rectangle | Polygon
        if obj.rings:
            if obj.broken:
                self._report(
                    "V02", "corners that are not numbers; the polygon is used", path, number
                )
            shape = Polygon(
                label=obj.label,
                attributes=attributes or None,
                rings=obj.rings,
                bbox=self._given(obj, path, number),
            )
        elif obj.corners is not None:
            shape = self.rectangle(obj.label, attributes or None, obj.corners, path, number)
        else:
            return None
        shape.iscrowd = crowd
        return shape

    def _given(self, obj: VocObject, path: str, number: int) -> Box | None:
        """Return the box of a polygon where it differs from the bounds of the polygon."""
        if obj.corners is None:
            return None
        return _unless_bounds(self._box(obj.corners, path, number), obj.rings)

    def _parts(self, obj: VocObject, number: int, shapes: list[AnyShape], path: str) -> None:
        for part in obj.parts:
            self._found.added += 1
            if part.corners is None or not part.label:
                self._report(
                    "V06", "a part without a name or a box; left out", path, number, dropped=1
                )
                continue
            shapes.append(
                self.rectangle(part.label, {"part_of": number}, part.corners, path, number)
            )

    def _box(self, corners: Corners, path: str, number: int) -> Box:
        x1, y1, x2, y2 = corners
        one = self._one
        w, h = x2 - x1 + one, y2 - y1 + one
        if w > 0 and h > 0:
            return x1 - one, y1 - one, w, h
        if w < 0 or h < 0:
            self._report("V12", "corners in the wrong order; swapped", path, number)
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
            w, h = x2 - x1 + one, y2 - y1 + one
        else:
            self.empty(path, number)
        return x1 - one, y1 - one, w, h

    def empty(self, path: str, number: int) -> None:
        """Add a finding for the empty box of an object; ``number`` is the object's in its file, from 1."""
        message = "a box without width or height; kept"
        self._report("V12", message, path, number, Severity.NOTE)

    def _report(
        self,
        code: str,
        message: str,
        path: str,
        number: int,
        severity: Severity = Severity.WARNING,
        **more: Any,
    ) -> None:
        """Add a finding about an object, with its line where that is shown."""
        line = None
        if self._found.wants_location(code, message, severity):
            line = line_of_object(path, number)
        self._found.add(code, message, severity=severity, path=path, line=line, **more)


def _first_at_edge(
    right: Sequence[float], bottom: Sequence[float], files: Sequence[tuple[str, ParsedFile]]
) -> str:
    """Return the first file with a corner at the right or bottom edge of its image, or an empty string."""
    widths = chain.from_iterable([repeat(file.width, len(file.objects)) for _, file in files])
    heights = chain.from_iterable([repeat(file.height, len(file.objects)) for _, file in files])
    at_edge = list(map(or_, map(eq, right, widths), map(eq, bottom, heights)))
    if True in at_edge:
        row = at_edge.index(True)
        for path, file in files:
            row -= len(file.objects)
            if row < 0:
                return path
    return ""


def _zeros(column: list[float]) -> Iterator[int]:
    """Yield the indices of zeros."""
    index = -1
    with suppress(ValueError):
        while True:
            index = column.index(0, index + 1)
            yield index


def _unless_bounds(box: Box, rings: Sequence[Sequence[float]]) -> Box | None:
    bounds = rings_bounds(rings)
    same = all(abs(a - b) <= _SAME for a, b in zip(box, bounds, strict=True))
    return None if same else box


def _reason(obj: VocObject) -> tuple[str, str]:
    if not obj.label:
        return "V13", "an object without a name"
    if obj.broken:
        return "V02", "corners that are not numbers"
    return "V16", "an object without a box or polygon"
