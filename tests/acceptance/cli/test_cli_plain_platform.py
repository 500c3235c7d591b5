"""Commands on a platform that is not headrace: they work, or say in one sentence why not and what to do instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio import to_thread

from tests.acceptance.cli.conftest import Drawn
from tests.support.plain_platform import plain_platform
from tests.support.processes.cli import Place

ONE = 'data.filename = "scene_001.png"'


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Place]:
    async with plain_platform() as platform:
        variables = {
            "HEADRACE_TOKEN": platform.token,
            "HEADRACE_ALLOW_HTTP": "1",
            "HEADRACE_HOME": str(tmp_path / "home"),
        }
        yield Place(platform.address, tmp_path, variables)


async def test_the_journey_of_a_version(plain: Place, drawn: Drawn, tmp_path: Path) -> None:
    await to_thread.run_sync(_journey, plain, drawn, tmp_path)


def _journey(plain: Place, drawn: Drawn, tmp_path: Path) -> None:
    plain.done("version create", "demo/v1", "--type", "object_detection")
    plain.done("push", "demo/v1", drawn.images)
    plain.done("import", "demo/v1", drawn.annotations)
    assert [row["version"] for row in plain.done("version list")["versions"]] == ["demo/v1"]
    assert plain.done("version show", "demo/v1")["assets"] == 12
    assert plain.done("label list", "demo/v1")["labels"] == drawn.labels
    plain.done("label rename", "demo/v1", "box", "crate")
    plain.done("label merge", "demo/v1", "crate", "--into", "disc", "--yes")
    moved = drawn.labels["box"] + drawn.labels["disc"]
    assert plain.done("label list", "demo/v1")["labels"]["disc"] == moved
    plain.done("tag add", "demo/v1", "late", "-q", ONE)
    assert plain.done("tag list", "demo/v1")["tags"]["assets"] == ["late"]
    assert plain.done("version metadata", "demo/v1", "a=1", "-q", ONE)["changed"] == 1

    gone = plain.done("version remove", "demo/v1", "scene_000.png", "--yes")
    assert plain.done("version show", "demo/v1")["assets"] == 11
    plain.done("undo run", gone["removal"])
    assert plain.done("version show", "demo/v1")["assets"] == 12
    plain.done("version fork", "demo/v1", "v2")
    assert plain.done("pull", "demo/v2", tmp_path / "out", "-q", ONE)["files"] == 1
    plain.done("version lock", "demo/v2")
    refused = plain.run("version delete", "demo/v2", "--yes")
    assert (refused.status, "locked" in refused.err) == (1, True)
    plain.done("version unlock", "demo/v2")
    plain.done("version delete", "demo/v2", "--yes")


async def test_a_campaign(plain: Place, drawn: Drawn) -> None:
    await to_thread.run_sync(_campaign, plain, drawn)


def _campaign(plain: Place, drawn: Drawn) -> None:
    plain.done("push", "demo/v1", drawn.images)
    plain.done("campaign create", "demo/v1")
    plain.done("campaign add-step", "demo/v1", "draw")
    assert plain.done("campaign sync", "demo/v1")["assignments"] == 12
    assert plain.done("campaign show", "demo/v1")["progress"] == {"draw": {"to_do": 12}}
    (user, *_) = [row["user"] for row in plain.done("user list")["users"]]
    assert plain.done("campaign assign", "demo/v1", user)["count"] == 12
    plain.done("campaign delete", "demo/v1", "--yes")


async def test_what_is_missing_there_is_said(plain: Place) -> None:
    refused = await to_thread.run_sync(plain.run, "job list")
    assert refused.status == 1
    assert "not available on this platform" in refused.err
    assert "on the pages of the platform" in refused.err
    assert refused.err.count("\n") == 1
