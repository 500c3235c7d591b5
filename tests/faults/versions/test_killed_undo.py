"""A removal or an undo that is killed half way loses nothing: what is gone is recorded, and an undo is run again."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

import headrace
from headrace.errors import HeadraceError
from headrace.sdk.client.client import Client
from tests.support.data.images import write_coco
from tests.support.lakes.servers import server_process
from tests.support.lakes.snapshots import snapshot
from tests.support.lakes.templates import copy_with_version
from tests.support.processes.forked import Forked
from tests.support.scripts.dying_undo import remove_and_die, serve_and_die, undo_and_die
from tests.support.tiers import slow

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]
WHAT = ["annotations", "assets", "import"]


@asynccontextmanager
async def annotated(folder: Path) -> AsyncIterator[tuple[Client, Any]]:
    """A lake with an annotated version, and what it holds."""
    copy_with_version(folder / "lake")
    async with headrace.connect(folder / "lake") as client:
        version = await client.version("drawings/first")
        await version.import_annotations(write_coco(folder / "old.json", NAMES), status="ACCEPTED")
        yield client, await snapshot(version)


async def held(client: Client) -> dict[str, Any]:
    return await snapshot(await client.version("drawings/first"))


def killed(folder: Path, function: Any, *arguments: Any) -> None:
    """Run a function in another process, which kills itself."""
    process = Forked(function, folder / "lake", *arguments, log=folder / "log")
    assert process.join(60) == -signal.SIGKILL, (folder / "log").read_text()


def source(folder: Path, what: str) -> str:
    """What to remove; for an import, the file."""
    if what != "import":
        return what
    return str(write_coco(folder / "new.json", NAMES[:11], boxes=1))


async def undo_all(client: Client) -> int:
    """Undo all removals, the newest first; return the number of annotations that came back."""
    reports = [await removal.undo() for removal in await client.list_removals()]
    assert all(report.conflict_count == 0 for report in reports)
    return sum(report.annotations for report in reports)


@pytest.mark.parametrize("count", [3, slow(1), slow(2), slow(5)])
@pytest.mark.parametrize("die", ["torn", "recorded"])
@pytest.mark.parametrize("what", WHAT)
async def test_a_removal_killed_half_way(tmp_path: Path, what: str, die: str, count: int) -> None:
    async with annotated(tmp_path) as (client, before):
        killed(tmp_path, remove_and_die, source(tmp_path, what), die, count)
        left = await held(client)
        gone = before["annotations"].keys() - left["annotations"].keys()
        removals = await client.list_removals()
        assert sum(removal.record.annotations for removal in removals) == len(gone)
        assert (len(gone) > 0) == (count > 1)
        assert await undo_all(client) == len(gone)
        assert await held(client) == before


@pytest.mark.parametrize("what", WHAT)
async def test_a_removal_continues_after_a_kill(tmp_path: Path, what: str) -> None:
    async with annotated(tmp_path) as (client, before):
        given = source(tmp_path, what)
        killed(tmp_path, remove_and_die, given, "torn", 3)
        version = await client.version("drawings/first")
        if what == "import":
            await version.import_annotations(given)
        elif what == "assets":
            await version.delete_assets(await version.list_assets())
        else:
            await version.delete_all_annotations()
        assert await held(client) != before
        await undo_all(client)
        assert await held(client) == before


@pytest.mark.parametrize("count", [3, slow(1), slow(2), slow(5)])
@pytest.mark.parametrize("what", WHAT)
async def test_an_undo_killed_half_way(tmp_path: Path, what: str, count: int) -> None:
    async with annotated(tmp_path) as (client, before):
        version = await client.version("drawings/first")
        given = source(tmp_path, what)
        # Removed in small transactions, so that the file has several frames.
        killed(tmp_path, remove_and_die, given, "recorded", 6)
        removed = await held(client)
        (removal,) = await client.list_removals()
        killed(tmp_path, undo_and_die, str(removal.id), count)
        half = await held(client)
        assert (half == removed) == (count == 1)
        assert half != before
        report = await removal.undo()
        assert report.conflict_count == 0
        assert await held(client) == before
        if what == "import":
            # All that gave way, before the kill and after it, is one removal.
            assert report.removal_id is not None
            await (await client.get_removal(str(report.removal_id))).undo()
            assert await snapshot(version) == removed


@pytest.mark.parametrize("count", [3, slow(1), slow(2)])
@pytest.mark.parametrize("what", ["annotations", "assets"])
async def test_a_server_that_is_killed_half_way(tmp_path: Path, what: str, count: int) -> None:
    """Killed in a removal, and again in the undo; each time the next server has all that is needed."""
    token = copy_with_version(tmp_path / "lake")

    async def dies(die: str, at: int, work: Callable[[Client], Awaitable[object]]) -> None:
        serve = partial(serve_and_die, die, at)
        async with (
            server_process(tmp_path / "lake", serve=serve) as server,
            headrace.connect(server.address, api_token=token) as client,
            anyio.create_task_group() as group,
        ):

            async def until_it_dies() -> None:
                with suppress(HeadraceError):
                    await work(client)

            group.start_soon(until_it_dies)
            assert await server.process.wait() == -signal.SIGKILL, server.output
            group.cancel_scope.cancel()

    async def remove(client: Client) -> None:
        version = await client.version("drawings/first")
        if what == "assets":
            await version.delete_assets(await version.list_assets())
        else:
            await version.delete_all_annotations()

    async def undo(client: Client) -> None:
        for removal in await client.list_removals():
            await removal.undo()

    async with (
        server_process(tmp_path / "lake") as server,
        headrace.connect(server.address, api_token=token) as client,
    ):
        version = await client.version("drawings/first")
        file = write_coco(tmp_path / "old.json", NAMES)
        await version.import_annotations(file, status="ACCEPTED")
        before = await snapshot(version)
    await dies("recorded", count, remove)
    if count > 1:
        # All but the last part were removed; the first ones are put back.
        await dies("restoring", count - 1, undo)
    async with (
        server_process(tmp_path / "lake") as server,
        headrace.connect(server.address, api_token=token) as client,
    ):
        assert (await held(client) == before) == (count == 1)
        await undo_all(client)
        assert await held(client) == before
