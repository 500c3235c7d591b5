"""Read annotations in the order of their file, for writers that do not need them grouped by image.

Records that are just as the writer would write them stay records, with their segmentations as text. All others are
decoded to shapes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from math import isfinite
from typing import Any, NamedTuple, cast

from msgspec import Raw

from headrace.formats.coco.decode import CocoShapeDecoder
from headrace.formats.coco.ids import ImageIndex, image_id_in
from headrace.formats.coco.ordered_records import texts_from, texts_in_chunk
from headrace.formats.coco.rows import MAX_OPEN
from headrace.formats.coco.schema import Id, PlainRecord, RecordDecoder, UndecodedRecord
from headrace.formats.geometry.lazy_polygons import PolygonText, irregular_texts
from headrace.formats.io.json_array import ArrayChunk
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape

_NO_RINGS = Raw(b"[]")
# The length of "[[0,0,0,0,0,0]]": a shorter clean segmentation has no rings.
_MIN_RINGS = 15
_LARGE = 2**16
# Where more than one in four records is not plain, runs of plain ones are too short to be worth it.
_MIN_PLAIN = 4


class ShapeOfImage(NamedTuple):
    """A shape, and its image as a sample with only an id and a size."""

    image: Sample
    shape: AnyShape


class PlainRecords(NamedTuple):
    """Neighbouring annotations, each with a new number, a box, an area, a polygon or no segmentation, a category and an image.

    The caller may change them. They are valid until the next ones are read.
    """

    records: list[PlainRecord]


class UnorderedAnnotations:
    """The images of a file, then their annotations; made by :meth:`.CocoReader.unordered`.

    Args:
        images: The images.
        chunks: The annotations, in chunks that ``record_decoder`` parsed.
        image_index: The positions of the images.
        record_decoder: Decodes records.
        shape_decoder: Decodes shapes.
        size: The size of the annotations in bytes.
    """

    def __init__(
        self,
        images: Iterator[Sample | None],
        chunks: Iterable[ArrayChunk[Any]],
        image_index: ImageIndex,
        record_decoder: RecordDecoder[Any],
        shape_decoder: CocoShapeDecoder,
        size: int,
    ) -> None:
        self._images = images
        self._chunks = chunks
        self._image_index = image_index
        self._record_decoder = record_decoder
        self._shape_decoder = shape_decoder
        # Which images were not left out, and their sizes: 0 where a size is unknown or is in _large.
        self._is_kept = bytearray()
        self._sizes = array("H")
        self._large: dict[int, tuple[int, int]] = {}
        self._all_kept = True
        self._size = size
        self._done = 0

    @property
    def names(self) -> Mapping[Id, str]:
        """The label of each category id of the file."""
        return self._shape_decoder.names

    def progress(self) -> float:
        """Return how much of the annotations is read, 0 to 1."""
        return min(self._done / self._size, 1.0)

    def images(self) -> Iterator[list[Sample]]:
        """Yield all images, without shapes."""
        while samples := list(islice(self._images, MAX_OPEN)):
            for sample in samples:
                self._sizes.extend(self._size_of(len(self._is_kept), sample))
                self._is_kept.append(sample is not None)
            kept = [sample for sample in samples if sample is not None]
            self._all_kept = self._all_kept and len(kept) == len(samples)
            yield kept

    def _size_of(self, position: int, sample: Sample | None) -> tuple[int, int]:
        if sample is None or not sample.width or not sample.height:
            return 0, 0
        size = sample.width, sample.height
        if max(size) < _LARGE:
            return size
        self._large[position] = size
        return 0, 0

    def annotations(self) -> Iterator[PlainRecords | list[ShapeOfImage]]:
        """Yield all annotations; exhaust :meth:`images` first."""
        for chunk in self._chunks:
            records, source = self._record_decoder.records(chunk), texts_in_chunk(chunk)
            if type(records[0]) is PlainRecord:
                yield from self._plain(cast("list[PlainRecord]", records), source)
            else:
                yield self._make_shapes(records, source)
            self._done += len(chunk.text)

    def _plain(
        self, records: list[PlainRecord], source: Callable[[int], UndecodedRecord]
    ) -> Iterator[PlainRecords | list[ShapeOfImage]]:
        raws = [record.segmentation for record in records]
        polygon_texts = irregular_texts(raws)
        if self._shape_decoder.boxes_only or min(map(len, raws)) < _MIN_RINGS:
            _fill_defaults(records, polygon_texts, boxes_only=self._shape_decoder.boxes_only)
        positions = self._image_index.positions(records)
        if self._are_plain(records, polygon_texts, positions):
            yield from self._claim(records, source)
            return
        flags = list(map(self._is_plain, records, polygon_texts, positions))
        if flags.count(False) * _MIN_PLAIN > len(flags):
            yield self._make_shapes(records, source)
            return
        start = 0
        for is_plain, run in groupby(flags):
            stop = start + sum(1 for _ in run)
            run_source = texts_from(start, source)
            if is_plain:
                yield from self._claim(records[start:stop], run_source)
            else:
                yield self._make_shapes(records[start:stop], run_source)
            start = stop

    def _claim(
        self, records: list[PlainRecord], source: Callable[[int], UndecodedRecord]
    ) -> Iterator[PlainRecords | list[ShapeOfImage]]:
        """Yield plain records as they are if their numbers are new, else as shapes, with findings."""
        if self._shape_decoder.claim_ids(records):
            yield PlainRecords(records)
        else:
            yield self._make_shapes(records, source)

    def _are_plain(
        self, records: list[PlainRecord], polygon_texts: list[PolygonText], positions: list[int]
    ) -> bool:
        """Return whether all records are plain, as :meth:`_is_plain` would, without a loop for each."""
        return (
            self._all_kept
            and -1 not in positions
            and tuple not in set(map(type, polygon_texts))
            and None not in [record.bbox for record in records]
            and None not in [record.area for record in records]
            and _all_zero([record.iscrowd for record in records])
            and self._shape_decoder.names.keys() >= {record.category_id for record in records}
        )

    def _is_plain(self, record: PlainRecord, polygon_text: PolygonText, position: int) -> bool:
        return (
            position >= 0
            and self._is_kept[position] == 1
            and type(polygon_text) is not tuple
            and record.bbox is not None
            and record.area is not None
            and _all_zero([record.iscrowd])
            and record.category_id in self._shape_decoder.names
        )

    def _make_shapes(
        self, records: Sequence[Any], source: Callable[[int], UndecodedRecord]
    ) -> list[ShapeOfImage]:
        """Decode records to shapes."""
        made: list[ShapeOfImage] = []
        images: dict[Id | None, Sample] = {}
        for record in records:
            image_id = (
                image_id_in(record.text) if isinstance(record, UndecodedRecord) else record.image_id
            )
            image_id = self._image_index.known_id(image_id)
            position = self._image_index.position(image_id)
            if position >= 0 and self._is_kept[position] and image_id not in images:
                images[image_id] = self._image_stub(image_id, position, made)
        self._shape_decoder.attach(records, images, source)
        for image in images.values():
            # The sample and its list of shapes refer to each other, and the garbage collector does not track samples.
            image.shapes = []
        return made

    def _image_stub(self, image_id: Id | None, position: int, made: list[ShapeOfImage]) -> Sample:
        width, height = self._large.get(position) or self._sizes[2 * position : 2 * position + 2]
        image = Sample(filename="", id=image_id, width=width or None, height=height or None)
        image.shapes = _ShapeCollector(image, made)
        return image


class _ShapeCollector(list[AnyShape]):
    """A list that appends shapes to another list, each with its image."""

    def __init__(self, image: Sample, made: list[ShapeOfImage]) -> None:
        super().__init__()
        self._image = image
        self._made = made

    def append(self, shape: AnyShape) -> None:
        self._made.append(ShapeOfImage(self._image, shape))


def _fill_defaults(
    records: list[PlainRecord], polygon_texts: list[PolygonText], *, boxes_only: bool
) -> None:
    """Fill in what the writer would write for bare boxes: an empty list of rings, and the area of the box."""
    for record, text in zip(records, polygon_texts, strict=True):
        if (
            text is None
            and record.bbox is not None
            and (boxes_only or len(record.segmentation) < _MIN_RINGS)
        ):
            record.segmentation = _NO_RINGS
            if record.area is None:
                area = record.bbox[2] * record.bbox[3]
                record.area = area if isfinite(area) else None


def _all_zero(numbers: list[int | bool]) -> bool:
    return not any(numbers) and bool not in set(map(type, numbers))
