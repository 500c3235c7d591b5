"""The formats scenarios: the same data in three formats, and the same outcome for all who convert it."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import process
from bench.data import write_coco
from bench.dataset import Spec
from bench.environments import CACHE
from bench.outcomes import count_objects
from bench.report import text
from bench.runner import Plan, run_scenario
from bench.scenario import Setting
from bench.scenarios import SCENARIOS, find
from bench.scenarios.formats import EMPTY, FORMATS, HOTCOCO, IDLE, LABELFORMAT
from bench.trees import ensure_trees
from headrace import formats

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SPEC = Spec(100, 500, polygons=True)


@pytest.fixture(scope="module")
def setting(tmp_path_factory) -> Setting:
    cache = tmp_path_factory.mktemp("cache")
    return Setting(SPEC, cache, write_coco(cache / "coco.json", SPEC))


def with_shapes(setting: Setting) -> dict[str, int]:
    annotations = json.loads(setting.coco_file.read_bytes())["annotations"]
    return {"images": len({each["image_id"] for each in annotations}), "shapes": len(annotations)}


@pytest.mark.parametrize("kind", ["yolo", "voc"])
def test_the_trees_hold_what_the_file_holds(setting, kind) -> None:
    folder = ensure_trees(setting) / kind
    assert count_objects(folder, kind) == with_shapes(setting)
    with formats.read(folder, kind, strict=True) as source, formats.read(setting.coco_file) as coco:
        found = {sample.filename: sample for sample in source}
        for sample in coco:
            mine = found.pop(sample.filename)
            assert (mine.width, mine.height) == (sample.width, sample.height)
            labels = sorted(shape.label for shape in sample.shapes)
            assert sorted(shape.label for shape in mine.shapes) == labels
    assert not found


def test_trees_are_made_once(setting) -> None:
    before = (ensure_trees(setting) / "yolo" / "data.yaml").stat().st_mtime_ns
    assert (ensure_trees(setting) / "yolo" / "data.yaml").stat().st_mtime_ns == before
    assert [path.name for path in ensure_trees(setting).parent.iterdir()] == [SPEC.name]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", FORMATS, ids=lambda each: each.name)
def test_ours_do_every_operation(setting, tmp_path, scenario) -> None:
    limits = tuple(each for each in scenario.peers if each in (EMPTY, IDLE))
    contenders = (*scenario.ours, *limits)
    plan = Plan(scenario, contenders, setting, "T", 1, tmp_path / "work", 60, warm_up=False)
    result = run_scenario(plan, lambda line: None)
    assert (result["failures"], result["same_outcome"]) == ({}, True)
    wanted = with_shapes(setting)
    if scenario.name == "formats/read":
        wanted["images"] = SPEC.images
    for run in result["runs"]:
        if run["contender"] not in (EMPTY.name, IDLE.name):
            assert run["counts"] == wanted
    if scenario.name != "formats/read":
        assert "ping p99 ms" in text(result)


@pytest.mark.interop
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", FORMATS, ids=lambda each: each.name)
def test_every_peer_does_the_same(setting, tmp_path, scenario) -> None:
    # Their environments are kept with those of the benchmarks.
    shared = replace(setting, cache=CACHE)
    plan = Plan(
        scenario, scenario.chosen([]), shared, "T", 1, tmp_path / "work", 120, warm_up=False
    )
    result = run_scenario(plan, lambda line: None)
    assert (result["failures"], result["same_outcome"]) == ({}, True)


@pytest.mark.slow
def test_what_was_written_goes_again_only_where_it_takes_memory(
    setting, tmp_path, monkeypatch
) -> None:
    scenario = SCENARIOS["formats/coco-coco"]
    for tmpfs in (True, False):
        monkeypatch.setattr("bench.scenarios.formats.on_tmpfs", lambda folder, held=tmpfs: held)
        work = tmp_path / str(tmpfs)
        plan = Plan(scenario, scenario.ours, setting, "T", 1, work, 60, warm_up=False)
        run_scenario(plan, lambda line: None)
        assert (work / "01-headrace" / "out.json").exists() is not tmpfs


def test_where_files_take_memory(monkeypatch) -> None:
    mounts = "disk / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\ndisk /run/disk ext4 rw 0 0\n"
    monkeypatch.setattr(process.Path, "read_text", lambda self: mounts)
    assert process.on_tmpfs(Path("/run/x"))
    assert not process.on_tmpfs(Path("/run/disk/x"))
    assert not process.on_tmpfs(Path("/home"))


def test_a_slow_peer_runs_at_large_scales_only_when_named() -> None:
    scenario = SCENARIOS["formats/coco-voc"]
    assert LABELFORMAT in scenario.chosen([], "S")
    assert LABELFORMAT not in scenario.chosen([], "M")
    assert LABELFORMAT in scenario.chosen(["labelformat"], "M")
    assert HOTCOCO in scenario.chosen([], "L")


def test_a_group_is_all_its_scenarios() -> None:
    assert find("formats") == list(FORMATS)
    assert [each.name for each in find("formats/read")] == ["formats/read"]
    assert find("") == find("form") == []


def test_a_group_is_one_result(tmp_path, monkeypatch, capsys) -> None:
    """Kept after each scenario, so that nothing measured is lost; a failure shows in the status."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    command = importlib.import_module("bench.__main__")
    ran: list[str] = []

    def run(scenario, tell) -> dict:
        del tell
        ran.append(scenario.name)
        if ran[2:]:
            raise ValueError("the third fails")
        return {"scenario": scenario.name, "same_outcome": True, "failures": {}}

    monkeypatch.setattr(command, "plan_from", lambda options, task: task.scenario)
    monkeypatch.setattr(command, "run_scenario", run)
    monkeypatch.setattr(command, "text", lambda result: result["scenario"])
    target = tmp_path / "result.json"
    assert command.main(["formats", "--scale", "T", "--json", str(target)]) == 2
    names = [each.name for each in FORMATS[:2]]
    written = json.loads(target.read_text())
    assert (written["scenario"], written["scale"]) == ("formats", "T")
    assert [each["scenario"] for each in written["results"]] == names
    assert capsys.readouterr().out.split() == names
    ran.clear()
    assert command.main(["formats/read", "--json", str(target)]) == 0
    assert json.loads(target.read_text())["scenario"] == "formats/read"
