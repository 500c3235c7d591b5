"""Samples with all of their annotations, from images in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import groupby, islice
from typing import Any, cast

from msgspec import Raw
from msgspec.json import Decoder

from headrace.formats.coco.decode import ShapeMaker
from headrace.formats.coco.image_index import Numbering
from headrace.formats.coco.row_sort import Row, RowBuckets, Rows
from headrace.formats.coco.schema import AnyAnnotation, Learner, Odd
from headrace.formats.coco.text_sort import TextBuckets
from headrace.formats.io.json_stream import ArrayChunk
from headrace.model.sample import Sample

# An image's place in the file, and its sample unless it was left out.
Placed = tuple[int, Sample | None]

# So many images may be open at once while annotations that lie in order are handed to them.
MAX_OPEN = 1024

_RAW = Decoder(Raw)


def from_buckets(
    buckets: TextBuckets[Any] | RowBuckets,
    images: Iterator[Placed],
    learner: Learner[Any],
    shapes: ShapeMaker,
    find: Callable[[Row], Odd],
) -> Iterator[list[Sample]]:
    """Samples whose annotations were dealt into buckets; annotations of no image come first, as findings.

    ``find`` shows the text of a row.
    """

    def attach(content: bytes | Rows, samples: dict[Any, Sample]) -> None:
        if isinstance(content, bytes):
            shapes.attach(learner.lines(content), samples, _in_lines(content))
        elif bytes not in set(map(type, content)):
            shapes.attach_rows(cast("list[Row]", content), samples, find)
        else:
            for kind, run in groupby(content, type):
                rows: list[Any] = list(run)
                if kind is bytes:
                    attach(b"\n".join(rows), samples)
                else:
                    shapes.attach(rows, samples, partial(_found, find, rows))

    for content in buckets.orphans():
        attach(content, {})
    for first, after, content in buckets.groups():
        samples = [sample for _, sample in islice(images, after - first) if sample is not None]
        if content:
            attach(content, {sample.id: sample for sample in samples})
        yield samples


def from_order(
    chunks: Iterable[ArrayChunk[Any]],
    images: Iterator[Placed],
    numbering: Numbering,
    learner: Learner[Any],
    shapes: ShapeMaker,
) -> Iterator[list[Sample]]:
    """Samples whose annotations lie in the order of the images already: two streams side by side."""
    waiting: dict[int, Sample] = {}
    reached = -1
    for chunk in chunks:
        records, source = learner.records(chunk), in_chunk(chunk)
        places = [_place(numbering, record) for record in records]
        for start, stop in _spans(places):
            low = max(places[start], 0)
            ready = [waiting.pop(place) for place in [place for place in waiting if place < low]]
            while reached < places[stop - 1]:
                reached, sample = next(images)
                if sample is not None:
                    if reached >= low:
                        waiting[reached] = sample
                    else:
                        ready.append(sample)
                if len(ready) >= MAX_OPEN:
                    yield ready
                    ready = []
            yield ready
            by_id = {sample.id: sample for sample in waiting.values()}
            shapes.attach(records[start:stop], by_id, from_place(start, source))
    yield list(waiting.values())
    yield from without_annotations(images)


def without_annotations(images: Iterator[Placed]) -> Iterator[list[Sample]]:
    """Samples as they are."""
    while placed := list(islice(images, MAX_OPEN)):
        yield [sample for _, sample in placed if sample is not None]


def _spans(places: list[int]) -> Iterator[tuple[int, int]]:
    """Cut a chunk where its images lie too far apart to be open at once; mostly it is one span."""
    start = 0
    if places and places[-1] - places[0] > MAX_OPEN:
        for i, place in enumerate(places):
            if place - places[start] > MAX_OPEN:
                yield start, i
                start = i
    if start < len(places):
        yield start, len(places)


def _place(numbering: Numbering, record: AnyAnnotation | Odd) -> int:
    if isinstance(record, Odd):
        return numbering.place_in(record.text)
    return numbering.place(record.image_id)


def _in_lines(text: bytes) -> Callable[[int], Odd]:
    lines = cache(partial(_RAW.decode_lines, text))
    return lambda index: Odd(bytes(lines()[index]))


def _found(find: Callable[[Row], Odd], rows: list[Row], index: int) -> Odd:
    return find(rows[index])


def in_chunk(chunk: ArrayChunk[Any]) -> Callable[[int], Odd]:
    """Shows the text of an element by its place among those of a chunk.

    The chunk is cut once, however many are asked for: in a file of bad records that is each of them.
    """
    elements = cache(chunk.elements)

    def source(index: int) -> Odd:
        offset, text = elements()[index]
        return Odd(text, offset)

    return source


def from_place(start: int, source: Callable[[int], Odd]) -> Callable[[int], Odd]:
    """The same for those from ``start`` on."""
    return lambda index: source(start + index)
