"""Writes COCO: one file in the usual order of keys, one line an image, the same bytes for the same samples."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, ClassVar

from headrace.formats.base import Writer
from headrace.formats.boxlist import BoxTable, by_table
from headrace.formats.class_order import ClassNumbers
from headrace.formats.clipping import clip_shape
from headrace.formats.coco import INFO, records_out
from headrace.formats.coco.numbers import ImageNumbers, kept_numbers
from headrace.formats.coco.textout import BUFFER, append_file, dump, heading
from headrace.formats.findings import Severity
from headrace.formats.info import FormatInfo
from headrace.formats.lost import FieldLosses, Tally
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape


class CocoWriter(Writer):
    """Writes one COCO file.

    Images and annotations grow side by side, so annotations wait in a second, nameless file and are copied in at the
    end. Annotations are numbered from 1; images keep their source's numbers where those are
    unique, and so do categories unless an order is asked for.
    """

    info: ClassVar[FormatInfo] = INFO

    def _start(self, temp: Path) -> None:
        self._images = temp.open("xb", buffering=BUFFER)
        self._annotations: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115  closed by _abandon
            dir=temp.parent, prefix=f"{temp.name}-", buffering=BUFFER
        )
        kept = kept_numbers([*self.labels.values()], keep_zero=self.options.about is not None)
        self._categories = ClassNumbers(self.labels, self.options.class_order, first=1, kept=kept)
        self._numbers = ImageNumbers()
        self._count = 0
        self._first_image = self._first_line = True
        self._tally = Tally(self.found)
        self._losses = FieldLosses(self.info.says)
        self._images.write(heading(self.options.about) + b'"images":[')

    def add_label(self, label: LabelInfo) -> None:
        """Declare a label; after the start it gets its number in the order, or the next free one."""
        super().add_label(label)
        if hasattr(self, "_categories"):
            self._categories.number(label.name)

    def _write(self, samples: Sequence[Sample]) -> None:
        self._losses.count(samples, self._tally)
        numbers = self._numbers.take_all([sample.id for sample in samples])
        images = [dump(records_out.image(*each)) for each in zip(samples, numbers, strict=True)]
        lines: list[bytes] = []
        ids = iter(numbers)
        for table, run in by_table(samples):
            if table is not None and not self.options.clip and records_out.all_finite(table):
                lines += self._boxes(table, run, ids)
            else:
                lines += [
                    self._line(sample, number) for sample, number in zip(run, ids, strict=False)
                ]
        lines = [line for line in lines if line]
        self._put(self._images, images, first=self._first_image)
        self._put(self._annotations, lines, first=self._first_line)
        self._first_image = self._first_image and not images
        self._first_line = self._first_line and not lines
        self.found.images_out += len(images)
        self._tally.flush()

    @staticmethod
    def _put(file: IO[bytes], lines: list[bytes], *, first: bool) -> None:
        if lines:
            file.write(b"\n" if first else b",\n")
            file.write(b",\n".join(lines))

    def _boxes(self, table: BoxTable, run: Sequence[Sample], ids: Iterator[int]) -> list[bytes]:
        """The annotations of each image of a run, with commas between them, by its table."""
        images = [(number, len(sample.shapes)) for sample, number in zip(run, ids, strict=False)]
        categories = self._categories.all(table.labels)
        lines, written = [], 0
        for records in records_out.boxes(table, self._count + 1, images, categories):
            written += len(records)
            lines.append(dump(records)[1:-1])
        self._count += written
        self.found.shapes_out += written
        return lines

    def _line(self, sample: Sample, image_id: int) -> bytes:
        """The annotations of an image, with commas between them."""
        if not sample.shapes:
            return b""
        records = self._records(sample, image_id)
        line = dump(records)
        # What is not finite turns into null; other nulls are in attributes, and rare. No usual key has a u in it.
        if b"u" in line and b"null" in line:
            records = self._finite(records, sample)
            line = dump(records)
        self._count += len(records)
        self.found.shapes_out += len(records)
        return line[1:-1]

    def _records(self, sample: Sample, image_id: int) -> list[records_out.Record]:
        records = []
        number, category = self._count, self._categories.number
        for shape in sample.shapes if not self.options.clip else self._clipped(sample):
            record = records_out.annotation(
                shape, sample, number + 1, image_id, category(shape.label)
            )
            if record is None:
                message = f"COCO has no {type(shape).__name__.lower()}, dropped"
                self._tally.add("LOSS", message, Severity.LOSS, sample.filename, dropped=1)
            else:
                records.append(record)
                number += 1
        return records

    def _finite(
        self, records: list[records_out.Record], sample: Sample
    ) -> list[records_out.Record]:
        kept = [record for record in records if records_out.is_finite(record)]
        for number, record in enumerate(kept, start=self._count + 1):
            record["id"] = number
        if lost := len(records) - len(kept):
            message = "a shape with numbers that are not finite, dropped"
            self._tally.add(
                "C05", message, Severity.WARNING, sample.filename, count=lost, dropped=lost
            )
        return kept

    def _clipped(self, sample: Sample) -> list[AnyShape]:
        if not sample.width or not sample.height:
            return sample.shapes
        clipped = [clip_shape(shape, sample.width, sample.height) for shape in sample.shapes]
        kept = [shape for shape in clipped if shape is not None]
        if lost := len(clipped) - len(kept):
            message = "a shape outside of its image, dropped by clipping"
            self._tally.add(
                "C06", message, Severity.NOTE, sample.filename, count=lost, dropped=lost
            )
        return kept

    def _finish(self) -> None:
        self._categories.tell_missing(self.found)
        out = self._images
        out.write(b'],\n"annotations":[')
        append_file(self._annotations, out)
        out.write(b'],\n"categories":[')
        lines = [
            dump(records_out.category(self.labels.get(name) or LabelInfo(name=name), number))
            for name, number in self._categories.items()
        ]
        out.write(
            b"".join(b"\n" + line if i == 0 else b",\n" + line for i, line in enumerate(lines))
        )
        out.write(b"]}\n")
        self._abandon()

    def _abandon(self) -> None:
        for file in (getattr(self, "_images", None), getattr(self, "_annotations", None)):
            if file is not None:
                file.close()
