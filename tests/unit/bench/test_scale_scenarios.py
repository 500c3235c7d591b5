"""The scenarios of platforms over PostgreSQL: every contender does the same work, and its parts are measured apart."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.data import write_coco
from bench.dataset import Spec
from bench.runner import Plan, run_scenario
from bench.scenario import Setting
from bench.scenarios import SCENARIOS
from bench.scenarios.scale import halves

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SPEC = Spec(100, 500, polygons=True)


@pytest.fixture(scope="module")
def setting() -> Iterator[Setting]:
    # PostgreSQL runs as another user where the tests run as root, so its folder must be open to it.
    folder = Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    folder.chmod(0o711)
    try:
        yield Setting(SPEC, folder, write_coco(folder / "data" / f"{SPEC.name}.json", SPEC), "T")
    finally:
        shutil.rmtree(folder)


def run(setting: Setting, tmp_path: Path, name: str) -> dict[str, dict]:
    scenario = SCENARIOS[name]
    plan = Plan(scenario, scenario.chosen(), setting, "T", 1, tmp_path / "work", 120, warm_up=False)
    result = run_scenario(plan, print)
    assert result["failures"] == {}
    assert result["same_outcome"] is True
    return {each["contender"]: each for each in result["runs"]}


def test_halves_have_each_image_and_annotation_once(setting) -> None:
    whole = json.loads(setting.coco_file.read_bytes())
    parts = [json.loads(path.read_bytes()) for path in halves(setting)]
    for kind in ("images", "annotations"):
        ids = [each["id"] for part in parts for each in part[kind]]
        assert sorted(ids) == sorted(each["id"] for each in whole[kind])
    first, second = ({each["id"] for each in part["images"]} for part in parts)
    assert max(first) < min(second)
    assert all(part["categories"] == whole["categories"] for part in parts)
    for part in parts:
        names = {each["id"] for each in part["images"]}
        assert {each["image_id"] for each in part["annotations"]} <= names


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scale/list", "scale/import"])
def test_a_lake_and_postgresql_do_the_same(setting, tmp_path, name) -> None:
    found = run(setting, tmp_path, name)
    assert found.keys() == {"lake", "postgres"}
    counts = found["postgres"]["counts"]
    assert counts.get("shapes", counts.get("assets")) in (SPEC.annotations, SPEC.images)
    assert found["postgres"]["figures"]["postgres_cpu_s"] > 0
    assert "postgres_cpu_s" not in found["lake"]["figures"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shapes"),
    [("scale/import-2", 2 * SPEC.annotations), ("scale/share", SPEC.annotations)],
)
def test_one_server_and_two_do_the_same(setting, tmp_path, name, shapes) -> None:
    found = run(setting, tmp_path, name)
    assert found.keys() == {"postgres", "postgres-2"}
    for each in found.values():
        assert each["counts"]["shapes"] == shapes
        assert each["figures"]["lock_wait_share"] >= 0
        assert each["figures"]["platform_us_each"] > each["figures"]["postgres_us_each"] > 0


@pytest.mark.slow
def test_rows_are_copied_by_the_adapter(setting, tmp_path) -> None:
    figures = run(setting, tmp_path, "scale/copy-polygons")["postgres"]["figures"]
    assert figures["blob_bytes"] > 100
    assert figures["log_bytes_each"] > figures["blob_bytes"]


@pytest.mark.slow
def test_a_large_version_is_as_whole_as_its_sample(setting, tmp_path) -> None:
    for each in run(setting, tmp_path, "scale/large").values():
        assert each["counts"] == {"exported": 1000, "loaded": 1000, "forked": 1000, "left": 0}
        assert each["figures"]["first_page_ms"] > 0


@pytest.mark.slow
def test_an_upload_to_s3_passes_no_server(setting, tmp_path) -> None:
    found = run(setting, tmp_path, "scale/upload")["postgres-s3"]
    assert found["counts"] == {"files": 200}
    assert found["figures"]["through_bytes"] == 0


@pytest.mark.slow
def test_a_lake_moves(setting, tmp_path) -> None:
    counts = run(setting, tmp_path, "scale/migrate")["postgres"]["counts"]
    assert counts["asset"] == counts["data"] == SPEC.images


def test_urls_are_signed(setting, tmp_path) -> None:
    found = run(setting, tmp_path, "scale/sign")["signer"]
    assert found["counts"]["urls"] == 10_000
    assert found["figures"]["sign_us_each"] > 0
