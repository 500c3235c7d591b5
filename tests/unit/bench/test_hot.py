"""The table of the hot paths: its rows name what exists, and say what held."""

from typing import Any

import pytest

from bench.hot import Row, Side, needed, rows, table
from bench.scenarios import SCENARIOS


def result(scenario: str, scale: str, **figures: list[float]) -> dict[str, Any]:
    """A result with one figure a round, the warm-up first."""
    runs = [
        {
            "round": number,
            "contender": name.replace("_", "-"),
            "figures": {"job_total_cpu_s": figure},
        }
        for name, found in figures.items()
        for number, figure in enumerate(found)
    ]
    return {"scenario": scenario, "scale": scale, "runs": runs}


def test_every_row_names_contenders_that_exist() -> None:
    for (scenario, _), contenders in needed(rows()).items():
        known = SCENARIOS[scenario]
        assert contenders <= {each.name for each in (*known.ours, *known.peers)}


def test_no_two_rows_are_the_same() -> None:
    names = [(row.work, row.scale) for row in rows()]
    assert len(names) == len(set(names))


LEAST = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 8, (Side("a", "peer"),), least=True)
MOST = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 1.5, (Side("a", "peer"),))
ALONE = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 5)
SUM = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 1, (Side("a", "peer"), Side("b", "peer")))
A = result("a", "S", mine=[100, 1, 2, 4], peer=[1, 9, 16, 20])
B = result("b", "S", peer=[1, 1, 4, 1])


@pytest.mark.parametrize(
    ("row", "figure", "held"),
    [(LEAST, 8, True), (MOST, 0.125, True), (ALONE, 2, True), (SUM, 0.1, True)],
)
def test_a_figure_is_the_median_over_the_measured_rounds(row, figure, held) -> None:
    assert row.figure([A, B]) == figure
    assert row.held(figure) is held


def test_a_row_is_short_where_its_figure_is_worse_than_what_it_should_reach() -> None:
    assert not LEAST.held(7.9)
    assert not MOST.held(1.6)
    assert LEAST.held(8)
    assert MOST.held(1.5)


def test_results_of_another_scale_or_without_a_side_are_not_used() -> None:
    assert LEAST.figure([A | {"scale": "M"}]) is None
    assert LEAST.figure([result("a", "S", mine=[1, 1])]) is None
    assert "-" in table([LEAST], []).splitlines()[-1].split()


def test_the_table_says_what_held() -> None:
    lines = table([LEAST, Row("y", "S", "job_total_cpu_s", Side("a", "mine"), 1)], [A]).splitlines()
    assert lines[1].endswith("8.00  held")
    assert lines[2].endswith("2.00  short")
