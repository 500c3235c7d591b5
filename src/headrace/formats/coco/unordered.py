"""Annotations in the order of their file, a window at a time: for a writer that needs no image's together.

Records that say no more than what the writer would say of them stay records, with their outlines as text. All others
become shapes, one by one, as everywhere.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from math import isfinite
from typing import Any, NamedTuple, cast

from msgspec import Raw

from headrace.formats.coco.decode import ShapeDecoder
from headrace.formats.coco.group_by_image import MAX_OPEN, IndexedSample, texts_from, texts_in_chunk
from headrace.formats.coco.image_index import ImageIndex, image_id_in
from headrace.formats.coco.schema import Id, RawPlainRecord, RecordDecoder, UndecodedRecord
from headrace.formats.geometry.lazy_polygons import PolygonText, irregular_texts
from headrace.formats.io.json_stream import ArrayChunk
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape

_NO_RINGS = Raw(b"[]")
# As many characters as "[[0,0,0,0,0,0]]" has; what is shorter and no fault has no rings.
_LEAST_RINGS = 15
_LARGE = 2**16
# Where more than one of so many is not plain, runs of plain ones are too short to be worth it.
_FEW = 4


class ShapeOfImage(NamedTuple):
    """A shape, and a stand-in for its image: with its id and size, and no name."""

    image: Sample
    shape: AnyShape


class PlainRecords(NamedTuple):
    """Neighbouring annotations, each with a number of its own, a box, an area, rings or no outline, a category and an image.

    They are the caller's to change, and valid until the next are asked for.
    """

    records: list[RawPlainRecord]


class UnorderedAnnotations:
    """The images of a file, then its annotations, which take ``size`` bytes; made by :meth:`.reader.CocoReader.loose`."""

    def __init__(
        self,
        images: Iterator[IndexedSample],
        chunks: Iterable[ArrayChunk[Any]],
        image_index: ImageIndex,
        record_decoder: RecordDecoder[Any],
        shape_decoder: ShapeDecoder,
        size: int,
    ) -> None:
        self._images = images
        self._chunks = chunks
        self._image_index = image_index
        self._record_decoder = record_decoder
        self._shape_decoder = shape_decoder
        # Which images were not left out, and the size of each; 0 where it is not known, or stands among the large ones.
        self._is_there = bytearray()
        self._sizes = array("H")
        self._large: dict[int, tuple[int, int]] = {}
        self._all_there = True
        self._size = size
        self._done = 0

    @property
    def names(self) -> Mapping[Id, str]:
        """The label of each category id that the file declares."""
        return self._shape_decoder.names

    def progress(self) -> float:
        """How much of the annotations is done, 0 to 1."""
        return min(self._done / self._size, 1.0)

    def images(self) -> Iterator[list[Sample]]:
        """All images, without any shapes."""
        while placed := list(islice(self._images, MAX_OPEN)):
            samples = [sample for _, sample in placed]
            for sample in samples:
                self._sizes.extend(self._size_of(len(self._is_there), sample))
                self._is_there.append(sample is not None)
            there = [sample for sample in samples if sample is not None]
            self._all_there = self._all_there and len(there) == len(samples)
            yield there

    def _size_of(self, position: int, sample: Sample | None) -> tuple[int, int]:
        if sample is None or not sample.width or not sample.height:
            return 0, 0
        size = sample.width, sample.height
        if max(size) < _LARGE:
            return size
        self._large[position] = size
        return 0, 0

    def annotations(self) -> Iterator[PlainRecords | list[ShapeOfImage]]:
        """All annotations; after the images."""
        for chunk in self._chunks:
            records, source = self._record_decoder.records(chunk), texts_in_chunk(chunk)
            if type(records[0]) is RawPlainRecord:
                yield from self._plain(cast("list[RawPlainRecord]", records), source)
            else:
                yield self._make_shapes(records, source)
            self._done += len(chunk.text)

    def _plain(
        self, records: list[RawPlainRecord], source: Callable[[int], UndecodedRecord]
    ) -> Iterator[PlainRecords | list[ShapeOfImage]]:
        raws = [record.segmentation for record in records]
        polygon_texts = irregular_texts(raws)
        if self._shape_decoder.boxes_only or min(map(len, raws)) < _LEAST_RINGS:
            _fill_defaults(records, polygon_texts, boxes_only=self._shape_decoder.boxes_only)
        positions = self._image_index.positions(records)
        if self._are_plain(records, polygon_texts, positions):
            yield from self._claim(records, source)
            return
        flags = list(map(self._is_plain, records, polygon_texts, positions))
        if flags.count(False) * _FEW > len(flags):
            yield self._make_shapes(records, source)
            return
        start = 0
        for is_plain, run in groupby(flags):
            stop = start + sum(1 for _ in run)
            its = texts_from(start, source)
            if is_plain:
                yield from self._claim(records[start:stop], its)
            else:
                yield self._make_shapes(records[start:stop], its)
            start = stop

    def _claim(
        self, records: list[RawPlainRecord], source: Callable[[int], UndecodedRecord]
    ) -> Iterator[PlainRecords | list[ShapeOfImage]]:
        """Plain records whose numbers are new, too; else shapes, and it is told."""
        if self._shape_decoder.claim_ids(records):
            yield PlainRecords(records)
        else:
            yield self._make_shapes(records, source)

    def _are_plain(
        self, records: list[RawPlainRecord], polygon_texts: list[PolygonText], positions: list[int]
    ) -> bool:
        """:meth:`_is_plain` of all, where it takes no look at each."""
        return (
            self._all_there
            and -1 not in positions
            and tuple not in set(map(type, polygon_texts))
            and None not in [record.bbox for record in records]
            and None not in [record.area for record in records]
            and _all_zero([record.iscrowd for record in records])
            and self._shape_decoder.names.keys() >= {record.category_id for record in records}
        )

    def _is_plain(self, record: RawPlainRecord, outline: PolygonText, position: int) -> bool:
        return (
            position >= 0
            and self._is_there[position] == 1
            and type(outline) is not tuple
            and record.bbox is not None
            and record.area is not None
            and _all_zero([record.iscrowd])
            and record.category_id in self._shape_decoder.names
        )

    def _make_shapes(
        self, records: Sequence[Any], source: Callable[[int], UndecodedRecord]
    ) -> list[ShapeOfImage]:
        """The shapes of records."""
        made: list[ShapeOfImage] = []
        images: dict[Id | None, Sample] = {}
        for record in records:
            image_id = (
                image_id_in(record.text) if isinstance(record, UndecodedRecord) else record.image_id
            )
            position = self._image_index.position(image_id)
            if position >= 0 and self._is_there[position] and image_id not in images:
                images[image_id] = self._stand_in(image_id, position, made)
        self._shape_decoder.attach(records, images, source)
        for image in images.values():
            # It and what it gathers hold each other, and the collector looks at no samples.
            image.shapes = []
        return made

    def _stand_in(self, image_id: Id | None, position: int, made: list[ShapeOfImage]) -> Sample:
        width, height = self._large.get(position) or self._sizes[2 * position : 2 * position + 2]
        image = Sample(filename="", id=image_id, width=width or None, height=height or None)
        image.shapes = _ShapeCollector(image, made)
        return image


class _ShapeCollector(list[AnyShape]):
    """Hands on what is appended to it."""

    def __init__(self, image: Sample, made: list[ShapeOfImage]) -> None:
        super().__init__()
        self._image = image
        self._made = made

    def append(self, shape: AnyShape) -> None:
        self._made.append(ShapeOfImage(self._image, shape))


def _fill_defaults(
    records: list[RawPlainRecord], polygon_texts: list[PolygonText], *, boxes_only: bool
) -> None:
    """Say of bare boxes what a writer would say: no rings as an empty list, their area where there is none."""
    for record, outline in zip(records, polygon_texts, strict=True):
        if (
            outline is None
            and record.bbox is not None
            and (boxes_only or len(record.segmentation) < _LEAST_RINGS)
        ):
            record.segmentation = _NO_RINGS
            if record.area is None:
                area = record.bbox[2] * record.bbox[3]
                record.area = area if isfinite(area) else None


def _all_zero(numbers: list[int | bool]) -> bool:
    return not any(numbers) and bool not in set(map(type, numbers))
