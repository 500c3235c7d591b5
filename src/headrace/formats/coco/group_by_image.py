"""Group annotations by image: yield samples, in the order of the file, with all of their annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from headrace.formats.coco.decode import CocoShapeDecoder
from headrace.formats.coco.rows import MAX_OPEN, OrderedRows, Row, RowSort
from headrace.formats.coco.schema import UndecodedRecord
from headrace.formats.coco.text_sort import TextSort
from headrace.formats.io.json_array import ArrayChunk
from headrace.model.sample import Sample


def with_annotations(
    annotations: TextSort[Any] | RowSort | OrderedRows,
    images: Iterator[Sample | None],
    shape_decoder: CocoShapeDecoder,
    find: Callable[[Row], UndecodedRecord],
) -> Iterator[list[Sample]]:
    """Yield samples with their annotations. Annotations of unknown images become findings first.

    ``find`` returns the text of a row.
    """

    def attach(content: bytes | list[Row], first: int, group: list[Sample | None]) -> None:
        if isinstance(content, bytes):
            samples = {sample.id: sample for sample in group if sample is not None}
            shape_decoder.attach_lines(content, samples)
        else:
            shape_decoder.attach_rows(content, first, group, find)

    for content in annotations.orphans():
        attach(content, 0, [])
    for first, after, content in annotations.groups():
        group = list(islice(images, after - first))
        if content:
            attach(content, first, group)
        yield [sample for sample in group if sample is not None]


def without_annotations(images: Iterator[Sample | None]) -> Iterator[list[Sample]]:
    """Yield samples as they are."""
    while group := list(islice(images, MAX_OPEN)):
        yield [sample for sample in group if sample is not None]


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
