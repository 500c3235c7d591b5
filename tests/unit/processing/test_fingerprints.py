"""Groups of equal and of similar fingerprints, compared with a search over all pairs."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.processing.fingerprints import FingerprintIndex


@pytest.fixture
def index() -> Iterator[FingerprintIndex]:
    index = FingerprintIndex()
    yield index
    index.close()


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_equal_fingerprints(index: FingerprintIndex) -> None:
    rows = [(key(9), b"b"), (key(3), b"a"), (key(5), b"c"), (key(1), b"b"), (key(2), b"b")]
    index.add(rows[:2])
    index.add(rows[2:])
    assert list(index.equal_groups()) == [[key(1), key(2), key(9)]]


def test_an_empty_index_has_no_groups(index: FingerprintIndex) -> None:
    assert list(index.equal_groups()) == []
    assert list(index.similar_groups(4)) == []


@st.composite
def hashes(draw: st.DrawFn) -> list[int]:
    """Signed 64-bit numbers, many of them near to one another, also over the sign."""
    seeds = draw(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=1, max_size=4))
    flips = st.tuples(st.sampled_from(seeds), st.lists(st.integers(0, 63), max_size=12))
    return [signed(flipped(seed, bits)) for seed, bits in draw(st.lists(flips, max_size=24))]


def flipped(value: int, bits: list[int]) -> int:
    value &= (1 << 64) - 1
    for bit in bits:
        value ^= 1 << bit
    return value


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def plain(found: list[int], distance: int) -> list[list[bytes]]:
    """Every pair compared, and sets joined until nothing changes."""
    sets = [{number} for number in range(len(found))]
    for one, mine in enumerate(found):
        for other, theirs in enumerate(found[:one]):
            near = ((mine ^ theirs) & ((1 << 64) - 1)).bit_count() <= distance
            if near and sets[one] is not sets[other]:
                joined = sets[one] | sets[other]
                for number in joined:
                    sets[number] = joined
    groups = {id(each): each for each in sets if len(each) > 1}.values()
    return sorted([key(number) for number in sorted(each)] for each in groups)


@given(hashes(), st.integers(0, 10), st.none() | st.integers(1, 3))
def test_similar_hashes_are_those_that_a_plain_search_finds(
    found: list[int], distance: int, shared: int | None
) -> None:
    index = FingerprintIndex()
    try:
        index.add([(key(number), value) for number, value in enumerate(found)])
        assert sorted(index.similar_groups(distance, shared=shared)) == plain(found, distance)
    finally:
        index.close()


@pytest.mark.parametrize("distance", [0, 1, 3, 6])
def test_many_that_are_nearly_alike(index: FingerprintIndex, distance: int) -> None:
    """Crowds about a few hashes, some of which overlap: many share every band."""
    chance = random.Random(distance)
    seeds = [chance.getrandbits(64) for _ in range(3)]
    found = [
        signed(flipped(chance.choice(seeds), chance.sample(range(64), chance.randrange(5))))
        for _ in range(400)
    ]
    index.add([(key(number), value) for number, value in enumerate(found)])
    assert sorted(index.similar_groups(distance)) == plain(found, distance)
