"""The tables of figures to reach: their rows name what exists, and say what held."""

import argparse
from dataclasses import replace
from typing import Any

import pytest

from bench.__main__ import TABLES, parse, table_rows, tasks
from bench.hot import Figure, Row, Side, needed, rows, table
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


def figure(median: float) -> Figure:
    return Figure(median, median, median, 1)


@pytest.mark.parametrize("name", TABLES)
def test_every_row_names_contenders_that_exist(name) -> None:
    for (scenario, _), contenders in needed(TABLES[name]()).items():
        known = SCENARIOS[scenario]
        assert contenders <= {each.name for each in (*known.ours, *known.peers)}


@pytest.mark.parametrize("name", TABLES)
def test_no_two_rows_are_the_same(name) -> None:
    names = [(row.work, row.scale) for row in TABLES[name]()]
    assert len(names) == len(set(names))


LEAST = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 8, (Side("a", "peer"),), least=True)
MOST = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 1.5, (Side("a", "peer"),))
ALONE = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 5)
SUM = Row("x", "S", "job_total_cpu_s", Side("a", "mine"), 1, (Side("a", "peer"), Side("b", "peer")))
A = result("a", "S", mine=[100, 1, 2, 4], peer=[1, 9, 16, 20])
B = result("b", "S", peer=[1, 1, 4, 1])


@pytest.mark.parametrize(
    ("row", "median", "held"),
    [(LEAST, 8, True), (MOST, 0.125, True), (ALONE, 2, True), (SUM, 0.1, True)],
)
def test_a_figure_is_the_median_over_the_measured_rounds(row, median, held) -> None:
    found = row.figure([A, B])
    assert (found.median, found.rounds) == (median, 3)
    assert row.held(found) is held


def test_the_spread_is_the_least_and_the_most_of_the_rounds() -> None:
    assert LEAST.figure([A, B]) == Figure(8, 5, 9, 3)


def test_a_row_is_not_reached_where_its_figure_is_worse_than_its_goal() -> None:
    assert not LEAST.held(figure(7.9))
    assert not MOST.held(figure(1.6))
    assert LEAST.held(figure(8))
    assert MOST.held(figure(1.5))
    assert replace(MOST, reach=None).held(figure(1.5)) is None


def test_results_of_another_scale_or_without_a_side_are_not_used() -> None:
    assert LEAST.figure([A | {"scale": "M"}]) is None
    assert LEAST.figure([result("a", "S", mine=[1, 1])]) is None
    assert table([LEAST], []).splitlines()[-1] == "| x | S | ≥ 8 | - |  |  |"


def test_the_table_says_what_was_reached() -> None:
    lines = table([LEAST, replace(ALONE, reach=1), replace(ALONE, reach=None)], [A]).splitlines()
    assert lines[2:] == [
        "| x | S | ≥ 8 | 8.00 (5.00 to 9.00) | 3 | yes |",
        "| x | S | ≤ 1 | 2.00 (1.00 to 4.00) | 3 | no |",
        "| x | S |  | 2.00 (1.00 to 4.00) | 3 |  |",
    ]


def options(*arguments: str) -> argparse.Namespace:
    return parse(["hot", *arguments])


def test_with_one_scale_for_all_no_row_is_there_twice() -> None:
    names = [row.work for row in table_rows(options("--scale", "S"))]
    assert len(names) == len(set(names)) < len(table_rows(options()))


def test_a_part_has_the_rows_of_its_scenarios() -> None:
    found = {row.ours.scenario for row in table_rows(options("--part", "export", "--part", "load"))}
    assert found == {"export/build", "export/coco", "export/yolo", "export/voc", "load"}


def test_what_takes_long_runs_only_where_its_scale_is_named() -> None:
    long = {(row.ours.scenario, row.scale) for row in rows() if row.apart}
    assert long
    assert not long & {(each.scenario.name, each.scale) for each in tasks(options())}
    named = tasks(options("--part", "journey", "--scale", "M"))
    assert [(each.scenario.name, each.scale) for each in named] == [("journey", "M")]
