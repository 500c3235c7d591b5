"""Runs are interleaved, and ratios are taken from runs that lie side by side."""

import math

import pytest

from bench.ratio import Pace, Ratio, Turn, ratio, turns


def test_turns_alternate_after_a_warm_up() -> None:
    order = list(turns(["a", "b"], 2))
    assert [turn.contender for turn in order] == ["a", "b"] * 3
    assert [turn.round for turn in order] == [0, 0, 1, 1, 2, 2]
    assert [turn.counts for turn in order] == [False, False, True, True, True, True]


def test_long_rounds_may_all_count() -> None:
    assert list(turns(["a", "b"], 1, warm_up=False)) == [Turn(1, "a"), Turn(1, "b")]


def paced(budget: float, seconds: float, runs: int = 5) -> list[int]:
    """The rounds that the runs of one contender count as, if each takes so long."""
    pace = Pace(budget)
    return [pace.took(turn, seconds) for turn in turns(["a"], runs) if pace.takes(turn)]


def test_a_contender_has_all_rounds_if_they_fit_in_its_budget() -> None:
    assert paced(60, 12) == [0, 1, 2, 3, 4, 5]


def test_a_slow_contender_has_fewer_rounds_and_no_warm_up() -> None:
    assert paced(60, 25) == [1, 2, 3]
    assert paced(60, 20) == [0, 1, 2, 3]
    assert paced(60, 500) == [1]


def test_without_a_budget_all_rounds_are_measured() -> None:
    assert paced(math.inf, 500) == [0, 1, 2, 3, 4, 5]


def figures(**columns: list[float]) -> dict[tuple[int, str], dict[str, float]]:
    return {
        (number, name): {"wall_s": value}
        for name, values in columns.items()
        for number, value in enumerate(values)
    }


def test_pairs_are_rounds_and_the_warm_up_is_left_out() -> None:
    """A machine that halves its speed between rounds does not change the ratio."""
    found = ratio(figures(a=[9, 1, 2, 4], b=[1, 3, 6, 12]), "a", "b", "wall_s")
    assert found == Ratio("a", "b", "wall_s", (3.0, 3.0, 3.0))


def test_spread() -> None:
    found = ratio(figures(a=[1, 1, 2, 1], b=[1, 2, 2, 4]), "a", "b", "wall_s")
    assert found is not None
    assert found.as_json() == {
        "ours": "a",
        "peer": "b",
        "measure": "wall_s",
        "pairs": [2.0, 1.0, 4.0],
        "min": 1.0,
        "median": 2.0,
        "max": 4.0,
    }


@pytest.mark.parametrize("missing", [(1, "a"), (1, "b")])
def test_a_round_that_one_did_not_finish_is_no_pair(missing: tuple[int, str]) -> None:
    known = figures(a=[1, 1, 2], b=[1, 2, 2])
    del known[missing]
    assert ratio(known, "a", "b", "wall_s") == Ratio("a", "b", "wall_s", (1.0,))


def test_nothing_to_compare_is_no_ratio() -> None:
    assert ratio(figures(a=[1.0]), "a", "b", "wall_s") is None
    assert ratio(figures(a=[1, 0.0], b=[1, 1.0]), "a", "b", "wall_s") is None


def test_a_turn_is_a_value() -> None:
    assert Turn(1, "a") == Turn(1, "a")
