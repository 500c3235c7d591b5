"""Cutting a source into chunks: so many images, or so many bytes, whichever comes first.

The cut depends on the source alone, never on the lake, so that a second run cuts the same chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from headrace.formats.base import Reader
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.info import FIELDS, SHAPE_KINDS, WHOLE, Capability
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Keypoints, Line, Mask, Polygon, Track

CHUNK_BYTES = 2 << 20
"""About so many bytes of JSON go into one call."""

PLATFORM = Capability(
    kinds=dict.fromkeys(SHAPE_KINDS, WHOLE),
    fields=frozenset(
        {
            "size",
            "image_attributes",
            "supercategory",
            "skeleton",
            "unused_labels",
            "iscrowd",
            "text",
            "attributes",
            "rings",
        }
    ),
)
"""What an import carries into a version; the rest is counted."""

_SHAPE_BYTES = 120
_NUMBER_BYTES = 9


_PLACES = 32


class Chunk(Struct):
    """A part of a source; ``number`` counts from 0.

    A chunk that is too large for something on the way is halved, always alike. Halves have numbers of their own: above
    the chunk's 32 bits stands their place in the tree of halves, where 1 is the whole (written as 0), and 2i and 2i + 1
    are the halves of i.
    """

    number: int
    samples: list[Sample]

    def halves(self) -> tuple[Chunk, Chunk]:
        """The first and the second half; there must be two samples or more."""
        place, root = _place(self.number)
        cut = len(self.samples) // 2
        return (
            Chunk(_numbered(2 * place, root), self.samples[:cut]),
            Chunk(_numbered(2 * place + 1, root), self.samples[cut:]),
        )


def halved(numbers: Iterable[int]) -> frozenset[int]:
    """The chunks, and halves, that these are parts of."""
    found = set()
    for number in numbers:
        place, root = _place(number)
        while place > 1:
            place //= 2
            found.add(_numbered(place, root))
    return frozenset(found)


def _place(number: int) -> tuple[int, int]:
    return number >> _PLACES or 1, number & ((1 << _PLACES) - 1)


def _numbered(place: int, root: int) -> int:
    return root if place == 1 else place << _PLACES | root


def chunks(
    reader: Reader, found: Pass, *, images: int, change: Callable[[Sample], None] | None = None
) -> Iterator[Chunk]:
    """All samples of a source in chunks; what the platform has no place for is counted in ``found``.

    ``change`` makes of each sample's shapes what the version takes, one for one.
    """
    number = weight = 0
    held: list[Sample] = []
    losses, counter = FieldLosses(PLATFORM), LossCounter(found)
    for batch in reader.batches():
        losses.count(batch, counter)
        _count_boxes(batch, counter)
        counter.flush()
        for sample in batch:
            if change is not None:
                change(sample)
            size = _weight(sample)
            if held and (len(held) >= images or weight + size > CHUNK_BYTES):
                yield Chunk(number, held)
                number, held, weight = number + 1, [], 0
            held.append(sample)
            weight += size
    if held:
        yield Chunk(number, held)


def _count_boxes(batch: list[Sample], counter: LossCounter) -> None:
    """A box that a source gives beside an outline is made anew from it."""
    shapes = [shape for sample in batch for shape in sample.shapes]
    count = sum([getattr(shape, "bbox", None) is not None for shape in shapes])
    if count:
        message = f"not written: {FIELDS['bbox']}"
        counter.add("LOSS", message, Severity.NOTE, batch[0].filename, count=count)


def _weight(sample: Sample) -> int:
    return _SHAPE_BYTES * (1 + len(sample.shapes)) + sum(map(_geometry, sample.shapes))


def _geometry(shape: AnyShape) -> int:
    match shape:
        case Polygon():
            return _NUMBER_BYTES * sum(map(len, shape.rings))
        case Line() | Keypoints():
            return _NUMBER_BYTES * len(shape.points)
        case Mask():
            return len(shape.counts)
        case Track():
            return _SHAPE_BYTES * len(shape.rectangles) + _NUMBER_BYTES * sum(
                len(keyframe.ring) for keyframe in shape.polygons
            )
    return 0
