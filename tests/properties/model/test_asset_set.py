"""Stored sets of assets are the sets that Python keeps, however they grow and shrink."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import StorageError
from headrace.platform.core import asset_set

NUMBERS = st.integers(0, asset_set.SIZE - 1)
SPANS = st.builds(
    lambda start, length, step: set(range(start, min(start + length, asset_set.SIZE), step)),
    NUMBERS,
    st.integers(0, 3000),
    st.integers(1, 9),
)
SETS = st.sets(NUMBERS, max_size=40) | SPANS


@given(st.lists(st.tuples(SETS, SETS), max_size=12))
def test_sets_that_change(changes: list[tuple[set[int], set[int]]]) -> None:
    stored, kept = b"", set[int]()
    for among, chosen in changes:
        members = among & chosen
        stored = asset_set.replaced(stored, among, members)
        kept = kept - among | members
        if chosen:
            stored = asset_set.extended(stored, sorted(chosen))
            kept |= chosen
        assert asset_set.numbers_of(asset_set.to_bits(stored)) == sorted(kept)
        assert asset_set.size_of(stored) == len(kept)
        assert len(stored) <= asset_set.SIZE // 8
        assert bool(stored) == bool(kept)


@given(SETS)
def test_bits_and_numbers(numbers: set[int]) -> None:
    bits = asset_set.bits_of(numbers)
    assert asset_set.numbers_of(bits) == sorted(numbers)
    assert asset_set.to_bits(asset_set.from_bits(bits)) == bits


@pytest.mark.parametrize("damaged", [b"\0", b"\0\0\0", b"\xff\xff"])
def test_a_damaged_set(damaged: bytes) -> None:
    with pytest.raises(StorageError, match="damaged"):
        asset_set.to_bits(damaged)
