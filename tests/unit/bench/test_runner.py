"""The harness runs a whole scenario and says what came of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench.data import write_coco
from bench.dataset import SCALES
from bench.report import text
from bench.runner import Plan, run_scenario
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.parse import PARSE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SPEC = SCALES["T"]


def plan(tmp_path: Path, scenario: Scenario, runs: int = 2) -> Plan:
    file = write_coco(tmp_path / "coco.json", SPEC)
    setting = Setting(SPEC, tmp_path / "cache", file)
    return Plan(scenario, scenario.chosen([]), setting, "T", runs, tmp_path / "work", 60)


def test_a_scenario_end_to_end(tmp_path) -> None:
    """Runs in turns, in folders of their own; figures, versions, ratios and text."""
    told: list[str] = []
    result = run_scenario(plan(tmp_path, PARSE), told.append)
    json.dumps(result)
    assert result["failures"] == {}
    assert result["same_outcome"] is True
    order = [(run["round"], run["contender"]) for run in result["runs"]]
    names = ["msgspec", "orjson", "json"]
    assert order == [(number, name) for number in range(3) for name in names]
    assert len(told) == len(order)
    for run in result["runs"]:
        assert run["counts"] == {"images": SPEC.images, "annotations": SPEC.annotations}
        assert run["figures"]["wall_s"] > run["figures"]["job_wall_s"] > 0
    assert {len(ratio["pairs"]) for ratio in result["ratios"]} == {2}
    assert result["contenders"]["msgspec"]["versions"]["msgspec"] == msgspec.__version__
    assert result["data"]["bytes"] == (tmp_path / "coco.json").stat().st_size
    page = text(result)
    assert "json / msgspec" in page
    assert "DIFFER" not in page


def test_a_contender_that_fails_is_left_out_and_named(tmp_path) -> None:
    broken = replace(PARSE, peers=(Contender("absent", "no_such_script.py"),))
    result = run_scenario(plan(tmp_path, broken), lambda line: None)
    assert "no_such_script.py" in result["failures"]["absent"]
    assert [run["contender"] for run in result["runs"]] == ["msgspec"] * 3
    assert result["ratios"] == []
    assert "FAILED absent" in text(result)


def test_a_run_that_cannot_be_set_up_does_not_end_the_others(tmp_path) -> None:
    @contextmanager
    def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
        if contender.name == "json":
            raise IsADirectoryError("in the way")
        with PARSE.set_up(setting, contender, folder) as setup:
            yield setup

    result = run_scenario(plan(tmp_path, replace(PARSE, set_up=set_up)), lambda line: None)
    assert result["failures"] == {"json": "IsADirectoryError: in the way"}
    assert [run["contender"] for run in result["runs"]] == ["msgspec", "orjson"] * 3


def test_a_run_with_a_budget_measures_each_contender_once_at_least(tmp_path) -> None:
    result = run_scenario(replace(plan(tmp_path, PARSE), budget=1e-9), lambda line: None)
    assert [run["round"] for run in result["runs"]] == [1, 1, 1]
    assert {len(ratio["pairs"]) for ratio in result["ratios"]} == {1}


def test_different_outcomes_are_not_compared_in_silence(tmp_path) -> None:
    result = run_scenario(plan(tmp_path, PARSE, runs=1), lambda line: None)
    result["runs"][-1]["counts"] = {"images": 1}
    result["same_outcome"] = False
    assert "THE OUTCOMES DIFFER" in text(result)


def test_an_unknown_peer_is_refused() -> None:
    with pytest.raises(ValueError, match="has no peer hare; its peers are orjson, json"):
        PARSE.chosen(["hare"])


def test_only_the_peers_that_were_named() -> None:
    assert [each.name for each in PARSE.chosen(["json"])] == ["msgspec", "json"]


def test_the_command_line_lists_the_scenarios() -> None:
    main = Path(__file__).resolve().parents[3] / "bench" / "__main__.py"
    done = subprocess.run([sys.executable, main, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "parse" in done.stdout
    refused = subprocess.run([sys.executable, main, "nothing"], capture_output=True, text=True)
    assert refused.returncode == 2
