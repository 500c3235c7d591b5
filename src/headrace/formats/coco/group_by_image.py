"""Group annotations by image: yield samples, in the order of the file, with all of their annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import groupby, islice
from typing import Any, cast

from msgspec import Raw
from msgspec.json import Decoder

from headrace.formats.coco.decode import CocoShapeDecoder
from headrace.formats.coco.image_index import ImageIndex
from headrace.formats.coco.row_sort import Row, Rows, RowSort
from headrace.formats.coco.schema import AnyAnnotation, RecordDecoder, UndecodedRecord
from headrace.formats.coco.text_sort import TextSort
from headrace.formats.io.json_array import ArrayChunk
from headrace.model.sample import Sample

# An image's position in the file, and its sample unless the image was left out.
IndexedSample = tuple[int, Sample | None]

# How many samples may wait for their annotations at once.
MAX_OPEN = 1024

_RAW = Decoder(Raw)


def from_sorted(
    sorted_annotations: TextSort[Any] | RowSort,
    images: Iterator[IndexedSample],
    record_decoder: RecordDecoder[Any],
    shape_decoder: CocoShapeDecoder,
    find: Callable[[Row], UndecodedRecord],
) -> Iterator[list[Sample]]:
    """Yield samples with annotations that were sorted. Annotations of unknown images become findings first.

    ``find`` returns the text of a row.
    """

    def attach(content: bytes | Rows, samples: dict[Any, Sample]) -> None:
        if isinstance(content, bytes):
            shape_decoder.attach(
                record_decoder.decode_lines(content), samples, _texts_in_lines(content)
            )
        elif bytes not in set(map(type, content)):
            shape_decoder.attach_rows(cast("list[Row]", content), samples, find)
        else:
            for kind, run in groupby(content, type):
                rows: list[Any] = list(run)
                if kind is bytes:
                    attach(b"\n".join(rows), samples)
                else:
                    shape_decoder.attach(rows, samples, partial(_find_at, find, rows))

    for content in sorted_annotations.orphans():
        attach(content, {})
    for first, after, content in sorted_annotations.groups():
        samples = [sample for _, sample in islice(images, after - first) if sample is not None]
        if content:
            attach(content, {sample.id: sample for sample in samples})
        yield samples


def from_ordered(
    chunks: Iterable[ArrayChunk[Any]],
    images: Iterator[IndexedSample],
    image_index: ImageIndex,
    record_decoder: RecordDecoder[Any],
    shape_decoder: CocoShapeDecoder,
) -> Iterator[list[Sample]]:
    """Yield samples with annotations that are in the order of the images: both arrays are read in parallel."""
    waiting: dict[int, Sample] = {}
    reached = -1
    for chunk in chunks:
        records, source = record_decoder.records(chunk), texts_in_chunk(chunk)
        positions = [_position(image_index, record) for record in records]
        for start, stop in _spans(positions):
            low = max(positions[start], 0)
            ready = [
                waiting.pop(position)
                for position in [position for position in waiting if position < low]
            ]
            while reached < positions[stop - 1]:
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
            shape_decoder.attach(records[start:stop], by_id, texts_from(start, source))
    yield list(waiting.values())
    yield from without_annotations(images)


def without_annotations(images: Iterator[IndexedSample]) -> Iterator[list[Sample]]:
    """Yield samples as they are."""
    while indexed := list(islice(images, MAX_OPEN)):
        yield [sample for _, sample in indexed if sample is not None]


def _spans(positions: list[int]) -> Iterator[tuple[int, int]]:
    """Split a chunk into spans of images that can wait at once; usually there is only one."""
    start = 0
    if positions and positions[-1] - positions[0] > MAX_OPEN:
        for i, position in enumerate(positions):
            if position - positions[start] > MAX_OPEN:
                yield start, i
                start = i
    if start < len(positions):
        yield start, len(positions)


def _position(image_index: ImageIndex, record: AnyAnnotation | UndecodedRecord) -> int:
    if isinstance(record, UndecodedRecord):
        return image_index.position_in(record.text)
    return image_index.position(record.image_id)


def _texts_in_lines(text: bytes) -> Callable[[int], UndecodedRecord]:
    lines = cache(partial(_RAW.decode_lines, text))
    return lambda index: UndecodedRecord(bytes(lines()[index]))


def _find_at(
    find: Callable[[Row], UndecodedRecord], rows: list[Row], index: int
) -> UndecodedRecord:
    return find(rows[index])


def texts_in_chunk(chunk: ArrayChunk[Any]) -> Callable[[int], UndecodedRecord]:
    """Return a function that finds the text of an element of a chunk by its index.

    The chunk is split only once: a file of bad records needs every one of its elements.
    """
    elements = cache(chunk.elements)

    def source(index: int) -> UndecodedRecord:
        offset, text = elements()[index]
        return UndecodedRecord(text, offset)

    return source


def texts_from(
    start: int, source: Callable[[int], UndecodedRecord]
) -> Callable[[int], UndecodedRecord]:
    """Return a source whose indices count from ``start`` of another."""
    return lambda index: source(start + index)
