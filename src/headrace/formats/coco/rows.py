"""Annotations as rows: plain records, decoded once except for their segmentations, with the positions of their images.

Where only boxes are needed, a polygon is checked and left out. Any other record is a row that holds its text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, Literal

from msgspec import MsgspecError, Raw
from msgspec.json import Decoder
from msgspec.msgpack import Decoder as RowDecoder
from msgspec.msgpack import Encoder as RowEncoder

from headrace.formats.coco.external_sort import ExternalSort, ImageGroup
from headrace.formats.coco.ids import ImageIndex
from headrace.formats.coco.schema import PlainRecord, UndecodedRecord, is_clean
from headrace.formats.geometry.lazy_polygons import PolygonText, checked_texts, irregular_texts
from headrace.formats.io.json_array import ArrayChunk
from headrace.formats.io.json_stream import JsonStream, Member

SegmentationMode = Literal["text", "boxes"]
"""What a reader needs of segmentations: their text, or nothing beside a box."""

Id = int | str | None
Number = int | float
Row = tuple[
    int,
    Id,
    Id,
    Id,
    tuple[Number, Number, Number, Number] | None,
    Number | None,
    int | bool,
    bytes | tuple[bytes, bool] | None,
]
"""The position of an image, -1 where it is not in the file, and the values of a :class:`~.schema.PlainRecord`.

