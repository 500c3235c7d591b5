"""Reads folders of LabelMe files, one sample a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from math import cos, dist, isfinite, pi, sin
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.errors import ParseError
from headrace.formats import ChunkedReader, Findings, Pass, ReadOptions, Severity
from headrace.formats.io.image_folder import clean_path
from headrace.formats.io.image_size import read_size
from headrace.formats.io.walk import FolderWalk
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Classification, Line, Point, Polygon, Rectangle
from headrace_labelme import INFO
from headrace_labelme.records import (
    LabelmeClassification,
    LabelmeFile,
    LabelmeShape,
    read_file,
    read_image_path,
)

_CORNERS: Final = 64
# The fewest points of each type; a rectangle has two corners, or four where another tool wrote it.
_LEAST: Final = {
    "polygon": 3,
    "oriented_rectangle": 4,
    "rectangle": 2,
    "circle": 2,
    "line": 2,
    "linestrip": 2,
    "point": 1,
    "points": 1,
    "mask": 2,
}


class JsonFile(NamedTuple):
    """A file of the source: its path below the root, with ``/`` between folders."""

    relative: str


class LabelmeReader(ChunkedReader):
    """Reads a folder of LabelMe files, or one of them.

    A sample is named by the path of its image below the folder. Files whose image lies outside of the folder are named by
    the base name.
    """

    info = INFO
    labels_first = False

    def __init__(self, path: Path, *, options: ReadOptions, findings: Findings) -> None:
        super().__init__(path, options=options, findings=findings)
        self._root = path if path.is_dir() else path.parent
        self._used: dict[str, None] = {}

    # --- labels and names ------------------------------------------------------------------------------------

    def _labels(self, found: Pass) -> list[LabelInfo]:
        if not self._used:
            quiet = Findings("skip").begin("labels")
            for chunk in self.chunks(quiet):
                self.parse(chunk, quiet)
        return [LabelInfo(name=name) for name in self._used]

    def _filenames(self) -> Iterator[list[str]]:
        for chunk in self.chunks(Findings("skip").begin("names")):
            yield [
                self._place(file, path)[0]
                for file in chunk
                if (path := read_image_path(self._root / file.relative)) is not None
            ]

    def take_learned(self) -> list[str]:
        """Return and forget the labels of the chunks that were parsed."""
        learned, self._used = list(self._used), {}
        return learned

    def merge_learned(self, learned: list[str]) -> None:
        """Add the labels that another process found."""
        self._used.update(dict.fromkeys(learned))

    # --- files -----------------------------------------------------------------------------------------------

    def chunks(self, found: Pass) -> Iterator[list[JsonFile]]:
        """Yield the JSON files in the order of their names."""
        files = self._files(found)
        while chunk := list(islice(files, self.options.batch)):
            yield chunk

    def _files(self, found: Pass) -> Iterator[JsonFile]:
        if self.path.is_file():
            yield JsonFile(self.path.name)
            return
        walk = FolderWalk(
            self._root, frozenset({"json"}), boundary=self._root, refused=_refuse(found)
        )
        for folder, names in walk.folders():
            for name in names:
                yield JsonFile(folder.relative + name)

    def parse(self, chunk: list[JsonFile], found: Pass) -> list[Sample]:
        """Return the samples of some files."""
        samples = [self._sample(file, found) for file in chunk]
        return [each for each in samples if each is not None]

    def _sample(self, file: JsonFile, found: Pass) -> Sample | None:
        path = self._root / file.relative
        try:
            record = read_file(path)
        except ParseError as error:
            found.images_in += 1
            found.add(
                "LM05",
                "a file cannot be read",
                severity=Severity.ERROR,
                path=path,
                offset=error.offset,
                detail=error.message,
                dropped_images=1,
            )
            return None
        if record.shapes is None or record.image_path is None:
            message = "JSON file that is no LabelMe file, skipped"
            found.add("LM01", message, severity=Severity.NOTE, path=path)
            return None
        found.images_in += 1
        filename, image = self._place(file, record.image_path)
        width, height = self._size(record, filename, image)
        shapes = self._shapes(record, path, found)
        self._used.update(dict.fromkeys([shape.label for shape in shapes]))
        return Sample(
            filename=filename,
            width=width,
            height=height,
            shapes=shapes,
            attributes=record.attributes or None,
            path=image,
        )

    def _place(self, file: JsonFile, image_path: str) -> tuple[str, str | None]:
        """Return the name of an image, and its path below the root where it lies there."""
        written = image_path.replace("\\", "/")
        folder = file.relative.rpartition("/")[0]
        path = clean_path(f"{folder}/{written}" if folder else written)
        if path is None or written[1:3] == ":/":
            return written.rpartition("/")[2] or written, None
        return path, path if os.path.isfile(self._root / path) else None

    def _size(
        self, record: LabelmeFile, filename: str, image: str | None
    ) -> tuple[int | None, int | None]:
        if record.image_width and record.image_height:
            return record.image_width, record.image_height
        places = [self._root / image] if image else []
        if self.options.images is not None:
            places += [
                self.options.images / filename,
                self.options.images / filename.rpartition("/")[2],
            ]
        for place in places:
            if place.is_file() and (size := read_size(place)) is not None:
                return size.width, size.height
        return None, None

    # --- shapes ----------------------------------------------------------------------------------------------

    def _shapes(self, record: LabelmeFile, path: Path, found: Pass) -> list[AnyShape]:
        assert record.shapes is not None
        flags = [name for name, is_true in (record.flags or {}).items() if is_true]
        found.shapes_in += len(flags) + len(record.shapes)
        shapes: list[AnyShape] = []
        joined: dict[tuple[str, int], Polygon] = {}
        for number, each in enumerate(record.shapes):
            try:
                made = _shape_of(each)
            except ValueError as error:
                found.add(
                    "LM04",
                    "a shape cannot be read",
                    severity=Severity.ERROR,
                    path=path,
                    detail=f"{error} - at `$.shapes[{number}]`",
                    dropped=1,
                )
                continue
            if each.shape_type in _APPROXIMATED:
                code, message = _APPROXIMATED[each.shape_type]
                found.add(code, message, severity=Severity.LOSS, path=path, detail=each.label)
            first = made[0]
            if each.group_id is not None and isinstance(first, Polygon):
                other = joined.setdefault((each.label, each.group_id), first)
                if other is not first:
                    other.rings += first.rings
                    _forget_group(other)
                    found.merged += 1
                    continue
            found.added += len(made) - 1
            shapes += made
        return shapes + [_classification(name, record) for name in flags]


_APPROXIMATED: Final[dict[str | None, tuple[str, str]]] = {
    "circle": ("LM02", "circle read as a polygon"),
    "mask": ("LM03", "mask read as its box"),
}


def _refuse(found: Pass) -> Any:
    def refuse(path: str) -> None:
        found.add("S02", "link to a folder not followed", severity=Severity.NOTE, path=path)

    return refuse


def _forget_group(polygon: Polygon) -> None:
    """Drop the number of the group that joined the rings of a polygon: it says no more."""
    rest = {k: v for k, v in (polygon.attributes or {}).items() if k != "group_id"}
    polygon.attributes = rest or None


def _classification(name: str, record: LabelmeFile) -> AnyShape:
    """Return what a flag of an image becomes, with what headrace's writer has added to it."""
    more = (record.classifications or {}).get(name) or LabelmeClassification()
    return Classification(
        label=name, text=more.description, attributes=more.attributes, score=more.score
    )


