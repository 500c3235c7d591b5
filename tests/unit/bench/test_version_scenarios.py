"""The scenarios over a version: every contender does the same work, and the counts show it."""

import sys
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from bench import builds
from bench.builds import TODAY, build_of, python_for, small_imports, written
from bench.data import write_coco
from bench.dataset import Spec
from bench.environments import CACHE
from bench.lakes import copy_lake, written_in
from bench.runner import Plan, prepare_scenario, run_scenario
from bench.scenario import Setting
from bench.scenarios import SCENARIOS
from bench.scenarios.listing import RARE_ASSETS
from bench.scenarios.versions import OFFICIAL_SERVER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SPEC = Spec(100, 500, polygons=True)
OURS = frozenset({"headrace", "headrace-http", "convert", "copies"})
WITH_OFFICIAL = (
    "import",
    "load",
    "export/build",
    "export/coco",
    "list/all",
    "change/fork",
    "journey",
)


@pytest.fixture(scope="module")
def setting(tmp_path_factory) -> Setting:
    cache = tmp_path_factory.mktemp("cache")
    return Setting(SPEC, cache, write_coco(cache / "data" / f"{SPEC.name}.json", SPEC), "T")


def run(setting: Setting, tmp_path: Path, name: str, only: frozenset[str]) -> dict:
    scenario = SCENARIOS[name]
    known = {each.name for each in (*scenario.ours, *scenario.peers)}
    chosen = scenario.chosen(only=only & known)
    plan = Plan(scenario, chosen, setting, "T", 1, tmp_path / "work", 120, warm_up=False)
    result = run_scenario(plan, print)
    assert result["failures"] == {}
    assert result["same_outcome"] is True
    assert len(result["runs"]) == len(chosen)
    return result["runs"][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "load", "iter/untouched", "iter/summed", "export/build", "export/coco", "export/yolo", "export/voc", "list/all",
        "change/fork", "change/split", "change/delete", "change/delete-undo", "journey", "local/push", "local/pull",
    ],
)  # fmt: skip
def test_lake_and_server_do_the_same(setting, tmp_path, name) -> None:
    counts = run(setting, tmp_path, name, OURS)["counts"]
    if "delete" in name:
        assert counts == {"shapes": 0}
    elif "split" in name:
        # An image that is empty in the file has an annotation without shapes.
        assert sum(counts.values()) == SPEC.images
    elif name.startswith("local"):
        assert 200 in counts.values()
    else:
        assert counts.get("shapes", counts.get("assets")) in (SPEC.annotations, SPEC.images)


@pytest.mark.slow
def test_a_page_by_label_has_the_assets_with_the_label(setting, tmp_path) -> None:
    rare = run(setting, tmp_path / "rare", "list/rare", OURS)
    assert rare["counts"] == {"assets": RARE_ASSETS}
    assert rare["figures"]["page_cpu_ms"] > 0
    half = run(setting, tmp_path / "half", "list/half", OURS)["counts"]["assets"]
    assert RARE_ASSETS < half < SPEC.images


@pytest.mark.slow
def test_an_annotated_lake_is_made_once_for_a_layout(setting) -> None:
    lake = TODAY.annotated_lake(setting.cache, SPEC)
    assert lake.name == f"{SPEC.name}-{TODAY.layout()}-annotated"
    before = (lake / "headrace.db").stat().st_mtime_ns
    assert TODAY.annotated_lake(setting.cache, SPEC) == lake
    assert (lake / "headrace.db").stat().st_mtime_ns == before
    assert TODAY.outcome(lake)["shapes"] == SPEC.annotations


def test_the_layout_is_named_by_what_is_written(setting, monkeypatch) -> None:
    """So that lakes are kept when only code changes that reads them."""
    assert TODAY.layout() == written.__wrapped__()
    assert small_imports() == small_imports.__wrapped__()
    monkeypatch.setattr(builds, "migrations", lambda _: [(1, "create table other")])
    assert written.__wrapped__() != TODAY.layout()


@pytest.mark.parametrize("change", ["update annotation set shapes = x'00'", "delete from asset"])
def test_other_blobs_and_other_rows_are_another_layout(setting, tmp_path, change) -> None:
    lake = copy_lake(TODAY.annotated_lake(setting.cache, SPEC), tmp_path / "lake")
    before = written_in(lake)
    database = apsw.Connection(str(lake / "headrace.db"))
    database.execute(change)
    database.close()
    assert written_in(lake) != before


def test_the_layout_of_a_commit_is_its_name() -> None:
    assert replace(TODAY, commit="0123abcd").layout() == "0123abcd"


def test_preparing_makes_what_the_runs_need_and_measures_nothing(setting, tmp_path) -> None:
    """The lakes are found afterwards, so that a run on a quiet machine only measures."""
    cache = tmp_path / "cache"
    fresh = replace(setting, cache=cache)
    scenario = SCENARIOS["list/rare"]
    told: list[str] = []
    chosen = scenario.chosen(only={"headrace"})
    prepare_scenario(Plan(scenario, chosen, fresh, "T", 1, tmp_path / "work", 120), told.append)
    made = sorted(path.name for path in (cache / "lakes").iterdir() if path.name[0] != ".")
    assert f"{SPEC.name}-{TODAY.layout()}-annotated-rare" in made
    assert len(told) == 1
    assert not list((tmp_path / "work").rglob("stdout")), "nothing ran"


def test_todays_build_is_this_one(tmp_path) -> None:
    assert build_of("headrace", tmp_path) is TODAY
    assert python_for("headrace", tmp_path) == sys.executable


@pytest.mark.interop
@pytest.mark.parametrize("name", WITH_OFFICIAL)
def test_the_official_client_does_the_same_with_both_servers(setting, tmp_path, name) -> None:
    """The build of the fixed server, and the client's environment, are made once, in the cache of the repository."""
    cached = replace(setting, cache=CACHE)
    assert build_of(OFFICIAL_SERVER, CACHE).python != sys.executable
    run(cached, tmp_path, name, frozenset({"headrace", "picsellia", "picsellia-today"}))
