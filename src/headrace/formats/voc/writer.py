"""Writes a devkit without its images: ``Annotations/…/STEM.xml`` and ``ImageSets/Main/SPLIT.txt``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Final

from headrace.errors import FormatError
from headrace.formats.base import Writer
from headrace.formats.boxes import box_of
from headrace.formats.filetree import FileTree
from headrace.formats.findings import Severity
from headrace.formats.lost import FieldLosses, Tally
from headrace.formats.voc import INFO
from headrace.formats.voc import text as xml
from headrace.formats.voc.record import FLAGS
from headrace.model.geometry import clip_xywh
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Attributes, Box, Polygon, Rectangle

_OWN_TAGS: Final = frozenset({"pose", *FLAGS, "part_of"})
_NONE: Final[Attributes] = {}


class VocWriter(Writer):
    """Writes one XML file an image, with every tag that readers are used to find.

    Corners count as ``options.voc_origin`` says. Images whose names differ only in the suffix get ``STEM-2.xml``;
    ``<filename>`` tells whose it is.
    """

    info = INFO

    def _start(self, temp: Path) -> None:
        self._tree = FileTree(temp)
        (temp / "Annotations").mkdir()
        self._tally = Tally(self.found)
        self._losses = FieldLosses(self.info.says)
        self._one = 1 if self.options.voc_origin == "one_inclusive" else 0
        self._starts: dict[str, str] = {}
        self._splits: dict[str, list[str]] = {}

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._tally)
        for sample in samples:
            self._write_one(sample)
        self._tally.flush()
        for split, stems in self._splits.items():
            if stems:
                self._tree.append(
                    f"ImageSets/Main/{split}.txt", "".join(stems).encode("utf-8", "replace")
                )
                stems.clear()

    def _write_one(self, sample: Sample) -> None:
        try:
            folder, stem = self._tree.place(sample.filename)
            split = self._split(sample.split)
        except FormatError as error:
            self._leave_out(sample, "S01", f"image left out: {error.message}", Severity.ERROR)
            return
        if not sample.annotated:
            self._note("V03", "an image nobody annotated is written as one without objects", sample)
        if not sample.shapes and self.options.background == "none":
            self._leave_out(sample, "V03", "no file for an image without objects", Severity.NOTE)
            return
        if not (sample.width and sample.height):
            self._note("V05", "size written as 0: it is not known", sample, Severity.WARNING)
        content = self._text(sample)
        self.found.images_out += 1
        used = self._tree.create(f"Annotations/{folder}", stem, ".xml", content)
        split.append(f"{folder}{used}\n")

    def _text(self, sample: Sample) -> bytes:
        own = (sample.extra or _NONE).get("voc")
        pieces = [
            xml.head(
                sample.filename,
                sample.width or 0,
                sample.height or 0,
                own if isinstance(own, Mapping) else _NONE,
            )
        ]
        parts = _Parts(sample.shapes)
        for shape in sample.shapes:
            if id(shape) not in parts.inside:
                self._object(shape, sample, pieces, parts.nested.get(id(shape), ()))
        if sample.attributes:
            pieces.append(xml.attribute_block(sample.attributes).replace("\t\t", "\t", 1))
        pieces.append(xml.END)
        return "".join(pieces).encode()

    def _object(
        self,
        shape: AnyShape,
        sample: Sample,
        pieces: list[str],
        parts: Sequence[Rectangle],
    ) -> None:
        corners = self._corners(shape, sample)
        if corners is None:
            if parts:
                self._note(
                    "V06", "parts are left out with their object", sample, dropped=len(parts)
                )
            return
        self.found.shapes_out += 1
        if shape.attributes:
            pieces.append(xml.object_start(shape.label, shape.attributes))
        else:
            pieces.append(self._starts.get(shape.label) or self._begin(shape.label))
        pieces.append(xml.bndbox(corners))
        if isinstance(shape, Polygon):
            pieces += map(xml.polygon, shape.rings)
        for part in parts:
            inside = self._corners(part, sample)
            if inside is not None:
                self.found.shapes_out += 1
                pieces.append(xml.part(part.label, inside))
        if shape.attributes or shape.iscrowd:
            rest = {k: v for k, v in (shape.attributes or _NONE).items() if k not in _OWN_TAGS}
            if shape.iscrowd:
                rest["iscrowd"] = 1
            pieces.append(xml.attribute_block(rest))
        pieces.append(xml.OBJECT_END)

    def _begin(self, label: str) -> str:
        start = self._starts[label] = xml.object_start(label, None)
        if xml.FORBIDDEN.search(label):
            self.found.add(
                "V13", "characters that XML cannot hold become U+FFFD", severity=Severity.WARNING
            )
        return start

    def _corners(self, shape: AnyShape, sample: Sample) -> Box | None:
        """The corners to write; None, counted, where the shape has no box."""
        box = box_of(shape)
        kind = type(shape).__name__.lower()
        if box is None:
            self._note("LOSS", f"a {kind} is left out: it has no box", sample, dropped=1)
            return None
        if not isinstance(shape, Rectangle | Polygon):
            self._note("LOSS", f"a {kind} becomes its box", sample)
        x, y, w, h = box
        if not isfinite(x + y + w + h) and not all(map(isfinite, box)):
            self._note("V02", "left out: not a finite number", sample, Severity.WARNING, dropped=1)
            return None
        if self.options.clip and sample.width and sample.height:
            x, y, w, h = clip_xywh(x, y, w, h, sample.width, sample.height)
        return x + self._one, y + self._one, x + w, y + h

    def _split(self, name: str | None) -> list[str]:
        name = self.options.split if name is None else name
        stems = self._splits.get(name)
        if stems is None:
            self._tree.place(f"{name}.txt")
            stems = self._splits[name] = []
        return stems

    def _note(
        self,
        code: str,
        message: str,
        sample: Sample,
        severity: Severity = Severity.LOSS,
        *,
        dropped: int = 0,
    ) -> None:
        self._tally.add(code, message, severity, sample.filename, dropped=dropped)

    def _leave_out(self, sample: Sample, code: str, why: str, severity: Severity) -> None:
        self._tally.add(
            code, why, severity, sample.filename, dropped=len(sample.shapes), dropped_images=1
        )

    def _finish(self) -> None:
        """Every file is complete already."""


class _Parts:
    """Which shapes are parts of which: those whose attribute ``part_of`` is another one's id (as our reader says)."""

    def __init__(self, shapes: Sequence[AnyShape]) -> None:
        self.nested: dict[int, list[Rectangle]] = {}
        self.inside: set[int] = set()
        parts = [
            shape
            for shape in shapes
            if shape.attributes and "part_of" in shape.attributes and isinstance(shape, Rectangle)
        ]
        if parts:
            self._join(parts, {shape.id: id(shape) for shape in shapes if shape.id is not None})

    def _join(self, parts: Sequence[Rectangle], owners: Mapping[int | str, int]) -> None:
        themselves = set(map(id, parts))
        for part in parts:
            owner = owners.get((part.attributes or _NONE)["part_of"])
            # Parts have no parts of their own in VOC.
            if owner is not None and owner not in themselves:
                self.nested.setdefault(owner, []).append(part)
                self.inside.add(id(part))
