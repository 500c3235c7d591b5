"""Read annotations that are in the order of the images, whatever keys they have: both arrays are read in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from headrace.formats.coco.decode import CocoShapeDecoder
from headrace.formats.coco.ids import ImageIndex
from headrace.formats.coco.rows import MAX_OPEN
from headrace.formats.coco.schema import AnnotationRecord, RecordDecoder, UndecodedRecord
from headrace.formats.io.json_array import ArrayChunk
from headrace.model.sample import Sample


def samples_in_order(
    chunks: Iterable[ArrayChunk[Any]],
    images: Iterator[Sample | None],
    image_index: ImageIndex,
    record_decoder: RecordDecoder[Any],
    shape_decoder: CocoShapeDecoder,
) -> Iterator[list[Sample]]:
    """Yield samples with their annotations, up to the last image that has any; ``images`` then holds the others."""
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
                reached, sample = reached + 1, next(images)
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


def _position(image_index: ImageIndex, record: AnnotationRecord | UndecodedRecord) -> int:
    if isinstance(record, UndecodedRecord):
        return image_index.position_in(record.text)
    return image_index.position(record.image_id)


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
