"""Write COCO: one file with the usual order of keys, one record per line, the same bytes for the same samples."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, ClassVar, Final, cast

from msgspec.json import Encoder

from headrace.formats.base import Writer
from headrace.formats.class_order import ClassNumbers
from headrace.formats.coco import INFO, encode
from headrace.formats.coco.encode import BUFFER, dump, header
from headrace.formats.coco.image_numbers import ImageNumbers, kept_numbers
from headrace.formats.coco.schema import PlainRecord
from headrace.formats.coco.unordered import ShapeOfImage
from headrace.formats.findings.collect import Severity
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.geometry.box_table import BoxTable, by_table
from headrace.formats.geometry.clip import clip_shape
from headrace.formats.info import FormatInfo
from headrace.formats.io.append import append_file
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape

_ANNOTATIONS: Final = b'],\n"annotations":['
_RECORDS = Encoder()


class CocoWriter(Writer):
    """Writes one COCO file.

    Images and annotations arrive together, so annotations go to a temporary file, which is appended at the end.
    Annotations are numbered from 1. Images keep the numbers of their source where these are unique, and so do
    categories, unless an order is requested.
    """

    info: ClassVar[FormatInfo] = INFO

    def _start(self, temp: Path) -> None:
        self._images = temp.open("xb", buffering=BUFFER)
        self._annotations: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115  closed by _abandon
            dir=temp.parent, prefix=f"{temp.name}-", buffering=BUFFER
        )
        self._begin()
        self._images.write(header(self.options.about) + b'"images":[')

    def _begin(self) -> None:
        kept = kept_numbers([*self.labels.values()], keep_zero=self.options.about is not None)
        self._categories = ClassNumbers(self.labels, self.options.class_order, first=1, kept=kept)
        self._numbers = ImageNumbers()
        self._count = 0
        self._first_image = self._first_line = True
        self._counter = LossCounter(self.found)
        self._losses = FieldLosses(self.info.says)

    def add_label(self, label: LabelInfo) -> None:
        """Declare a label; after the start it gets its number in the requested order, or the next free one."""
        super().add_label(label)
        if hasattr(self, "_categories"):
            self._categories.number(label.name)

    def category(self, label: str) -> int:
        """Return the number of a label."""
        return self._categories.number(label)

    def end_images(self) -> None:
        """End the images; :meth:`write_records` and :meth:`write_shapes` then append annotations to the file itself."""
        self._annotations.close()
        self._annotations = self._images
        self._images.write(_ANNOTATIONS)

    def write_records(self, records: Sequence[PlainRecord], path: str) -> None:
        """Write records as they are, with new numbers.

        Args:
            records: Records that equal what this writer would write.
            path: Their file, for findings.
        """
        self.found.shapes_in += len(records)
        self._losses.count_field("shape_id", len(records), path, self._counter)
        for number, record in enumerate(records, start=self._count + 1):
            record.id = number
        lines = _RECORDS.encode_lines(records)[:-1]
        text = lines.replace(b"\n", b",\n")
        if len(text) - len(lines) >= len(records):
            # Some segmentations contain line ends, as white space of the source.
            text = lines.replace(b"}\n{", b"},\n{")
        self._put_annotations([text])
        self._count += len(records)
        self.found.shapes_out += len(records)
        self._counter.flush()

    def write_shapes(self, shapes_of_images: Sequence[ShapeOfImage], path: str) -> None:
        """Write shapes of images that were written before.

        Args:
            shapes_of_images: The shapes.
            path: Their file, for findings.
        """
        self.found.shapes_in += len(shapes_of_images)
        shapes = [shape for _, shape in shapes_of_images]
        self._losses.count([Sample(filename=path, shapes=shapes)], self._counter)
        self._put_annotations(
            [
                self._line([shape], image, cast("int", image.id), path)
                for image, shape in shapes_of_images
            ]
        )
        self._counter.flush()

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._counter)
        if self.image_paths is not None:
            self.image_paths += [None] * len(samples)
        numbers = self._numbers.assign_all([sample.id for sample in samples])
        images = [dump(encode.image(*each)) for each in zip(samples, numbers, strict=True)]
        self._put_images(images)
        ids = iter(numbers)
        for table, run in by_table(samples):
            if (
                table is not None
                and not self.options.clip
                and encode.all_finite(table)
                and encode.knows_areas(table)
            ):
                lines = self._boxes(table, run, ids)
            else:
                lines = [
                    self._line(self._shapes(sample), sample, number)
                    for sample, number in zip(run, ids, strict=False)
                ]
            self._put_annotations(lines)
        self.found.images_out += len(images)
        self._counter.flush()

    def _put_images(self, lines: list[bytes]) -> None:
        self._put(self._images, lines, first=self._first_image)
        self._first_image = self._first_image and not lines

    def _put_annotations(self, lines: list[bytes]) -> None:
        lines = [line for line in lines if line]
        self._put(self._annotations, lines, first=self._first_line)
        self._first_line = self._first_line and not lines

    @staticmethod
    def _put(file: IO[bytes], lines: list[bytes], *, first: bool) -> None:
        if lines:
            file.write(b"\n" if first else b",\n")
            file.write(b",\n".join(lines))

    def _boxes(self, table: BoxTable, run: Sequence[Sample], ids: Iterator[int]) -> list[bytes]:
        """Encode the annotations of each image from its table, separated by commas."""
        images = [(number, len(sample.shapes)) for sample, number in zip(run, ids, strict=False)]
        categories = self._categories.all(table.labels)
        lines, written = [], 0
        for records in encode.boxes(table, self._count + 1, images, categories):
            written += len(records)
            lines.append(dump(records)[1:-1])
        self._count += written
        self.found.shapes_out += written
        return lines

    def _line(
        self, shapes: Sequence[AnyShape], image: Sample, number: int, path: str | None = None
    ) -> bytes:
        """Encode the annotations of an image, separated by commas. Findings name ``path``, or else the image."""
        if not shapes:
            return b""
        path = image.filename if path is None else path
        records = self._records(shapes, image, number, path)
        line = dump(records)
        # Numbers that are not finite became null. Other nulls are rare, and no usual key has a "u".
        if b"u" in line and b"null" in line:
            records = self._finite(records, shapes, path)
            line = dump(records)
        self._count += len(records)
        self.found.shapes_out += len(records)
        return line[1:-1]

    def _records(
        self, shapes: Sequence[AnyShape], image: Sample, image_id: int, path: str
    ) -> list[encode.Record]:
        records = []
        number, category = self._count, self._categories.number
        for shape in shapes:
            record = encode.annotation(shape, image, number + 1, image_id, category(shape.label))
            if record is None:
                message = f"COCO has no {type(shape).__name__.lower()}, dropped"
                self._left_out([shape])
                self._counter.add("LOSS", message, Severity.LOSS, path, dropped=1)
            else:
                records.append(record)
                number += 1
        return records

    def _finite(
        self, records: list[encode.Record], shapes: Sequence[AnyShape], path: str
    ) -> list[encode.Record]:
        kept = [record for record in records if encode.is_finite(record)]
        labels = {self._categories.number(shape.label): shape.label for shape in shapes}
        self.shapes_lost.update(
            [labels[record["category_id"]] for record in records if not encode.is_finite(record)]
        )
        for number, record in enumerate(kept, start=self._count + 1):
            record["id"] = number
        if lost := len(records) - len(kept):
            message = "a shape with numbers that are not finite, dropped"
            self._counter.add("C05", message, Severity.WARNING, path, count=lost, dropped=lost)
        return kept

    def _shapes(self, sample: Sample) -> list[AnyShape]:
        if not self.options.clip or not sample.width or not sample.height:
            return sample.shapes
        clipped = [clip_shape(shape, sample.width, sample.height) for shape in sample.shapes]
        kept = [shape for shape in clipped if shape is not None]
        if lost := len(clipped) - len(kept):
            self._left_out(
                [s for s, cut in zip(sample.shapes, clipped, strict=True) if cut is None]
            )
            message = "a shape outside of its image, dropped by clipping"
            self._counter.add(
                "C06", message, Severity.NOTE, sample.filename, count=lost, dropped=lost
            )
        return kept

    def _finish(self) -> None:
        self._categories.note_missing(self.found)
        self._end_file()

    def _end_file(self) -> None:
        out = self._images
        if self._annotations is not out:
            out.write(_ANNOTATIONS)
            append_file(self._annotations, out)
        out.write(b'],\n"categories":[')
        lines = self._category_lines()
        out.write(
            b"".join(b"\n" + line if i == 0 else b",\n" + line for i, line in enumerate(lines))
        )
        out.write(b"]}\n")
        self._abandon()

    def _category_lines(self) -> list[bytes]:
        return [
            dump(encode.category(self.labels.get(name) or LabelInfo(name=name), number))
            for name, number in self._categories.items()
        ]

    def _abandon(self) -> None:
        for file in (getattr(self, "_images", None), getattr(self, "_annotations", None)):
            if file is not None:
                file.close()
