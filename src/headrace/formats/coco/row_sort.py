"""Sort annotations as rows: records with the usual keys only, decoded except for their segmentations.

Each record is decoded once, while it is sorted. Where only boxes are needed, a polygon is checked and left out. Any
other record stays text, at its position among the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, Literal

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder
from msgspec.msgpack import Decoder as RowDecoder
from msgspec.msgpack import Encoder as RowEncoder

from headrace.formats.coco.external_sort import PENDING_BYTES, ExternalSort
from headrace.formats.coco.image_index import ImageIndex
from headrace.formats.coco.schema import (
    AnnotationRecord,
    RawPlainRecord,
    UndecodedRecord,
    full_record,
    is_clean,
)
from headrace.formats.geometry.lazy_polygons import PolygonText, checked_texts, irregular_texts
from headrace.formats.io.json_array import ArrayChunk
from headrace.formats.io.json_stream import JsonStream, Member

# Begins a msgpack array whose length follows in four bytes.
_ARRAY: Final = b"\xdd"
# The size of a bytes object without its content, which counts because rows are short.
_OBJECT_BYTES: Final = 48
_ENCODE = RowEncoder().encode
_PLAIN = Decoder(RawPlainRecord)
_PLAIN_MANY = Decoder(list[RawPlainRecord])


class Row(Struct, array_like=True, gc=False):
    """The values of a :class:`~.schema.RawPlainRecord`.

    ``segmentation`` is also None where a polygon was left out.
    """

    id: int | str | None
    image_id: int | str | None
    category_id: int | str | None
    bbox: tuple[float, float, float, float] | None
    area: float | None
    iscrowd: int | bool
    segmentation: PolygonText

    @property
    def text(self) -> bytes | None:
        """The JSON text of the segmentation."""
        segmentation = self.segmentation
        return segmentation[0] if isinstance(segmentation, tuple) else segmentation

    def full(self) -> AnnotationRecord:
        """Convert to a record that may have all keys; the segmentation is known to be clean."""
        return full_record(self, self.text or b"null")


SegmentationMode = Literal["numbers", "text", "boxes"]
"""What a reader needs of segmentations: their numbers, their text, or nothing beside a box."""

Rows = list[Row | bytes]
"""Rows, and the texts of records that are not rows, in the order of the file."""

_ROWS: RowDecoder[Rows] = RowDecoder(Rows)


class RowSort(ExternalSort[Rows]):
    """Sorts rows."""

    def __init__(
        self,
        image_index: ImageIndex,
        first: int,
        images: int,
        annotation_bytes: int,
        mode: SegmentationMode,
    ) -> None:
        super().__init__(first, images, annotation_bytes)
        self._image_index = image_index
        self._mode = mode
        self._waiting: list[list[bytes]] = [[] for _ in range(self._count + 1)]

    def add_all(self, stream: JsonStream, member: Member) -> bool:
        """Add the annotations of a file; stops with False where most of them are not rows."""
        rows = others = 0
        for chunk in stream.array(member, _PLAIN_MANY.decode):
            if chunk.items is not None and self._add(chunk.items, partial(_texts, chunk)):
                rows += len(chunk.items)
                continue
            for text in _texts(chunk):
                if self._add_one(text):
                    rows += 1
                else:
                    self._put([_ENCODE(text)], [self._image_index.position_in(text)])
                    others += 1
            if others > rows:
                return False
        self.flush()
        return True

    def _add_one(self, text: bytes) -> bool:
        try:
            return self._add([_PLAIN.decode(text)], lambda: [text])
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return False

    def _add(self, records: list[RawPlainRecord], originals: Callable[[], list[bytes]]) -> bool:
        """Add records; False, without adding any, where a number is too large for a row.

        ``originals`` returns their texts. A record whose segmentation is not clean is added as text, to be recovered.
        """
        polygon_texts = _polygon_texts(records, self._mode)
        try:
            texts = [
                _ENCODE((r.id, r.image_id, r.category_id, r.bbox, r.area, r.iscrowd, text))
                for r, text in zip(records, polygon_texts, strict=True)
            ]
        except OverflowError:
            return False
        damaged = [
            i for i, one in enumerate(polygon_texts) if type(one) is tuple and not is_clean(one[0])
        ]
        if damaged:
            original = originals()
            for i in damaged:
                texts[i] = _ENCODE(original[i])
        self._put(texts, self._image_index.positions(records))
        return True

    def _put(self, texts: list[bytes], positions: list[int]) -> None:
        waiting, step, first = self._waiting, self._step, self._first
        # Position -1 means no image, and belongs to the last bucket.
        for text, position in zip(texts, positions, strict=True):
            waiting[(position - first) // step if position >= 0 else -1].append(text)
        self._pending += sum(map(len, texts)) + _OBJECT_BYTES * len(texts)
        if self._pending >= PENDING_BYTES:
            self.flush()

    def _pop_pending(self, bucket: int) -> bytes:
        texts = self._waiting[bucket]
        text = _ARRAY + len(texts).to_bytes(4) + b"".join(texts) if texts else b""
        texts.clear()
        return text

    def _content(self, texts: Iterator[bytes]) -> Rows:
        rows: Rows = []
        for text in texts:
            rows += _ROWS.decode(text)
        return rows

    def _split_groups(
        self, texts: Iterator[bytes], first: int, step: int, count: int
    ) -> Iterator[Rows]:
        groups: list[Rows] = [[] for _ in range(count)]
        for row in self._content(texts):
            groups[(self._position(row) - first) // step].append(row)
        yield from groups

    def _subsort(self, first: int, images: int, size: int) -> RowSort:
        return RowSort(self._image_index, first, images, size, self._mode)

    def add_part(self, text: bytes) -> None:
        """Add a part of a bucket of another sort."""
        rows = _ROWS.decode(text)
        self._put([_ENCODE(row) for row in rows], [self._position(row) for row in rows])

    def _position(self, row: Row | bytes) -> int:
        if isinstance(row, bytes):
            return self._image_index.position_in(row)
        return self._image_index.position(row.image_id)


def _texts(chunk: ArrayChunk[RawPlainRecord]) -> list[bytes]:
    return [text for _, text in chunk.elements()]


def _polygon_texts(records: Sequence[RawPlainRecord], mode: SegmentationMode) -> list[PolygonText]:
    """Return the segmentations of records as their rows hold them."""
    raws = [record.segmentation for record in records]
    if mode != "boxes":
        return checked_texts(raws)
    # A polygon is only left out beside a box.
    if None not in [record.bbox for record in records]:
        return irregular_texts(raws)
    return [
        None if type(text) is bytes and record.bbox is not None else text
        for text, record in zip(checked_texts(raws), records, strict=True)
    ]


def find_row(
    stream: JsonStream, member: Member, mode: SegmentationMode, row: Row
) -> UndecodedRecord:
    """Find the text of a row in its file, by the values that the row holds; the first of several equal ones.

    This reads the file again, so it is only for the few examples of a finding.
    """
    for chunk in stream.array(member, _PLAIN_MANY.decode):
        if chunk.items is None or any(_matches(row, record, mode) for record in chunk.items):
            for offset, text in chunk.elements():
                try:
                    if _matches(row, _PLAIN.decode(text), mode):
                        return UndecodedRecord(text, offset)
                except (MsgspecError, UnicodeDecodeError, RecursionError):
                    continue
    return UndecodedRecord(b"")


def _matches(row: Row, record: RawPlainRecord, mode: SegmentationMode) -> bool:
    """Whether ``record`` makes a row that equals ``row``."""
    return (
        (row.id, row.image_id, row.category_id) == (record.id, record.image_id, record.category_id)
        and (row.bbox, row.area, row.iscrowd) == (record.bbox, record.area, record.iscrowd)
        and [row.segmentation] == _polygon_texts([record], mode)
    )
