"""Any shapes survive packing, whatever their numbers; any bytes unpack or are refused, and nothing else."""

from __future__ import annotations

import random
import zlib
from contextlib import suppress
from itertools import chain

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.errors import StorageError
from headrace.model.blob import counts
from headrace.model.blob.counts import pack_counts, unpack_counts
from headrace.model.blob.layout import HEAD_BYTES, VERSION
from headrace.model.blob.pack import pack, pack_page
from headrace.model.blob.unpack import labels_of_page, unpack, unpack_page
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes, TrackGeometry
from tests.support.tiers import scaled

LABELS = st.integers(0, 2**31 - 1)
NUMBERS = st.one_of(
    st.integers(-300, 70_000),
    st.integers(-(2**53), 2**53),
    st.integers(0, 64_000).map(lambda n: n / 100),
    st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
    st.floats(allow_nan=False, allow_infinity=False),
)
PAIRS = st.tuples(NUMBERS, NUMBERS)
CHAINS = st.lists(PAIRS, max_size=8)
TRACKS = st.builds(
    TrackGeometry,
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 500), NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=3),
    st.lists(st.tuples(st.integers(0, 500), CHAINS), max_size=2),
    st.lists(st.integers(0, 900), max_size=3),
)
SHAPE = {
    ShapeKind.RECTANGLE: st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    ShapeKind.POLYGON: CHAINS,
    ShapeKind.LINE: CHAINS,
    ShapeKind.POINT: PAIRS,
    ShapeKind.CLASSIFICATION: st.just(()),
    ShapeKind.KEYPOINTS: st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 2)), max_size=5),
    ShapeKind.MASK: st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=40),
    ShapeKind.TRACK: TRACKS,
}
SEGMENTATIONS = st.one_of(
    st.lists(CHAINS, min_size=1, max_size=3),
    st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=20),
)
FLAT = (ShapeKind.RECTANGLE, ShapeKind.POINT, ShapeKind.CLASSIFICATION)
JSON = st.dictionaries(
    st.sampled_from(["", "a", "colour", "é", "😀"]),
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=9)),
    max_size=3,
)


@st.composite
def groups(draw: st.DrawFn, kind: ShapeKind) -> ShapeGroup:
    size = draw(st.integers(1, 4))
    shapes = draw(st.lists(SHAPE[kind], min_size=size, max_size=size))

    def some(values: st.SearchStrategy[object]) -> list[object] | None:
        if not draw(st.booleans()):
            return None
        return draw(st.lists(st.none() | values, min_size=size, max_size=size))

    return ShapeGroup(
        kind,
        draw(st.lists(LABELS, min_size=size, max_size=size)),
        list(chain.from_iterable(shapes)) if kind in FLAT else shapes,
        texts=some(st.text(max_size=12)),
        attributes=some(JSON),
        instances=some(st.integers(0, 2**40)),
        scores=some(NUMBERS),
        boxes=some(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS)),
        segmentations=some(SEGMENTATIONS),
    )


@st.composite
def annotations(draw: st.DrawFn) -> Shapes:
    # Small draws: a large one runs out of hypothesis' bytes, and then shows nothing at all.
    kinds = draw(st.lists(st.sampled_from(list(ShapeKind)), unique=True, max_size=4))
    made = Shapes([draw(groups(kind)) for kind in sorted(kinds)])
    if draw(st.booleans()):
        ordinals = iter(draw(st.permutations(range(made.count + 3))))
        for group in made.groups:
            group.ordinals = [next(ordinals) for _ in group.labels]
        made.next_ordinal = made.count + 3
    return made


@given(annotations())
@settings(max_examples=scaled(150))
def test_shapes_come_back_equal(shapes: Shapes) -> None:
    blob = pack(shapes)
    assert unpack(blob) == shapes
    # -0.0 comes back as 0, so that the bytes may differ in its sign.
    again = pack(unpack(blob))
    assert (len(again), unpack(again)) == (len(blob), shapes)


@given(annotations(), st.data())
@settings(max_examples=scaled(100))
def test_a_cut_blob_is_refused(shapes: Shapes, data: st.DataObject) -> None:
    blob = pack(shapes)
    cut = blob[: data.draw(st.integers(0, len(blob) - 1))]
    try:
        left = unpack(cut)
    except StorageError:
        return
    # Only a cut between two groups can go unseen; what is left then is a true part.
    assert left.groups == shapes.groups[: len(left.groups)]