def _shape_of(shape: LabelmeShape) -> list[AnyShape]:
    """Return what a shape becomes; raises ValueError with the reason why it cannot be read."""
    kind, points = shape.shape_type or "polygon", shape.points
    if kind not in _LEAST:
        raise ValueError(f"unknown shape_type {kind!r}")
    if len(points) < _LEAST[kind]:
        raise ValueError(f"{kind} with {len(points)} of at least {_LEAST[kind]} points")
    if not all(isfinite(x) and isfinite(y) for x, y in points):
        raise ValueError("a coordinate is not finite")
    common = _common(shape)
    flat = [number for point in points for number in point]
    if kind in ("line", "linestrip"):
        return [Line(points=flat, **common)]
    if kind in ("point", "points"):
        return [Point(x=x, y=y, **common) for x, y in points]
    if kind == "circle":
        return [Polygon(rings=[_circle(points[0], points[1])], **common)]
    if kind in ("rectangle", "mask") and _is_upright(points):
        left, right = min(flat[::2]), max(flat[::2])
        top, bottom = min(flat[1::2]), max(flat[1::2])
        return [Rectangle(x=left, y=top, w=right - left, h=bottom - top, **common)]
    return [Polygon(rings=[flat], **common)]


def _is_upright(points: list[tuple[float, float]]) -> bool:
    """Return whether points are two corners of a rectangle, or all four of an upright one."""
    return len(points) == 2 or (len({x for x, _ in points}), len({y for _, y in points})) == (2, 2)


def _circle(centre: tuple[float, float], edge: tuple[float, float]) -> list[float]:
    radius = dist(centre, edge)
    turns = [2 * pi * number / _CORNERS for number in range(_CORNERS)]
    corners = [(centre[0] + radius * cos(turn), centre[1] + radius * sin(turn)) for turn in turns]
    return [round(number, 3) for corner in corners for number in corner]


def _common(shape: LabelmeShape) -> dict[str, Any]:
    attributes: dict[str, Any] = {**(shape.attributes or {}), **(shape.flags or {})}
    if shape.group_id is not None:
        attributes["group_id"] = shape.group_id
    return {
        "label": shape.label,
        "text": shape.description or None,
        "attributes": attributes or None,
        "score": shape.score,
    }
