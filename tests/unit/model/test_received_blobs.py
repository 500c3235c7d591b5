"""Blobs of another process: whatever its bytes are, they are refused with an error or are shapes that can be stored."""

from __future__ import annotations

import random
import zlib

import msgspec
import pytest

from headrace.model.blob.layout import (
    HEAD_BYTES,
    BlobContent,
    BlobExtras,
    BlobGroup,
    opened,
    seal,
)
from headrace.model.blob.pack import pack, pack_page
from headrace.model.blob.receive import UnknownLabelError, receive, receive_page
from headrace.model.blob.unpack import unpack
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes, TrackGeometry
from tests.support.tiers import slow

KEYS = {0: 70, 1: 3, 2: 1000}
RINGS = [[(0, 0), (4.5, 0), (4.5, 3.25)], [(10.125, 1e9), (11, 2), (1 / 3, 5), (7, 8)]]
TRACK = TrackGeometry(2, [(0, 1, 2, 3, 4)], [(1, RINGS[0])], [5])


def group(kind: ShapeKind, geometry: list[object], **columns: object) -> ShapeGroup:
    return ShapeGroup(kind, [0, 1], geometry, **columns)  # type: ignore[arg-type]


PLAIN = Shapes(
    [
        group(ShapeKind.RECTANGLE, [1, 2, 3.5, 4, 5, 6, 7, 80_000]),
        group(ShapeKind.POLYGON, RINGS),
        group(ShapeKind.LINE, RINGS[::-1]),
        group(ShapeKind.POINT, [1, 2, -3.25, 4]),
    ]
)
RICH = Shapes(
    [
        group(
            ShapeKind.POLYGON,
            RINGS,
            texts=["a", None],
            attributes=[None, {"k": [1]}],
            instances=[1, 1],
            scores=[0.5, None],
            boxes=[(0, 0, 5, 6.5), None],
        ),
        ShapeGroup(ShapeKind.CLASSIFICATION, [2], []),
        group(
            ShapeKind.KEYPOINTS,
            [[(1, 2, 2), (3, 4, 1)], []],
            segmentations=[RINGS, "03"],
        ),
        group(ShapeKind.MASK, ["03", "12"]),
        group(ShapeKind.TRACK, [TRACK, TRACK]),
    ]
)


def with_keys(shapes: Shapes) -> Shapes:
    made = unpack(pack(shapes))
    for each in made.groups:
        each.labels = [KEYS[label] for label in each.labels]
    return made


def stored(blob: bytes) -> Shapes:
    """Receive a blob, and return what is stored of it."""
    received = receive(blob, KEYS)
    kept = received.blob or pack(received.shapes or Shapes([]))
    shapes = unpack(kept)
    assert dict(shapes.label_counts()) == received.counts
    assert set(received.counts) <= set(KEYS.values())
    return shapes


@pytest.mark.parametrize("shapes", [PLAIN, RICH, Shapes([])])
def test_a_blob_arrives_with_the_keys_of_the_version(shapes: Shapes) -> None:
    assert stored(pack(shapes)) == with_keys(shapes)


def test_a_page_is_the_sum_of_its_blobs() -> None:
    page = [PLAIN, RICH, Shapes([]), PLAIN]
    received = receive_page(pack_page(page), KEYS)
    assert received == [receive(pack(shapes), KEYS) for shapes in page]


def test_the_keys_of_another_version_are_refused() -> None:
    with pytest.raises(UnknownLabelError, match="label 2 is not among the labels"):
        receive(pack(RICH), {0: 1, 1: 2})


def sealed(*groups: BlobGroup, next_ordinal: int | None = None) -> bytes:
    return seal(BlobContent(list(groups), next_ordinal), scored=False)


LABEL, BOX, NAN = b"\x00\x00", b"\x00\x01\x02\x03\x04", b"\x06\x00\x00\x00\x00\x00\x00\xf8\x7f"
CHAINS = opened(pack(Shapes([ShapeGroup(ShapeKind.POLYGON, [0], RINGS[:1])]))).groups[0].chains
assert CHAINS is not None

