"""Groups of small files that are cancelled half way: every object is a data, and the next run sends the rest."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec.structs import replace

import headrace
from headrace.backend import local, remote
from headrace.sdk.client.client import Client
from headrace.sdk.client.connect import Connection
from headrace.server.uploads import UploadReceiver
from headrace.storage.objects.local.batch import ObjectBatch
from tests.support.data.images import draw_images
from tests.support.lakes.doors import DOORS, Door
from tests.support.lakes.servers import new_lake, running
from tests.support.processes.cli import COMMAND, environment

GROUP, COUNT, HALF = 32, 40, 9
"""Files of a group, those of one and a bit, and those that are stored when it is cancelled."""


class Gate:
    """Tells whom it may concern, once, that ``HALF`` files are stored; a server lets no others in until it is opened."""

    def __init__(self) -> None:
        self.tell: Callable[[], object] | None = None
        self.opened = anyio.Event()
        self.begun = 0
        self.stored = 0

    def count(self) -> None:
        self.stored += 1
        if self.stored == HALF and self.tell is not None:
            self.tell()


@pytest.fixture
async def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Counts the files that come into a lake, by either way."""
    found = Gate()
    whole, add = UploadReceiver.whole, ObjectBatch.add
    loop = asyncio.get_running_loop()

    async def gated(self: UploadReceiver, request: Any, grant: Any) -> Any:
        found.begun += 1
        if found.tell is not None and found.begun > HALF:
            await found.opened.wait()
            raise ConnectionResetError
        answer = await whole(self, request, grant)
        found.count()
        return answer

    def counted(self: ObjectBatch, *arguments: Any) -> None:
        add(self, *arguments)
        loop.call_soon_threadsafe(found.count)

    monkeypatch.setattr(UploadReceiver, "whole", gated)
    monkeypatch.setattr(ObjectBatch, "add", counted)
    for module, name in ((local, "LOCAL_LIMITS"), (remote, "SERVER_LIMITS")):
        monkeypatch.setattr(module, name, replace(getattr(module, name), uploads=GROUP))
    return found


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Door]:
    """A lake, or a server in this process, whose gate is this one's."""
    if request.param == "lake":
        lake, _ = await new_lake(tmp_path / "lake")
        yield Door(str(lake), None, lake)
        return
    async with running(tmp_path / "lake") as server:
        yield Door(server.address, server.token, tmp_path / "lake")


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return draw_images(tmp_path / "images", COUNT)


async def cancelled(
    client: Client, gate: Gate, paths: list[Path], moment: str, *, natively: bool
) -> None:
    """A push that is cancelled when half of the first group is stored, or when it calls an operation."""
    backend = client.session.backend
    original = type(backend).call
    scope = anyio.CancelScope()
    cancel: Callable[[], object] = scope.cancel

    called: set[str] = set()

    async def call(operation: Any, request: Any, /) -> Any:
        if operation.name == moment and moment not in called:
            cancel()
        called.add(operation.name)
        return await original(backend, operation, request)

    backend.call = call  # type: ignore[method-assign]
    if moment == "half":
        gate.tell = lambda: cancel()
    if natively:
        task = asyncio.create_task(client.push("a/b", paths))
        cancel = task.cancel
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with scope:
            await client.push("a/b", paths)
        assert scope.cancelled_caught
    gate.tell = None
    gate.opened.set()
    del backend.call  # type: ignore[method-assign]


async def check_kept(door: Door, connection: Connection, paths: list[Path], least: int) -> None:
    """What a cancelled run left is whole, and the same push again sends what is missing, once."""
    async with connection as client:
        lake = await client.get_datalake()
        left = await whole(lake, door.lake, paths)
        assert least <= left < COUNT
        report = await client.push("a/b", paths)
        assert (report.uploaded, report.reused, report.assets) == (COUNT - left, left, COUNT)
        assert await whole(lake, door.lake, paths) == COUNT


async def whole(lake: Any, folder: Path, paths: list[Path]) -> int:
    """How many data the lake has: each with its file's bytes, each file once, and no object that is none's."""
    data = await lake.list_data()
    content = {path.name: path.read_bytes() for path in paths}
    assert len({one.filename for one in data}) == len(data)
    objects = folder / "objects"
    for one in data:
        assert (objects / one.object_name).read_bytes() == content[one.filename]
    there = {path.relative_to(objects).as_posix() for path in objects.rglob("*") if path.is_file()}
    assert there == {one.object_name for one in data}
    return len(data)


@pytest.mark.parametrize("natively", [False, True], ids=["scope", "task"])
@pytest.mark.parametrize(
    ("moment", "least"), [("prepare_uploads", 0), ("half", HALF), ("register_many_data", HALF)]
)
async def test_a_cancelled_group_leaves_no_object_without_its_data(
    door: Door, gate: Gate, paths: list[Path], moment: str, least: int, natively: bool
) -> None:
    async with door.connect() as client:
        await cancelled(client, gate, paths, moment, natively=natively)
    await check_kept(door, door.connect(), paths, least)


@pytest.mark.parametrize("door", ["http"], indirect=True)
async def test_ctrl_c_in_the_middle_of_a_group(door: Door, gate: Gate, paths: list[Path]) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "push", door.target, "a/b", str(paths[0].parent),
        env=environment(HEADRACE_TOKEN=door.token or ""),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    gate.tell = lambda: process.send_signal(signal.SIGINT)
    _, told = await process.communicate()
    gate.tell = None
    gate.opened.set()
    assert process.returncode == 130, told
    assert b"Run the same command to continue" in told
    await check_kept(door, door.connect(), paths, HALF)


async def test_a_file_that_changed_before_it_was_cancelled_is_no_data(
    gate: Gate, paths: list[Path], tmp_path: Path
) -> None:
    """What was copied of it is not the file that is there now."""
    lake, _ = await new_lake(tmp_path / "lake")
    async with headrace.connect(lake) as client:
        scope = anyio.CancelScope()

        def tell() -> None:
            paths[0].write_bytes(paths[1].read_bytes())
            scope.cancel()

        gate.tell = tell
        with scope:
            await client.push("a/b", paths)
        assert scope.cancelled_caught
        gate.tell = None
    door = Door(str(lake), None, lake)
    await check_kept(door, door.connect(), paths, HALF)
