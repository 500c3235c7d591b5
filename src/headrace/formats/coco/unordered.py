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

from headrace.formats.coco.decode import ShapeMaker
from headrace.formats.coco.group_by_image import MAX_OPEN, Placed, from_place, in_chunk
from headrace.formats.coco.image_index import Numbering, image_in
from headrace.formats.coco.schema import Id, Learner, Odd, RawPlainRecord
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


class LooseShape(NamedTuple):
    """A shape, and a stand-in for its image: with its id and size, and no name."""

    image: Sample
    shape: AnyShape


class PlainRecords(NamedTuple):
    """Neighbouring annotations, each with a number of its own, a box, an area, rings or no outline, a category and an image.

    They are the caller's to change, and valid until the next are asked for.
    """

    records: list[RawPlainRecord]


class Loose:
    """The images of a file, then its annotations, which take ``size`` bytes; made by :meth:`.reader.CocoReader.loose`."""

    def __init__(
        self,
        images: Iterator[Placed],
        chunks: Iterable[ArrayChunk[Any]],
        numbering: Numbering,
        learner: Learner[Any],
        shapes: ShapeMaker,
        size: int,
    ) -> None:
        self._images = images
        self._chunks = chunks
        self._numbering = numbering
        self._learner = learner
        self._shapes = shapes
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
        return self._shapes.names

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

    def _size_of(self, place: int, sample: Sample | None) -> tuple[int, int]:
        if sample is None or not sample.width or not sample.height:
            return 0, 0
        size = sample.width, sample.height
        if max(size) < _LARGE:
            return size
        self._large[place] = size
        return 0, 0

    def annotations(self) -> Iterator[PlainRecords | list[LooseShape]]:
        """All annotations; after the images."""
        for chunk in self._chunks:
            records, source = self._learner.records(chunk), in_chunk(chunk)
            if type(records[0]) is RawPlainRecord:
                yield from self._plain(cast("list[RawPlainRecord]", records), source)
            else:
                yield self._loose(records, source)
            self._done += len(chunk.text)

    def _plain(
        self, records: list[RawPlainRecord], source: Callable[[int], Odd]
    ) -> Iterator[PlainRecords | list[LooseShape]]:
        raws = [record.segmentation for record in records]
        polygon_texts = irregular_texts(raws)
        if self._shapes.boxes_only or min(map(len, raws)) < _LEAST_RINGS:
            _settle(records, polygon_texts, boxes_only=self._shapes.boxes_only)
        places = self._numbering.places(records)
        if self._are_plain(records, polygon_texts, places):
            yield from self._numbered(records, source)
            return
        flags = list(map(self._is_plain, records, polygon_texts, places))
        if flags.count(False) * _FEW > len(flags):
            yield self._loose(records, source)
            return
        start = 0
        for is_plain, run in groupby(flags):
            stop = start + sum(1 for _ in run)
            its = from_place(start, source)
            if is_plain:
                yield from self._numbered(records[start:stop], its)
            else:
                yield self._loose(records[start:stop], its)
            start = stop

    def _numbered(
        self, records: list[RawPlainRecord], source: Callable[[int], Odd]
    ) -> Iterator[PlainRecords | list[LooseShape]]:
        """Plain records whose numbers are new, too; else shapes, and it is told."""
        if self._shapes.take(records):
            yield PlainRecords(records)
        else:
            yield self._loose(records, source)

    def _are_plain(
        self, records: list[RawPlainRecord], polygon_texts: list[PolygonText], places: list[int]
    ) -> bool:
        """:meth:`_is_plain` of all, where it takes no look at each."""
        return (
            self._all_there
            and -1 not in places
            and tuple not in set(map(type, polygon_texts))
            and None not in [record.bbox for record in records]
            and None not in [record.area for record in records]
            and _are_zeros([record.iscrowd for record in records])
            and self._shapes.names.keys() >= {record.category_id for record in records}
        )

    def _is_plain(self, record: RawPlainRecord, outline: PolygonText, place: int) -> bool:
        return (
            place >= 0
            and self._is_there[place] == 1
            and type(outline) is not tuple
            and record.bbox is not None
            and record.area is not None
            and _are_zeros([record.iscrowd])
            and record.category_id in self._shapes.names
        )

    def _loose(self, records: Sequence[Any], source: Callable[[int], Odd]) -> list[LooseShape]:
        """The shapes of records."""
        made: list[LooseShape] = []
        images: dict[Id | None, Sample] = {}
        for record in records:
            image_id = image_in(record.text) if isinstance(record, Odd) else record.image_id
            place = self._numbering.place(image_id)
            if place >= 0 and self._is_there[place] and image_id not in images:
                images[image_id] = self._stand_in(image_id, place, made)
        self._shapes.attach(records, images, source)
        for image in images.values():
            # It and what it gathers hold each other, and the collector looks at no samples.
            image.shapes = []
        return made

    def _stand_in(self, image_id: Id | None, place: int, made: list[LooseShape]) -> Sample:
        width, height = self._large.get(place) or self._sizes[2 * place : 2 * place + 2]
        image = Sample(filename="", id=image_id, width=width or None, height=height or None)
        image.shapes = _Gathered(image, made)
        return image


class _Gathered(list[AnyShape]):
    """Hands on what is appended to it."""

    def __init__(self, image: Sample, made: list[LooseShape]) -> None:
        super().__init__()
        self._image = image
        self._made = made

    def append(self, shape: AnyShape) -> None:
        self._made.append(LooseShape(self._image, shape))


def _settle(
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


def _are_zeros(numbers: list[int | bool]) -> bool:
    return not any(numbers) and bool not in set(map(type, numbers))