The segmentation is the text of verified rings; None for no rings, or rings that were left out; in a tuple the text of
any other segmentation with False, or the text of a record that is not plain with True.
"""

# The images that one group of annotations in order has at most.
MAX_OPEN: Final = 1024
# Begins a msgpack array whose length follows in four bytes.
_ARRAY: Final = b"\xdd"
# The size of a bytes object without its content, which counts because rows are short.
_OBJECT_BYTES: Final = 48
_ENCODE = RowEncoder().encode
_DECODE = RowDecoder(list[Row]).decode
_PLAIN = Decoder(PlainRecord)
_PLAIN_MANY = Decoder(list[PlainRecord])
position_of: Callable[[Row], int] = itemgetter(0)


class RowMaker:
    """Decodes annotations to rows.

    Args:
        image_index: The positions of the images.
        mode: What the reader needs of segmentations.
    """

    def __init__(self, image_index: ImageIndex, mode: SegmentationMode) -> None:
        self._image_index = image_index
        self._mode = mode
        self._plain = self._others = 0

    @property
    def mostly_plain(self) -> bool:
        """Whether at least half of the records so far were plain."""
        return self._plain >= self._others

    def chunks(self, stream: JsonStream, member: Member) -> Iterator[list[Row]]:
        """Yield the annotations of a file."""
        for chunk in stream.array(member, _PLAIN_MANY.decode):
            yield self._of_chunk(chunk)

    def _of_chunk(self, chunk: ArrayChunk[PlainRecord]) -> list[Row]:
        if chunk.items is not None:
            return self._of_records(chunk.items, lambda: [text for _, text in chunk.elements()])
        return [self._of_text(text) for _, text in chunk.elements()]

    def _of_text(self, text: bytes) -> Row:
        try:
            return self._of_records([_PLAIN.decode(text)], lambda: [text])[0]
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            self._others += 1
            return _text_row(self._image_index.position_in(text), text)

    def _of_records(
        self, records: list[PlainRecord], originals: Callable[[], list[bytes]]
    ) -> list[Row]:
        """Return rows. A record whose segmentation is not clean stays text, to be recovered."""
        self._plain += len(records)
        texts = polygon_texts(records, self._mode)
        positions = self._image_index.positions(records)
        rows: list[Any] = [
            (position, r.id, r.image_id, r.category_id, r.bbox, r.area, r.iscrowd, text)
            for position, r, text in zip(positions, records, texts, strict=True)
        ]
        if tuple in set(map(type, texts)):
            original: list[bytes] = []
            for i, text in enumerate(texts):
                if isinstance(text, tuple) and is_clean(text[0]):
                    rows[i] = (*rows[i][:-1], (text[0], False))
                elif isinstance(text, tuple):
                    original = original or originals()
                    rows[i] = _text_row(positions[i], original[i])
        return rows


def _text_row(position: int, text: bytes) -> Row:
    return position, None, None, None, None, None, 0, (text, True)


def text_of(row: Row) -> bytes | None:
    """Return the text of a row whose record is not plain."""
    segmentation = row[-1]
    return segmentation[0] if type(segmentation) is tuple and segmentation[1] else None


def record_of(row: Row) -> PlainRecord:
    """Return the record of a row."""
    _, number, image_id, category_id, bbox, area, iscrowd, segmentation = row
    text = segmentation[0] if isinstance(segmentation, tuple) else segmentation
    raw = Raw(b"null" if text is None else text)
    return PlainRecord(number, image_id, category_id, bbox, area, iscrowd, raw)


def polygon_texts(records: Sequence[PlainRecord], mode: SegmentationMode) -> list[PolygonText]:
    """Return the segmentations that a reader needs."""
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


class OrderedRows:
    """The rows of a file that has its annotations in the order of the images."""

    def __init__(self, stream: JsonStream, member: Member, maker: RowMaker, images: int) -> None:
        self._stream = stream
        self._member = member
        self._maker = maker
        self._images = images

    def close(self) -> None:
        """Release nothing: the file belongs to its reader."""

    def orphans(self) -> Iterator[list[Row]]:
        """Yield the annotations of unknown images, which come before all others."""
        for rows in self._maker.chunks(self._stream, self._member):
            stop = bisect_left(rows, 0, key=position_of)
            if stop:
                yield rows[:stop]
            if stop < len(rows):
                return

    def groups(self) -> Iterator[ImageGroup[list[Row]]]:
        """Yield the annotations of all images, in groups of neighbouring images."""
        first, waiting = 0, []
        for rows in self._maker.chunks(self._stream, self._member):
            waiting += rows
            # The next chunk may have more annotations of the last image.
            last = waiting[-1][0]
            if last > first:
                stop = bisect_left(waiting, last, key=position_of)
                yield from _in_groups(first, last, waiting[:stop])
                first, waiting = last, waiting[stop:]
        yield from _in_groups(first, self._images, waiting)


def _in_groups(first: int, after: int, rows: list[Row]) -> Iterator[ImageGroup[list[Row]]]:
    start = bisect_left(rows, first, key=position_of)
    for low in range(first, after, MAX_OPEN):
        high = min(low + MAX_OPEN, after)
        stop = bisect_left(rows, high, start, key=position_of)
        yield ImageGroup(low, high, rows[start:stop])
        start = stop


class RowSort(ExternalSort[list[Row]]):
    """Sorts rows by the position of their images.

    Args:
        first: The position of the first image.
        images: The number of images.
        annotation_bytes: The approximate size of all annotations.
    """

    def __init__(self, first: int, images: int, annotation_bytes: int) -> None:
        super().__init__(first, images, annotation_bytes)
        self._waiting: list[list[bytes]] = [[] for _ in range(self._count + 1)]

    def add_all(self, stream: JsonStream, member: Member, maker: RowMaker) -> bool:
        """Add the annotations of a file; stops with False where most of the records are not plain."""
        for rows in maker.chunks(stream, member):
            if not maker.mostly_plain:
                return False
            self._add(rows)
        self.end()
        return True

    def _add(self, rows: list[Row]) -> None:
        # Encoded at once, while they are in the processor's cache.
        try:
            texts = list(map(_ENCODE, rows))
        except OverflowError:  # a mark of crowds beyond 64 bits
            rows = [(*row[:6], bool(row[6]), row[7]) for row in rows]
            texts = list(map(_ENCODE, rows))
        waiting, step, first = self._waiting, self._step, self._first
        # Position -1 means no image, and belongs to the last bucket.
        buckets = [waiting[(row[0] - first) // step if row[0] >= 0 else -1] for row in rows]
        deque(map(list.append, buckets, texts), 0)
        self._added(sum(map(len, texts)) + _OBJECT_BYTES * len(texts))

    def _waiting_in(self, bucket: int) -> bytes:
        texts = self._waiting[bucket]
        return _ARRAY + len(texts).to_bytes(4) + b"".join(texts) if texts else b""

    def _clear(self, bucket: int) -> None:
        self._waiting[bucket].clear()

    def _content(self, texts: Iterator[bytes]) -> list[Row]:
        rows: list[Row] = []
        for text in texts:
            rows += _DECODE(text) if text else ()
        return rows

    def _split_groups(
        self, texts: Iterator[bytes], first: int, step: int, count: int
    ) -> Iterator[list[Row]]:
        groups: list[list[Row]] = [[] for _ in range(count)]
        for row in self._content(texts):
            groups[(row[0] - first) // step].append(row)
        yield from groups

    def _subsort(self, first: int, images: int, size: int) -> RowSort:
        return RowSort(first, images, size)

    def add_part(self, text: bytes) -> None:
        """Add a part of a bucket of another sort."""
        self._add(_DECODE(text))


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


def _matches(row: Row, record: PlainRecord, mode: SegmentationMode) -> bool:
    """Whether ``record`` makes a row that equals ``row``."""
    _, *values, segmentation = row
    text = segmentation[:1] if isinstance(segmentation, tuple) else segmentation
    return values == [
        record.id,
        record.image_id,
        record.category_id,
        record.bbox,
        record.area,
        record.iscrowd,
    ] and [text] == polygon_texts([record], mode)
