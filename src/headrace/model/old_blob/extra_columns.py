"""Unpack the columns that few annotations have: scores, boxes beside other geometry, and outlines of keypoints.

They follow the other columns of a group (``unpack.py``), and cost nothing where no shape has a value:

    extras         flags, then each column that is there
    scores         which shapes have one (0 or 1 each), then those
    boxes          which shapes have one (0 or 1 each), then x, y, w, h of those
    segmentations  0 for none, 1 for a mask, else the number of rings + 2; then all rings, and all masks as in a group
"""

from __future__ import annotations

from itertools import islice

from headrace.model.columns import Segmentation
from headrace.model.ids import MAX_ORDINAL
from headrace.model.old_blob.run_reader import RunReader
from headrace.model.shapes import Box

_SCORES = 0b0001
_BOXES = 0b0010
_SEGMENTATIONS = 0b0100
# What stands for the outline of a shape: this, or the number of its rings + _NO_RINGS.
_NOTHING, _MASK, _NO_RINGS = 0, 1, 2

Extras = tuple[list[float | None] | None, list[Box | None] | None, list[Segmentation | None] | None]
"""Scores, boxes and segmentations; None for a column that no shape of the group has."""


def unpack_extras(reader: RunReader, size: int) -> Extras:
    """Unpack the columns of a group of ``size`` shapes; raises ``ValueError`` where the bytes are damaged."""
    more = reader.byte()
    if not more or more & ~(_SCORES | _BOXES | _SEGMENTATIONS):
        raise ValueError(f"extras {more} are unknown to this headrace")
    scores = boxes = segmentations = None
    if more & _SCORES:
        present = reader.integers(size)
        values = iter(reader.coordinates(sum(map(bool, present))))
        scores = [next(values) if there else None for there in present]
    if more & _BOXES:
        present = reader.integers(size)
        values = iter(reader.coordinates(4 * sum(map(bool, present))))
        quads = zip(values, values, values, values, strict=True)
        boxes = [next(quads) if there else None for there in present]
    if more & _SEGMENTATIONS:
        segmentations = _unpack_segmentations(reader, size)
    return scores, boxes, segmentations


def _unpack_segmentations(reader: RunReader, size: int) -> list[Segmentation | None]:
    sizes = reader.integers(size)
    count = sum(number - _NO_RINGS for number in sizes if number >= _NO_RINGS)
    if count > MAX_ORDINAL:
        raise ValueError("more rings than an annotation can have")
    rings = iter(reader.chains(count))
    lengths = reader.integers(sizes.count(_MASK))
    masks = iter([reader.text(length) for length in lengths])
    segmentations: list[Segmentation | None] = []
    for number in sizes:
        if number >= _NO_RINGS:
            segmentations.append(list(islice(rings, number - _NO_RINGS)))
        else:
            segmentations.append(next(masks) if number == _MASK else None)
    return segmentations
