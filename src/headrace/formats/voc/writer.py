"""Writes devkits without images: ``Annotations/…/STEM.xml``, ``ImageSets/Main/SPLIT.txt`` and ``labelmap.txt``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any, Final, cast

from headrace.errors import FormatError
from headrace.formats.base import Writer
from headrace.formats.class_order import ClassNumbers
from headrace.formats.findings.collect import Severity
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.geometry.box_table import BoxTable, Rings, as_boxes, by_table
from headrace.formats.geometry.boxes import box_of
from headrace.formats.geometry.clip import clip_shape
from headrace.formats.io.file_tree import FileTree
from headrace.formats.voc import INFO, encode
from headrace.formats.voc.labels import LABEL_MAP, MAP_HEADING, label_line
from headrace.formats.voc.nested_parts import NestedParts
from headrace.formats.voc.object_texts import ObjectTexts, object_texts
from headrace.formats.voc.record import FLAGS
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Attributes, Box, Polygon, Rectangle

_DEVKIT_TAGS: Final = frozenset({"pose", *FLAGS, "part_of"})
_NONE: Final[Attributes] = {}
_BOXED: Final = "a %s becomes its box"


class VocWriter(Writer):
    """Writes one XML file per image, with all tags that other readers expect.

    ``options.voc_origin`` decides how corners count. Images whose names differ only in the suffix get ``STEM-2.xml``;
    ``<filename>`` has the full name. An image without annotation has no XML file, and is only listed in its split if
    the images are placed too.
    """

    info = INFO
    takes_numbers = True

    def _start(self, temp: Path) -> None:
        self._temp = temp
        self._tree = FileTree(temp, self.file_sink)
        (temp / "Annotations").mkdir()
        self._counter = LossCounter(self.found)
        task = self.options.task if self.options.task in self.info.tasks else None
        self._losses = FieldLosses(self.info.capability(task))
        self._one = 1 if self.options.voc_origin == "one_inclusive" else 0
        self._boxes_only = self.options.task == "detect"
        self._templates: dict[str, str] = {}
        self._starts: dict[str, str] = {}
        self._splits: dict[str, list[str]] = {}
        self._order = ClassNumbers(self.labels, self.options.class_order, first=0)

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._counter)
        for table, run in by_table(samples):
            printed = None if table is None else self._printed(table)
            boxed = () if table is None or printed is None else self._boxed(table)
            stop = 0
            for sample in run:
                start, stop = stop, stop + len(sample.shapes)
                objects = printed and printed.objects(start, stop)
                self._write_one(sample, objects, sum(map(bool, boxed[start:stop])))
        self._counter.flush()
        for split, stems in self._splits.items():
            if stems:
                self._tree.append(
                    f"ImageSets/Main/{split}.txt", "".join(stems).encode("utf-8", "replace")
                )
                stems.clear()

    def _boxed(self, table: BoxTable) -> Sequence[Any]:
        """Return the outlines of a table of which only the boxes are written."""
        return table.outlines if self._boxes_only else ()

    def _write_one(self, sample: Sample, objects: str | None, boxed: int) -> None:
        """Write an image; ``objects`` as in :meth:`_text`, with ``boxed`` polygons of which only the box is written."""
        try:
            folder, stem, suffix = self._tree.folder_stem_suffix(sample.filename)
            split = self._split(sample.split)
        except FormatError as error:
            self._leave_out(sample, "S01", f"image left out: {error.message}", Severity.ERROR)
            return
        if not sample.annotated and not sample.shapes:
            if self.image_paths is None:
                why = "no file for an image without annotation"
                self._leave_out(sample, "V03", why, Severity.NOTE)
                return
            self.found.images_out += 1
            used = self._tree.reserve(f"Annotations/{folder}", stem, ".xml")
            self._end_image(split, f"{folder}{used}", suffix)
            return
        if not sample.shapes and self.options.background == "none":
            self._leave_out(sample, "V03", "no file for an image without objects", Severity.NOTE)
            return
        if not (sample.width and sample.height):
            self._note("V05", "the image size is unknown; written as 0", sample, Severity.WARNING)
        content = self._text(sample, objects, boxed)
        self.found.images_out += 1
        used = self._tree.create(f"Annotations/{folder}", stem, ".xml", content)
        if used != stem and self.image_paths is not None:
            # The image is called as its file, or else two images would have one place.
            path = self._temp / "Annotations" / f"{folder}{used}.xml"
            path.write_bytes(
                encode.with_filename(content, sample.filename, f"{folder}{used}{suffix}")
            )
        self._end_image(split, f"{folder}{used}", suffix)

    def _end_image(self, split: list[str], name: str, suffix: str) -> None:
        split.append(f"{name}\n")
        self._place(f"JPEGImages/{name}{suffix}")

    def _text(self, sample: Sample, objects: str | None, boxed: int) -> bytes:
        """Format a file; ``objects`` is the text of its objects, if formatted already."""
        extra = (sample.extra or _NONE).get("voc")
        pieces = [
            encode.head(
                sample.filename,
                sample.width or 0,
                sample.height or 0,
                extra if isinstance(extra, Mapping) else _NONE,
            )
        ]
        if objects is None and (boxes := as_boxes(sample.shapes)) is not None:
            # The table may contain unusual boxes of other images.
            table = boxes.table.rows(boxes.start, boxes.stop)
            printed = self._printed(table)
            objects = printed and printed.objects(0, len(boxes))
            boxed = sum(map(bool, self._boxed(table)))
        if objects is not None:
            pieces.append(objects)
            if boxed:
                self._note("LOSS", _BOXED % "polygon", sample, count=boxed)
            self.found.shapes_out += len(sample.shapes)
        elif sample.shapes:
            self._mixed(sample, pieces)
        if sample.attributes:
            pieces.append(encode.attribute_block(sample.attributes).replace("\t\t", "\t", 1))
        pieces.append(encode.END)
        return "".join(pieces).encode()

    def _mixed(self, sample: Sample, pieces: list[str]) -> None:
        parts = NestedParts(sample.shapes)
        if parts.nested or self.options.clip:
            self._objects(sample.shapes, sample, pieces, parts)
            return
        for plain, run in groupby(sample.shapes, _is_plain):
            shapes = list(run)
            text = self._boxes(shapes) if plain else None
            if text is None:
                self._objects(shapes, sample, pieces, parts)
            else:
                pieces.append(text)

    def _boxes(self, shapes: Sequence[Any]) -> str | None:
        """Format plain boxes; None where one is the first of its label, or not finite."""
        printed = self._plain(
            [shape.label for shape in shapes],
            [(shape.x, shape.y, shape.w, shape.h) for shape in shapes],
        )
        if printed is None:
            return None
        self.found.shapes_out += len(shapes)
        return printed.objects(0, len(shapes))

    def _printed(self, table: BoxTable) -> ObjectTexts | None:
        """Format the plain boxes and polygons of many files at once; nearly all objects are such.

        Returns None where one is not plain, or is the first of its label.
        """
        if self.options.clip or any(table.attributes or ()):
            return None
        # Rings are decoded only for what is printed.
        if not self._templates.keys() >= set(table.labels):
            return None
        outlined = not self._boxes_only and any(table.outlines)
        boxes = zip(table.x, table.y, table.w, table.h, strict=True)
        return self._plain(table.labels, boxes, table.rings() if outlined else None)

    def _plain(
        self,
        labels: Sequence[str],
        boxes: Iterable[Box],
        outlines: Sequence[Rings | None] | None = None,
    ) -> ObjectTexts | None:
        chosen = [self._templates.get(label) for label in labels]
        if None in chosen:
            return None
        return object_texts(cast("list[str]", chosen), boxes, outlines, self._one)

    def _objects(
        self, shapes: Sequence[AnyShape], sample: Sample, pieces: list[str], parts: NestedParts
    ) -> None:
        for shape in shapes:
            if id(shape) in parts.inside:
                continue
            nested = parts.nested.get(id(shape), ())
            clipped = self._clipped(shape, sample)
            if clipped is not None:
                self._object(clipped, sample, pieces, nested)
            else:
                message = "the object is entirely outside the image"
                dropped = self._left_out([shape, *nested])
                self._note("V12", message, sample, Severity.WARNING, dropped=dropped)

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
                dropped = self._left_out(parts)
                self._note("V06", "parts are left out with their object", sample, dropped=dropped)
            return
        self.found.shapes_out += 1
        self._learn(shape.label)
        attributes = shape.attributes or _NONE
        start = (
            encode.object_start(shape.label, attributes) if attributes else self._start_of(shape)
        )
        pieces += (start, encode.bndbox(corners))
        if isinstance(shape, Polygon) and not self._boxes_only:
            pieces += map(encode.polygon, shape.rings)
        for part in parts:
            inside = self._corners(part, sample)
            if inside is not None:
                self.found.shapes_out += 1
                self._learn(part.label)
                pieces.append(encode.part(part.label, inside))
        if attributes or shape.iscrowd:
            pieces += (
                encode.devkit_tags(attributes),
                _named_values(attributes, crowd=shape.iscrowd),
            )
        pieces.append(encode.OBJECT_END)

    def _clipped(self, shape: AnyShape, sample: Sample) -> AnyShape | None:
        if self.options.clip and sample.width and sample.height:
            return clip_shape(shape, sample.width, sample.height)
        return shape

    def _start_of(self, shape: AnyShape) -> str:
        start = self._starts.get(shape.label)
        if start is None:
            start = self._starts[shape.label] = encode.object_start(shape.label, None)
        return start

    def _learn(self, label: str) -> None:
        """Create the template of plain objects with this label."""
        if label not in self._templates:
            self._templates[label] = encode.object_template(label)
            if encode.FORBIDDEN.search(label):
                self.found.add("V13", "characters that XML cannot represent become U+FFFD")

    def _corners(self, shape: AnyShape, sample: Sample) -> Box | None:
        """Return the corners to write; None, with a finding, where the shape has no box."""
        box = box_of(shape)
        kind = type(shape).__name__.lower()
        if box is None:
            dropped = self._left_out([shape])
            self._note("LOSS", f"a {kind} is left out: it has no box", sample, dropped=dropped)
            return None
        if not isinstance(shape, Rectangle | Polygon) or (
            isinstance(shape, Polygon) and self._boxes_only
        ):
            self._note("LOSS", _BOXED % kind, sample)
        if not _is_finite(shape, box):
            dropped, message = self._left_out([shape]), "left out: not a finite number"
            self._note("V02", message, sample, Severity.WARNING, dropped=dropped)
            return None
        x, y, w, h = box
        return x + self._one, y + self._one, x + w, y + h

    def _split(self, name: str | None) -> list[str]:
        name = self.options.split if name is None else name
        stems = self._splits.get(name)
        if stems is None:
            self._tree.folder_and_stem(f"{name}.txt")
            stems = self._splits[name] = []
        return stems

    def _note(
        self,
        code: str,
        message: str,
        sample: Sample,
        severity: Severity = Severity.LOSS,
        *,
        count: int = 1,
        dropped: int = 0,
    ) -> None:
        self._counter.add(code, message, severity, sample.filename, count=count, dropped=dropped)

    def _leave_out(self, sample: Sample, code: str, why: str, severity: Severity) -> None:
        self._place(None)
        dropped = self._left_out(sample.shapes)
        self._counter.add(code, why, severity, sample.filename, dropped=dropped, dropped_images=1)

    def _abandon(self) -> None:
        if hasattr(self, "_tree"):
            self._tree.close()

    def _finish(self) -> None:
        self._tree.remove_reserved()
        self._order.all([*self.labels, *self._templates])
        self._order.note_missing(self.found)
        lines: list[str] = []
        for name in self._order.names():
            line = label_line(name)
            if line is not None:
                lines.append(line)
            elif name not in self._templates:
                message = f"a label without shapes is left out: {LABEL_MAP} cannot contain its name"
                self.found.add("LOSS", message, severity=Severity.LOSS, detail=repr(name))
        if lines:
            self._tree.append(LABEL_MAP, "".join([MAP_HEADING, *lines]).encode())


def _is_plain(shape: AnyShape) -> bool:
    return type(shape) is Rectangle and not shape.attributes and not shape.iscrowd


def _named_values(attributes: Attributes, *, crowd: bool) -> str:
    """Format the attributes without a tag of their own, as CVAT does."""
    rest = {
        name: value
        for name, value in attributes.items()
        if name not in _DEVKIT_TAGS
        and not (name == "point" and encode.is_point(value))
        and not (name == "actions" and encode.are_actions(value))
    }
    return encode.attribute_block(rest | {"iscrowd": 1} if crowd else rest)


def _is_finite(shape: AnyShape, box: Box) -> bool:
    rings = shape.rings if isinstance(shape, Polygon) else []
    # A finite sum has only finite terms; an infinite one may just have overflowed.
    if isfinite(sum(box) + sum(map(sum, rings))):
        return True
    return all(map(isfinite, box)) and all(all(map(isfinite, ring)) for ring in rings)