HOSTILE = {
    "nothing": b"",
    "a head alone": b"\x30",
    "an old format": b"\x20" + pack(PLAIN)[1:],
    "a flipped bit": pack(PLAIN)[:-1] + bytes([pack(PLAIN)[-1] ^ 1]),
    "cut off": pack(PLAIN)[:-3],
    "ordinals of its own": sealed(BlobGroup(0, LABEL, BOX), next_ordinal=7),
    "a kind twice": sealed(BlobGroup(0, LABEL, BOX), BlobGroup(0, LABEL, BOX)),
    "an unknown kind": sealed(BlobGroup(9, LABEL, BOX)),
    "a negative kind": sealed(BlobGroup(-1, LABEL, BOX)),
    "no shapes": sealed(BlobGroup(0, b"", BOX)),
    "labels with digits": sealed(BlobGroup(0, b"\x10\x00", BOX)),
    "negative labels": sealed(BlobGroup(0, b"\x02\xff", BOX)),
    "labels that are not numbers": sealed(BlobGroup(0, NAN, BOX)),
    "half a box": sealed(BlobGroup(0, LABEL, BOX[:-2])),
    "two boxes for one": sealed(BlobGroup(0, LABEL, BOX + BOX[1:])),
    "no box": sealed(BlobGroup(0, LABEL)),
    "not finite": sealed(BlobGroup(3, LABEL, NAN + NAN[1:])),
    "half a number": sealed(BlobGroup(3, LABEL, b"\x01\x00\x00\x00")),
    "an unknown width": sealed(BlobGroup(3, LABEL, b"\x0e\x00\x00")),
    "an unknown scale": sealed(BlobGroup(3, LABEL, b"\x50\x00\x00")),
    "a polygon with a box's numbers": sealed(BlobGroup(1, LABEL, BOX, CHAINS)),
    "a box with a polygon's points": sealed(BlobGroup(0, LABEL, BOX, CHAINS)),
    "a polygon without points": sealed(BlobGroup(1, LABEL)),
    "more points than bytes": sealed(
        BlobGroup(1, LABEL, None, CHAINS._replace(sizes=b"\x04\xff\xff\xff\x7f"))
    ),
    "fewer points than bytes": sealed(BlobGroup(1, LABEL, None, CHAINS._replace(sizes=b"\x00\x01"))),
    "a negative number of points": sealed(
        BlobGroup(1, LABEL, None, CHAINS._replace(sizes=b"\x02\xff"))
    ),
    "texts of others": sealed(BlobGroup(0, LABEL, BOX, None, BlobExtras(texts=["a", "b"]))),
    "attributes that are no JSON": sealed(
        BlobGroup(0, LABEL, BOX, None, BlobExtras(attributes=b"[{]"))
    ),
    "deep attributes": sealed(
        BlobGroup(0, LABEL, BOX, None, BlobExtras(attributes=b'[{"a":' + b"[" * 100_000))
    ),
    "scores of others": sealed(BlobGroup(0, LABEL, BOX, None, BlobExtras(scored=b"\x00\x01"))),
    "a mask without a mask": sealed(BlobGroup(6, LABEL)),
    "keypoints without visibility": sealed(BlobGroup(5, LABEL, None, CHAINS)),
    "a track without keyframes": sealed(
        BlobGroup(7, LABEL, None, None, BlobExtras(tracks=b"\x00\x00\x00\x00\x00", frames=b"\x00\x01"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_blob_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        receive(HOSTILE[what], KEYS)
    with pytest.raises(ValueError, match=r"\w"):
        receive_page([pack(PLAIN), HOSTILE[what], pack(RICH)], KEYS)


def mutated(blob: bytes, rng: random.Random) -> bytes:
    """Change some bytes of a blob, and give it the right checksum, so that it is read to its end."""
    content = bytearray(blob[HEAD_BYTES:])
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(content))
        match rng.randrange(4):
            case 0:
                content[place] = rng.randrange(256)
            case 1:
                del content[place : place + rng.randrange(1, 4)]
            case 2:
                content[place:place] = rng.randbytes(rng.randrange(1, 4))
            case _:
                content[place] ^= 1 << rng.randrange(8)
        content = content or bytearray(1)
    packed = bytes(content)
    return blob[:1] + zlib.crc32(packed).to_bytes(4, "little") + packed


@pytest.mark.parametrize("seed", [0, *map(slow, range(1, 20))])
def test_no_bytes_get_through_that_cannot_be_read_again(seed: int) -> None:
    rng = random.Random(seed)
    blobs = [pack(PLAIN), pack(RICH)]
    accepted = 0
    for number in range(5_000):
        try:
            stored(mutated(blobs[number % 2], rng))
            accepted += 1
        except ValueError:
            pass
    assert 0 < accepted < 5_000


def test_the_errors_of_the_decoder_are_translated() -> None:
    blob = seal(BlobContent([]), scored=False)
    other = msgspec.msgpack.encode({"groups": 1})
    wrong = blob[:1] + zlib.crc32(other).to_bytes(4, "little") + other
    with pytest.raises(ValueError, match="Expected `array`"):
        receive(wrong, KEYS)
