"""The import scenario: lakes that runs share, servers beside them, and the same outcome for all."""

import json
import os
import shutil
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from bench import lakes
from bench.data import write_coco
from bench.dataset import Spec
from bench.environments import clean_environment
from bench.lakes import base_lake, copy_lake, outcome
from bench.runner import Plan, run_once
from bench.scenario import Contender, Setting
from bench.scenarios.import_ import EMBEDDED, HTTP, IMPORT
from bench.scenarios.import_ import OFFICIAL_TODAY as OFFICIAL
from bench.server import ServerError, headrace, serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SPEC = Spec(100, 500, polygons=True)


@pytest.fixture(scope="module")
def setting(tmp_path_factory) -> Setting:
    cache = tmp_path_factory.mktemp("cache")
    setting = Setting(SPEC, cache, write_coco(cache / "coco.json", SPEC))
    IMPORT.prepare(setting)
    return setting


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def run(setting: Setting, tmp_path: Path, contender: Contender) -> dict:
    plan = Plan(IMPORT, (contender,), setting, "T", 1, tmp_path, 60)
    return run_once(plan, contender, sys.executable, tmp_path / contender.name)


def test_a_base_lake_holds_the_assets_and_is_made_once(setting) -> None:
    lake = base_lake(setting.cache, SPEC)
    before = (lake / "headrace.db").stat().st_mtime_ns
    assert base_lake(setting.cache, SPEC) == lake
    assert (lake / "headrace.db").stat().st_mtime_ns == before
    assert [path.name for path in lake.parent.iterdir()] == [lake.name]
    found = outcome(lake)
    assert (found["assets"], found["annotations"], found["shapes"]) == (SPEC.images, 0, 0)
    assert len(files(lake / "objects")) == SPEC.images


def test_a_lake_of_an_older_schema_is_brought_up_to_date(setting, tmp_path, monkeypatch) -> None:
    """Building a large one anew takes many minutes."""
    known = base_lake(setting.cache, SPEC)
    cache = tmp_path / "cache"
    monkeypatch.setattr(lakes, "schema_versions", lambda: ["newer", known.name.rpartition("-")[2]])
    copy_lake(known, cache / "lakes" / known.name)
    lake = base_lake(cache, SPEC)
    assert lake.name == f"{SPEC.name}-newer"
    assert outcome(lake) == outcome(known)
    assert [path.name for path in cache.iterdir()] == ["lakes"], "no images were made"


def test_a_copy_shares_the_objects_and_nothing_else(setting, tmp_path) -> None:
    """Also where a folder above the lake is called like its own."""
    above = tmp_path / "objects"
    above.mkdir()
    lake = base_lake(setting.cache, SPEC)
    copy = copy_lake(lake, above / "lake")
    assert not (copy / "headrace.db").samefile(lake / "headrace.db")
    pairs = zip(files(lake / "objects"), files(copy / "objects"), strict=True)
    assert all(mine.samefile(theirs) for mine, theirs in pairs)


@pytest.mark.slow
def test_a_server_runs_inside_the_block_and_ends_with_it(setting, tmp_path) -> None:
    lake = copy_lake(base_lake(setting.cache, SPEC), tmp_path / "lake")
    with serve(lake, tmp_path) as server:
        request = urllib.request.Request(
            server.address + "/api/home/ping", headers={"Authorization": f"Bearer {server.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert "username" in json.load(answer)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why(setting, tmp_path) -> None:
    lake = copy_lake(base_lake(setting.cache, SPEC), tmp_path / "lake")
    shutil.rmtree(lake / "objects")
    (lake / "objects").write_text("in the way")
    with pytest.raises(ServerError, match="objects"), serve(lake, tmp_path):
        pass


def test_a_command_that_fails_says_why(tmp_path) -> None:
    with pytest.raises(ServerError, match=r"token create: .*no lake"):
        headrace(["token", "create", str(tmp_path / "none")], clean_environment(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("contender", [EMBEDDED, HTTP], ids=lambda each: each.name)
def test_ours_import_everything(setting, tmp_path, contender) -> None:
    found = run(setting, tmp_path, contender)
    counts = found["counts"]
    annotations = json.loads(setting.coco_file.read_bytes())["annotations"]
    assert counts["assets"] == SPEC.images
    assert counts["annotations"] == len({each["image_id"] for each in annotations})
    assert counts["annotations"] < SPEC.images
    assert counts["shapes"] == len(annotations) == SPEC.annotations
    assert ("server_cpu_s" in found["figures"]) == (contender == HTTP)
    assert found["figures"]["job_wall_s"] < found["figures"]["wall_s"]


@pytest.mark.interop
@pytest.mark.parametrize("polygons", [True, False])
def test_the_official_client_does_the_same(setting, tmp_path, polygons) -> None:
    spec = replace(SPEC, polygons=polygons)
    file = write_coco(setting.cache / f"{spec.name}.json", spec)
    same = replace(setting, spec=spec, coco_file=file)
    assert (
        run(same, tmp_path, OFFICIAL)["counts"]
        == run(same, tmp_path, EMBEDDED)["counts"]
        == run(same, tmp_path, HTTP)["counts"]
    )
