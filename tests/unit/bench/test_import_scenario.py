"""The import scenario: lakes that runs share, servers beside them, and the same outcome for all."""

import json
import os
import shutil
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from bench.builds import TODAY
from bench.data import write_coco
from bench.dataset import Spec
from bench.environments import clean_environment
from bench.lakes import copy_lake, outcome
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


def pushed_lake(setting: Setting) -> Path:
    return TODAY.base_lake(setting.cache, SPEC, files=True)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def run(setting: Setting, tmp_path: Path, contender: Contender) -> dict:
    plan = Plan(IMPORT, (contender,), setting, "T", 1, tmp_path, 60)
    return run_once(plan, contender, sys.executable, tmp_path / contender.name)


def test_a_base_lake_holds_the_assets_and_is_made_once(setting) -> None:
    lake = pushed_lake(setting)
    before = (lake / "headrace.db").stat().st_mtime_ns
    assert pushed_lake(setting) == lake
    assert (lake / "headrace.db").stat().st_mtime_ns == before
    names = [path.name for path in lake.parent.iterdir() if path.name[0] != "."]
    assert names == [lake.name]
    found = outcome(lake)
    assert (found["assets"], found["annotations"], found["shapes"]) == (SPEC.images, 0, 0)
    assert len(files(lake / "objects")) == SPEC.images


def test_a_copy_shares_the_objects_and_nothing_else(setting, tmp_path) -> None:
    """Also where a folder above the lake is called like its own."""
    above = tmp_path / "objects"
    above.mkdir()
    lake = pushed_lake(setting)
    copy = copy_lake(lake, above / "lake")
    assert not (copy / "headrace.db").samefile(lake / "headrace.db")
    pairs = zip(files(lake / "objects"), files(copy / "objects"), strict=True)
    assert all(mine.samefile(theirs) for mine, theirs in pairs)


@pytest.mark.slow
def test_a_server_runs_inside_the_block_and_ends_with_it(setting, tmp_path) -> None:
    lake = copy_lake(pushed_lake(setting), tmp_path / "lake")
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
    lake = copy_lake(pushed_lake(setting), tmp_path / "lake")
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
