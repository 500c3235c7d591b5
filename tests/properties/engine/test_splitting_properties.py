"""Splits: nothing lost, nothing twice, sizes as near to the ratios as whole numbers can be."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headrace.engine.versions.split import check_ratios, random_generator, sizes, split
from headrace.errors import BadRequestError

RATIOS = st.lists(
    st.floats(0, 1e6, allow_nan=False, allow_subnormal=False), min_size=2, max_size=9
).filter(lambda ratios: sum(ratios) > 0)


@given(st.integers(0, 5_000), RATIOS)
@example(100, [1.0] * 7)  # the sums of which end in 0.999…
@example(3, [0.1, 0.2, 0.7])
def test_sizes_add_up_and_are_next_to_exact(count: int, ratios: list[float]) -> None:
    made = sizes(count, ratios)
    assert sum(made) == count
    total = sum(map(Fraction, ratios))
    for size, ratio in zip(made, ratios, strict=True):
        assert abs(size - count * Fraction(ratio) / total) < 1 + Fraction(1, 10**6)
        assert ratio > 0 or size == 0


@given(st.lists(st.integers(), unique=True), RATIOS, st.integers() | st.text() | st.binary())
def test_every_item_is_in_exactly_one_part(
    items: list[int], ratios: list[float], seed: int | str | bytes
) -> None:
    parts = split(items, ratios, random_generator(seed))
    assert [len(part) for part in parts] == sizes(len(items), ratios)
    assert sorted(item for part in parts for item in part) == sorted(items)
    assert parts == split(items, ratios, random_generator(seed))


def test_a_seed_draws_the_same_today_and_tomorrow() -> None:
    assert split(range(6), [2, 1], random_generator(42)) == [[3, 1, 2, 4], [0, 5]]


def test_nobody_elses_random_numbers_change() -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    split(range(100), [1, 1], random_generator(7))
    assert random.random() == expected


@pytest.mark.parametrize(
    "ratios", [[], [1.0], [0.0, 0.0], [1.0, -0.1], [1.0, float("nan")], [1.0, float("inf")]]
)
def test_ratios_that_make_no_sense(ratios: list[float]) -> None:
    with pytest.raises(BadRequestError):
        check_ratios(ratios)


def test_a_seed_that_is_none() -> None:
    with pytest.raises(BadRequestError, match="seed of type list"):
        random_generator([1])
