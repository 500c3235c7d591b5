"""The layout of a blob, which holds all shapes of one annotation.

    blob     version << 4 | flags, CRC-32 of the rest (4 bytes, little-endian), MessagePack of a :class:`BlobContent`

Columns are runs of numbers (``model/blob/runs.py``) and chains of points (``model/blob/chains.py``). The ordinal of a
shape, the last part of its id, is its index in the blob. Once shapes were deleted or added later, ordinals are stored.
"""

from __future__ import annotations

import zlib

import msgspec
from msgspec import Struct

from headrace.model.blob.chains import ChainRuns
from headrace.model.columns import ShapeKind

VERSION = 3
SCORED = 0b0001
"""Set where a shape has a score. A blob without it need not be unpacked to look for scores."""

HEAD_BYTES = 5


class BlobExtras(Struct, omit_defaults=True, gc=False, rename={
    "texts": "t", "attributes": "a", "instances": "i", "ordinals": "o", "masks": "m", "visible": "v",
    "scored": "sp", "scores": "s", "boxed": "bp", "boxes": "b", "outlined": "op", "outlines": "or",
    "outline_masks": "om", "tracks": "k", "frames": "f",
}):  # fmt: skip
    """The columns that few groups have. A run ``scored``, ``boxed`` or ``outlined`` says which shapes have a value.

    Attributes:
        texts: The text of each shape.
        attributes: The attributes of each shape.
        instances: The instance of each shape plus 1; 0 for none.
        ordinals: The ordinal of each shape.
        masks: Compressed run lengths of masks.
        visible: The visibilities of all keypoints.
        scored: 1 for each shape with a score, else 0.
        scores: The scores.
        boxed: 1 for each shape with a box beside its geometry, else 0.
        boxes: The boxes ``x, y, w, h``.
        outlined: For each object with keypoints 0 for no outline, 1 for a mask, else its number of rings plus 2.
        outlines: The rings.
        outline_masks: The masks.
        tracks: For each track its start, and its numbers of boxes, rings and ends.
        frames: The frames of these.
    """

    texts: list[str | None] | None = None
    attributes: bytes = b""
    instances: bytes = b""
    ordinals: bytes = b""
    masks: list[str] | None = None
    visible: bytes = b""
    scored: bytes = b""
    scores: bytes = b""
    boxed: bytes = b""
    boxes: bytes = b""
    outlined: bytes = b""
    outlines: ChainRuns | None = None
    outline_masks: list[str] | None = None
    tracks: bytes = b""
    frames: bytes = b""


class BlobGroup(Struct, array_like=True, gc=False):
    """The shapes of one kind.

    Attributes:
        kind: A ``ShapeKind``.
        labels: The label keys, one a shape.
        numbers: ``x, y, w, h`` of rectangles, ``x, y`` of points, ``x, y, w, h`` of a track's keyframes.
        chains: Polygons, lines, the points of keypoints, the rings of tracks.
        extras: What few groups have.
    """

    kind: int
    labels: bytes
    numbers: bytes | None = None
    chains: ChainRuns | None = None
    extras: BlobExtras | None = None


class BlobContent(Struct, array_like=True, gc=False):
    """The groups, one of each kind at most; ``next_ordinal`` where ordinals are stored."""

    groups: list[BlobGroup]
    next_ordinal: int | None = None


MASKS_MARK = msgspec.msgpack.encode(BlobGroup(ShapeKind.MASK, b""))[:2]
"""How a group of masks begins: a blob without these two bytes has no masks. Headrace alone writes the blobs that it reads."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(BlobContent)


def seal(content: BlobContent, *, scored: bool) -> bytes:
    """Make the blob of a content."""
    packed = _encoder.encode(content)
    head = VERSION << 4 | (SCORED if scored else 0)
    return b"%c%b%b" % (head, zlib.crc32(packed).to_bytes(4, "little"), packed)


def opened(blob: bytes) -> BlobContent:
    """Decode the content of a blob, and check it against its checksum.

    Raises:
        ValueError: The blob is damaged.
    """
    head = blob[0] if blob else 0
    if head >> 4 != VERSION or head & 0xF & ~SCORED:
        raise ValueError(f"format {head} is unknown to this headrace")
    packed = memoryview(blob)[HEAD_BYTES:]
    if zlib.crc32(packed) != int.from_bytes(blob[1:HEAD_BYTES], "little"):
        raise ValueError("the checksum does not match")
    return _decoder.decode(packed)
