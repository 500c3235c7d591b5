"""Make a COCO file in memory, of the same records as the writer of files writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.json import Decoder

from headrace.formats.coco.document import CocoAnnotation, CocoCategory, CocoFile, CocoImage
from headrace.formats.coco.writer import CocoWriter
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry.box_table import BoxTable
from headrace.formats.options import WriteOptions
from headrace.model.sample import LabelInfo, Sample

_IMAGES = Decoder(list[CocoImage])
_ANNOTATIONS = Decoder(list[CocoAnnotation])
_CATEGORIES = Decoder(list[CocoCategory])


class CocoDocumentWriter(CocoWriter):
    """Appends images and annotations to a document, and sets its categories at the end. It writes no file.

    Rows of tables become records directly. All others are encoded as for a file, and decoded again.

    Args:
        document: The document.
        target: A name for messages.
        labels: As for every writer, see :class:`.Writer`; so are ``options`` and ``findings``.
    """

    takes_numbers = True
    keeps = True

    def __init__(
        self,
        document: CocoFile,
        target: Path,
        labels: Sequence[LabelInfo],
        *,
        options: WriteOptions,
        findings: Findings,
    ) -> None:
        super().__init__(target, labels, options=options, findings=findings)
        self._document = document

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()

    def _put_images(self, lines: list[bytes]) -> None:
        self._document.images += _IMAGES.decode(_listed(lines))

    def _put_annotations(self, lines: list[bytes]) -> None:
        lines = [line for line in lines if line]
        self._document.annotations += _ANNOTATIONS.decode(_listed(lines))

    def _boxes(self, table: BoxTable, run: Sequence[Sample], ids: Iterator[int]) -> list[bytes]:
        if table.polygon_texts is not None:
            return super()._boxes(table, run, ids)
        count = len(table.labels)
        image_ids = chain.from_iterable(
            repeat(number, len(sample.shapes)) for sample, number in zip(run, ids, strict=False)
        )
        # Numbers of a document are floats, as those of a file that was read.
        corners = [map(float, column) for column in (table.x, table.y, table.w, table.h)]
        self._document.annotations += [
            CocoAnnotation(
                id=number,
                image_id=image_id,
                category_id=category,
                bbox=list(box),
                segmentation=rings or [],
                area=float(box[2] * box[3] if area is None else area),
                attributes=attributes or None,
            )
            for number, image_id, category, box, rings, area, attributes in zip(
                range(self._count + 1, self._count + 1 + count),
                image_ids,
                self._categories.all(table.labels),
                zip(*corners, strict=True),
                table.polygon_rings or [None] * count,
                table.areas or [None] * count,
                table.attributes or [None] * count,
                strict=True,
            )
        ]
        self._count += count
        self.found.shapes_out += count
        return []

    def _finish(self) -> None:
        self._categories.note_missing(self.found)
        self._document.categories = _CATEGORIES.decode(_listed(self._category_lines()))


def _listed(texts: Sequence[bytes]) -> bytes:
    return b"[%b]" % b",".join(texts)
