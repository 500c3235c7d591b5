"""The commands against a platform that is not headrace's: they work, or say in one line what to do instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.acceptance.cli.conftest import Drawn
from tests.support.plain_platform import PlainPlatform, plain_platform
from tests.support.plain_platform.records import Processing
from tests.support.processes.cli import Place

ALL = 'data.filename endswith ".png"'


@pytest.fixture
def platform() -> Iterator[PlainPlatform]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(plain_platform()) as platform,
    ):
        yield platform


@pytest.fixture
def filled(platform: PlainPlatform, tmp_path: Path, drawn: Drawn) -> Place:
    """The platform with the version ``demo/v1`` of twelve annotated images."""
    variables = {"HEADRACE_TOKEN": platform.token, "HEADRACE_STATE": str(tmp_path / "state")}
    place = Place(platform.address, tmp_path / "none", variables)
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    return place


def test_a_version_comes_and_goes(filled: Place, drawn: Drawn, tmp_path: Path) -> None:
    assert filled.done("push", "demo/v1", drawn.images)["uploaded"] == 0
    stats = filled.done("stats", "demo/v1")
    assert stats["shapes"] == len(drawn.coco["annotations"])
    assert filled.done("stats", "demo/v1", "--include", "*.png") == stats
    few = filled.done("stats", "demo/v1", "--include", "*_00[0-4].*")
    assert (few["assets"], few["annotations"]) == (5, 5)
    assert 0 < few["shapes"] < stats["shapes"]
    assert filled.done("pull", "demo/v1", tmp_path / "images")["moved"] == 12
    exported = filled.done("export", "demo/v1", tmp_path / "out", "--format", "yolo")
    assert exported["images"] == 12
    assert len(filled.done("ls")["versions"]) == 1
    filled.done("version fork", "demo/v1", "v2")
    filled.done("version digest", "demo/v1")
    filled.done("version lock", "demo/v1")
    assert "locked" in filled.run("label add", "demo/v1", "more").err


def test_annotations_come_back(filled: Place) -> None:
    before = filled.done("stats", "demo/v1")
    filled.done("label merge", "demo/v1", *list(before["labels"])[:1], "--into", "thing", "--yes")
    assert filled.done("stats", "demo/v1")["labels"]["thing"] > 0
    filled.done("version remove", "demo/v1", "-q", ALL, "--annotations", "--yes")
    assert filled.done("stats", "demo/v1")["shapes"] == 0
    (removal,) = filled.done("undo list")["removals"]
    filled.done("undo run", removal["id"])
    assert filled.done("stats", "demo/v1")["shapes"] == before["shapes"]


def test_a_campaign_whose_assignments_are_done_elsewhere(filled: Place) -> None:
    filled.done("campaign create", "demo/v1")
    filled.done("campaign add-step", "demo/v1", "draw")
    assert filled.done("campaign sync", "demo/v1")["assignments"] == 12
    assert filled.done("campaign show", "demo/v1")["progress"] == {"draw": {"to_do": 12}}
    refused = filled.run("campaign submit", "demo/v1", "scene_001.png")
    assert (refused.status, "pages of the platform" in refused.err) == (1, True)
    filled.done("campaign close", "demo/v1", "--yes")
    assert filled.done("campaign list", "--open")["campaigns"] == []


def test_a_processing_is_waited_for_without_its_log(filled: Place, platform: PlainPlatform) -> None:
    fields = dict.fromkeys(("type", "docker_image", "docker_tag"), None)
    made = Processing(
        {
            "name": "tidy",
            "target": "DATASET_VERSION",
            **fields,
            "docker_image": "a",
            "docker_tag": "b",
        }
    )
    platform.store.processings[made.id] = made
    platform.switches.job_polls = 2
    run = filled.run("processing run", "demo/v1", "tidy")
    assert (run.status, "waiting for the job" in run.err) == (0, True)
    job = next(iter(platform.store.job_runs))
    assert filled.done("job show", job)["status"] == "succeeded"
    for command in ("job log", "job cancel"):
        refused = filled.run(command, job)
        assert (refused.status, "pages of the platform" in refused.err) == (1, True)
    assert "pages of the platform" in filled.run("job list").err