@given(annotations(), st.data())
@settings(max_examples=scaled(100))
def test_a_damaged_blob_is_read_or_refused(shapes: Shapes, data: st.DataObject) -> None:
    blob = bytearray(pack(shapes))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with suppress(StorageError):
        assert unpack(bytes(blob)).count >= 0


def resealed(packed: bytes) -> bytes:
    """A blob with a content that its checksum fits."""
    return bytes([VERSION << 4]) + zlib.crc32(packed).to_bytes(4, "little") + packed


@given(annotations(), st.data())
@settings(max_examples=scaled(300))
def test_a_hostile_content_is_read_or_refused(shapes: Shapes, data: st.DataObject) -> None:
    packed = bytearray(pack(shapes)[HEAD_BYTES:])
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(StorageError):
        read = unpack(resealed(bytes(packed)))
        # What is read can be stored: no number in it is without a meaning.
        assert unpack(pack(read)).count == read.count


@given(st.lists(annotations(), max_size=5))
@example(
    [Shapes([ShapeGroup(ShapeKind.LINE, [0], [[(0.0, 1.7976931348623157e308), (0.0, -1e308)]])])]
)
@settings(max_examples=scaled(50))
def test_a_page_holds_what_its_blobs_hold(page: list[Shapes]) -> None:
    blobs = pack_page(page)
    assert blobs == [pack(shapes) for shapes in page]
    assert unpack_page(blobs) == page
    assert unpack_page(blobs, whole=True) == [unpack(blob, whole=True) for blob in blobs]


@given(st.lists(annotations(), max_size=5))
@settings(max_examples=scaled(50))
def test_labels_are_read_without_the_geometry(page: list[Shapes]) -> None:
    expected = [[(group.kind, list(group.labels)) for group in each.groups] for each in page]
    assert labels_of_page(pack_page(page)) == expected


@given(annotations(), st.data())
@settings(max_examples=scaled(50))
def test_labels_of_a_damaged_blob_are_refused(shapes: Shapes, data: st.DataObject) -> None:
    blob = bytearray(pack(shapes))
    blob[data.draw(st.integers(HEAD_BYTES, len(blob) - 1))] ^= 1
    with pytest.raises(StorageError):
        labels_of_page([bytes(blob)])


@given(st.binary(max_size=60))
@settings(max_examples=scaled(1000))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for prefix in (b"", b"\x10", b"\x11\x05", b"\x22"):
        with suppress(StorageError):
            assert unpack(prefix + content).count >= 0
    with suppress(StorageError):
        assert unpack(resealed(content)).count >= 0


@given(st.lists(st.integers(0, 200) | LABELS, max_size=60))
def test_counts_come_back(labels: list[int]) -> None:
    found = {label: labels.count(label) for label in set(labels)}
    assert unpack_counts(pack_counts(found)) == found


SMALL_COUNTS = st.builds(
    lambda size, keys, form, numbers: bytes([size, 0, *keys, form, *numbers]),
    st.integers(0, 4),
    st.binary(max_size=4),
    st.sampled_from((0, 7)),
    st.binary(max_size=4),
)


@given(SMALL_COUNTS)
@settings(max_examples=scaled(300))
def test_small_counts_are_read_as_all_others_are(blob: bytes) -> None:
    small = counts._small_counts(blob)
    assert small is None or small == counts._any_counts(blob)


@pytest.mark.slow
def test_a_million_random_shapes_come_back() -> None:
    rng = random.Random(11)
    makers = (
        lambda: rng.randint(0, 2000),
        lambda: float(rng.randint(-50, 2000)),
        lambda: round(rng.uniform(0, 2000), rng.choice((1, 2, 3))),
        lambda: rng.uniform(-10, 5000),
    )
    made = 0
    while made < 1_000_000:
        number = rng.choice(makers)
        size = rng.randint(1, 40)
        shapes = Shapes(
            [
                ShapeGroup(
                    ShapeKind.RECTANGLE,
                    [rng.randint(0, 90) for _ in range(size)],
                    [number() for _ in range(4 * size)],
                ),
                ShapeGroup(
                    ShapeKind.POLYGON,
                    [rng.randint(0, 900) for _ in range(size)],
                    [[(number(), number()) for _ in range(rng.randint(3, 9))] for _ in range(size)],
                ),
            ]
        )
        assert unpack(pack(shapes)) == shapes
        made += shapes.count
