"""Writes LabelMe files: one beside where each image belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

from msgspec.json import Encoder
from msgspec.json import format as indented

from headrace.errors import FormatError
from headrace.formats import Severity, Writer
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.geometry.boxes import box_of
from headrace.formats.geometry.clip import clip_shape
from headrace.formats.io.file_tree import FileTree
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Classification, Line, Point, Polygon, Rectangle
from headrace_labelme import INFO
from headrace_labelme.records import LabelmeClassification

# The version of LabelMe whose files these are like; LabelMe reads those of other versions too.
_VERSION: Final = "5.4.1"
_NOTE = Severity.NOTE


class LabelmeWriter(Writer):
    """Writes one JSON file per image, as LabelMe does with "Save with image data" off.

    Two images whose names differ only in the suffix get ``STEM.json`` and ``STEM-2.json``. An image without annotation
    has no file.
    """

    info = INFO

    def _start(self, temp: Path) -> None:
        self._tree = FileTree(temp, self.file_sink)
        self._counter = LossCounter(self.found)
        self._losses = FieldLosses(self.info.says)
        self._encoder = Encoder()

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._counter)
        for sample in samples:
            self._write_one(sample)
        self._counter.flush()

    def _write_one(self, sample: Sample) -> None:
        if not sample.annotated and not sample.shapes:
            self._leave_out(sample, "LM06", "no file for an image without annotation", _NOTE)
            return
        try:
            folder, stem, suffix = self._tree.folder_stem_suffix(sample.filename)
        except FormatError as error:
            self._leave_out(sample, "S01", f"image left out: {error.message}", Severity.ERROR)
            return
        content = self._content(sample, f"{stem}{suffix}")
        self._tree.create(folder, stem, ".json", content)
        self._place(f"{folder}{stem}{suffix}")
        self.found.images_out += 1

    def _leave_out(self, sample: Sample, code: str, why: str, severity: Severity) -> None:
        self._counter.add(
            code,
            why,
            severity,
            sample.filename,
            dropped=self._left_out(sample.shapes),
            dropped_images=1,
        )
        self._place(None)

    def _content(self, sample: Sample, image: str) -> bytes:
        flags: dict[str, bool] = {}
        classifications: dict[str, LabelmeClassification] = {}
        shapes: list[dict[str, Any]] = []
        groups = _free_groups(sample.shapes)
        for shape in sample.shapes:
            if self.options.clip and sample.width and sample.height:
                clipped = clip_shape(shape, sample.width, sample.height)
                if clipped is None:
                    self._drop(sample, shape, "LM07", "shape outside of its image")
                    continue
                shape = clipped
            if isinstance(shape, Classification):
                if shape.label in flags:
                    self._drop(sample, shape, "LM08", "the same classification twice")
                    continue
                flags[shape.label] = True
                if shape.text or shape.attributes or shape.score is not None:
                    classifications[shape.label] = LabelmeClassification(
                        description=shape.text, attributes=shape.attributes, score=shape.score
                    )
                self.found.shapes_out += 1
                continue
            parts = _parts(shape)
            if parts is None:
                self._drop(sample, shape, "LOSS", f"not written: {_kind(shape)}")
                continue
            if not isinstance(shape, Rectangle | Polygon | Line | Point):
                message = f"{_kind(shape)} written as its box"
                self._counter.add("LOSS", message, Severity.LOSS, sample.filename)
            if not all(isfinite(number) for _, points in parts for number in points):
                self._drop(sample, shape, "LM09", "a coordinate is not finite")
                continue
            group = next(groups) if len(parts) > 1 else None
            shapes += [_record(shape, kind, points, group) for kind, points in parts]
            self.found.shapes_out += 1
        document: dict[str, Any] = {
            "version": _VERSION,
            "flags": flags,
            "shapes": shapes,
            "imagePath": image,
            "imageData": None,
            "imageHeight": sample.height,
            "imageWidth": sample.width,
        }
        if sample.attributes:
            document["attributes"] = sample.attributes
        if classifications:
            document["classifications"] = classifications
        return indented(self._encoder.encode(document), indent=2) + b"\n"

    def _drop(self, sample: Sample, shape: AnyShape, code: str, why: str) -> None:
        severity = Severity.LOSS if code == "LOSS" else Severity.WARNING
        dropped = self._left_out([shape])
        self._counter.add(code, why, severity, sample.filename, dropped=dropped)

    def _finish(self) -> None:
        self._tree.close()

    def _abandon(self) -> None:
        self._tree.close()


def _kind(shape: AnyShape) -> str:
    return type(shape).__name__.lower()


def _parts(shape: AnyShape) -> list[tuple[str, list[float]]] | None:
    """Return the type and the flat points of each of LabelMe's shapes that a shape becomes; None for none."""
    if isinstance(shape, Polygon):
        return [("polygon", ring) for ring in shape.rings]
    if isinstance(shape, Line):
        return [("line" if len(shape.points) == 4 else "linestrip", shape.points)]
    if isinstance(shape, Point):
        return [("point", [shape.x, shape.y])]
    box = box_of(shape)
    if box is None:
        return None
    x, y, w, h = box
    return [("rectangle", [x, y, x + w, y + h])]


def _record(shape: AnyShape, kind: str, points: list[float], group: int | None) -> dict[str, Any]:
    """Return one of LabelMe's shapes; true and false attributes are its flags."""
    attributes = dict(shape.attributes or {})
    if group is None and type(attributes.get("group_id")) is int:
        group = attributes.pop("group_id")
    flags = {
        name: attributes.pop(name) for name in list(attributes) if type(attributes[name]) is bool
    }
    record: dict[str, Any] = {
        "label": shape.label,
        "points": [points[at : at + 2] for at in range(0, len(points), 2)],
        "group_id": group,
        "description": shape.text or "",
        "shape_type": kind,
        "flags": flags,
    }
    if shape.score is not None:
        record["score"] = shape.score
    if attributes:
        record["attributes"] = attributes
    return record


def _free_groups(shapes: Sequence[AnyShape]) -> Iterator[int]:
    """Yield numbers of groups that no shape has."""
    taken = {(shape.attributes or {}).get("group_id") for shape in shapes}
    number = 0
    while True:
        if number not in taken:
            yield number
        number += 1
