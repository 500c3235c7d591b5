"""Read a source once: pack its images, and count what a version cannot hold.

Also the numbers of the chunks that the images are sent in, and of their halves (``spool.py`` cuts them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from headrace.engine.imports.packing import PackedImage, SamplePacker
from headrace.formats.base import Reader
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.findings.losses import FieldLosses, LossCounter
from headrace.formats.info import FIELDS, SHAPE_KINDS, WHOLE, Capability
from headrace.model.sample import Sample
from headrace.model.shapes import Line, Point

CHUNK_BYTES = 2 << 20
"""Approximate size of one call."""

PLATFORM = Capability(
    kinds=dict.fromkeys(SHAPE_KINDS, WHOLE),
    fields=frozenset(
        {
            "size",
            "background",
            "image_attributes",
            "supercategory",
            "skeleton",
            "unused_labels",
            "iscrowd",
            "text",
            "attributes",
            "split",
        }
    ),
)
"""What an import writes into a version of any platform; anything else is counted as a loss."""

HEADRACE = Capability(
    kinds=PLATFORM.kinds, fields=PLATFORM.fields | {"rings", "bbox", "segmentation", "score"}
)
"""What an import writes into a version of a lake or of our server."""

PACKED_AT_ONCE = 64
"""Images that are packed together. More gain little, and hold tens of MiB where they are crowded."""

_SHAPE_BYTES = 120
_NUMBER_BYTES = 9
_IMAGE_BYTES = 100

_ROOT_BITS = 32


class ImportChunk(Struct):
    """A part of a source; ``number`` counts from 0.

    A chunk that is too large for the server or a proxy is halved, always at the same image. The number of a half has
    the chunk's number in its low 32 bits and its position in the tree of halves above: 1 is the whole chunk (encoded
    as 0), 2i and 2i + 1 are the halves of i.
    """

    number: int
    images: list[PackedImage]

    def halves(self) -> tuple[ImportChunk, ImportChunk]:
        """Return the two halves. The chunk must have at least two images."""
        position, root = _decode_number(self.number)
        cut = len(self.images) // 2
        return (
            ImportChunk(_encode_number(2 * position, root), self.images[:cut]),
            ImportChunk(_encode_number(2 * position + 1, root), self.images[cut:]),
        )


def halved(numbers: Iterable[int]) -> frozenset[int]:
    """Return the numbers of the chunks and halves that contain the halves with these numbers."""
    found = set()
    for number in numbers:
        position, root = _decode_number(number)
        while position > 1:
            position //= 2
            found.add(_encode_number(position, root))
    return frozenset(found)


def _decode_number(number: int) -> tuple[int, int]:
    return number >> _ROOT_BITS or 1, number & ((1 << _ROOT_BITS) - 1)


def _encode_number(position: int, root: int) -> int:
    return root if position == 1 else position << _ROOT_BITS | root


def packed(
    reader: Reader,
    packer: SamplePacker,
    found: Pass,
    *,
    says: Capability = HEADRACE,
    change: Callable[[Sample], None] | None = None,
) -> Iterator[list[PackedImage]]:
    """Read all samples of a source and pack them.

    What the platform cannot store, going by what it ``says``, is counted in ``found``. ``change`` adapts the shapes of
    each sample to the version's type, one for one.
    """
    losses, counter = FieldLosses(says), LossCounter(found)
    held: list[Sample] = []
    for batch in reader.batches():
        losses.count(batch, counter)
        if says is PLATFORM:
            _count_rings(batch, counter)
            _count_attributes(batch, counter)
        counter.flush()
        if change is not None:
            for sample in batch:
                change(sample)
        held += batch
        while len(held) >= PACKED_AT_ONCE:
            page, held = held[:PACKED_AT_ONCE], held[PACKED_AT_ONCE:]
            yield packer.pack(page)
    if held:
        yield packer.pack(held)


def weight_packed(image: PackedImage) -> int:
    """Return the approximate size of an image in a call that takes packed shapes, in bytes."""
    return _IMAGE_BYTES + len(image.blob) + len(image.attributes or b"")


def weight_json(image: PackedImage) -> int:
    """Return the approximate size of an image in a call of JSON, in bytes: no number is packed in less than one byte."""
    return _SHAPE_BYTES * (1 + image.rings) + _NUMBER_BYTES * weight_packed(image)


def _count_rings(batch: list[Sample], counter: LossCounter) -> None:
    """Count the polygons of several rings. The platform has no field that joins rings, so each becomes a polygon."""
    shapes = [shape for sample in batch for shape in sample.shapes]
    count = sum([len(getattr(shape, "rings", ())) > 1 for shape in shapes])
    if count:
        message = f"not written: {FIELDS['rings']}"
        counter.add("LOSS", message, Severity.LOSS, batch[0].filename, count=count)


def _count_attributes(batch: list[Sample], counter: LossCounter) -> None:
    """Count the lines and points with attributes, which only the bulk import takes, and that takes no lines and points."""
    count = sum(
        isinstance(shape, Line | Point) and bool(shape.attributes or shape.iscrowd)
        for sample in batch
        for shape in sample.shapes
    )
    if count:
        message = "not written: attributes of lines and points"
        counter.add("LOSS", message, Severity.LOSS, batch[0].filename, count=count)
