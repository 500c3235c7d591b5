"""The transfer scenarios move what they say, and look at what came."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import nginx
from bench.blobs import FileSet, ensure_files, manifest, summarize
from bench.dataset import SCALES
from bench.runner import Plan, run_once
from bench.scenario import Contender, Setting
from bench.scenarios.transfer import BY_SIZE, DOWNLOAD, ENGINE, GENERAL, scenario
from bench.scenarios.transfer_many import AGAIN
from bench.scenarios.transfer_upload import EMBEDDED, UPLOAD

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LOAD = FileSet(30, 5_000)
SMALL = scenario("small", "a few files", {"T": LOAD})


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(SCALES["T"], tmp_path / "cache", tmp_path / "none.json", "T")


def once(setting: Setting, scene, contender: Contender, folder: Path) -> dict:
    scene.prepare(setting)
    plan = Plan(scene, (contender,), setting, "T", 1, folder, 60)
    return run_once(plan, contender, sys.executable, folder)


@pytest.mark.slow
@pytest.mark.parametrize("contender", [ENGINE, BY_SIZE, GENERAL, DOWNLOAD], ids=lambda c: c.name)
def test_all_files_come(setting: Setting, tmp_path: Path, contender: Contender) -> None:
    run = once(setting, SMALL, contender, tmp_path / "run")
    assert run["counts"] == summarize(ensure_files(setting.cache, LOAD))
    assert run["counts"]["bytes"] == 30 * 5_000
    assert run["figures"]["files_per_cpu_s"] > 0
    assert not (tmp_path / "run" / "files").exists()


def test_without_nginx_there_is_a_server_too(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nginx, "find_nginx", lambda: None)
    run = once(setting, SMALL, ENGINE, tmp_path / "run")
    assert run["counts"] == summarize(ensure_files(setting.cache, LOAD))


def test_the_same_load_has_the_same_bytes(tmp_path: Path) -> None:
    listed = [
        manifest(cache, LOAD)
        for cache in (tmp_path / "a", tmp_path / "b")
        if ensure_files(cache, LOAD)
    ]
    assert listed[0] == listed[1]
    assert len({digest for _, _, digest in listed[0]}) == 30


def test_a_second_run_finds_all_done(setting: Setting, tmp_path: Path) -> None:
    run = once(setting, AGAIN, AGAIN.ours[0], tmp_path / "run")
    assert run["counts"] == {"files": 2_000}


def test_uploads_are_counted_in_the_lake(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules["bench.scenarios.transfer_upload"].LOADS, "T", LOAD)
    run = once(setting, replace(UPLOAD), EMBEDDED, tmp_path / "run")
    assert run["counts"] == {"data": 30, "objects": 30, "bytes": 150_000}
