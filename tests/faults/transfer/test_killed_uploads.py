"""Uploads that were killed go on with what is missing, the parts of a large file too."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import headrace
from headrace.backend import remote
from headrace.backend.upload import multipart, uploader
from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.journal import UploadJournal, UploadState
from headrace.server.uploads import UploadReceiver
from tests.support.data.images import draw_images
from tests.support.lakes.lake import png
from tests.support.lakes.servers import Running, running
from tests.support.processes.waiting import until

SCRIPT = Path(__file__).parents[2] / "support" / "scripts" / "pusher.py"
MIB = 1 << 20
PARTS = 6
MANY = 230
"""Small files: more than a client prepares and registers at once, twice."""


class Gate:
    """Notes the parts that come, and keeps those waiting that are closed."""

    def __init__(self) -> None:
        self.parts: list[int] = []
        self.closed: set[int] = set()
        self.waiting = anyio.Event()
        self.opened = anyio.Event()

    async def pass_by(self, number: int) -> None:
        if number in self.closed:
            self.waiting.set()
            await self.opened.wait()
            raise ConnectionResetError
        self.parts.append(number)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    found = Gate()
    real = UploadReceiver.part

    async def part(self: UploadReceiver, request: Any, grant: Any) -> Any:
        await found.pass_by(grant.part_no)
        return await real(self, request, grant)

    monkeypatch.setattr(UploadReceiver, "part", part)
    return found


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "lake") as opened:
        yield opened


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A picture with much behind its end: readers of its head do not mind."""
    path = tmp_path / "large.png"
    path.write_bytes(png(8, 6) + hashlib.shake_256(b"large").digest(PARTS * MIB - 1_000))
    return path


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "state"))
    return tmp_path / "state" / "uploads"


async def start(server: Running, *paths: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), server.address, server.token, *map(str, paths),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def pushed(server: Running, *paths: Path) -> str:
    process = await start(server, *paths)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()


async def killed(server: Running, gate: Gate, path: Path, closed: set[int]) -> set[int]:
    """A run that dies while those parts are under way; what the journal says is there."""
    gate.closed, gate.waiting, gate.opened = closed, anyio.Event(), anyio.Event()
    process = await start(server, path)
    with anyio.fail_after(60):
        await gate.waiting.wait()
        await until(lambda: set(range(1, PARTS + 1)) - closed <= set(gate.parts))
    process.kill()
    await process.communicate()
    gate.closed = set()
    gate.opened.set()
    return set(gate.parts)


async def check_whole(server: Running, path: Path) -> None:
    (stored,) = [
        p for p in (server.platform.context.path / "objects").rglob("*.png") if p.is_file()
    ]
    assert stored.read_bytes() == path.read_bytes()


async def test_a_killed_upload_sends_only_the_missing_parts(
    server: Running, gate: Gate, image: Path, state: Path
) -> None:
    before = await killed(server, gate, image, {5, 6})
    (journal,) = state.iterdir()
    assert journal.stat().st_mode & 0o777 == 0o600
    noted = journal.read_bytes().count(b"\n") - 1
    gate.parts.clear()
    first = await pushed(server, image)
    assert {5, 6} <= set(gate.parts)
    assert len(gate.parts) == PARTS - noted
    assert noted >= len(before) - 4  # those whose answers were under way
    await check_whole(server, image)
    assert list(state.iterdir()) == []
    assert await pushed(server, image) == first


@pytest.mark.slow
async def test_killed_among_many_small_files(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was registered is not sent again; at most what was under way is."""
    paths = draw_images(tmp_path / "images", MANY)
    names: list[str] = []
    process: list[asyncio.subprocess.Process] = []
    real = UploadReceiver.whole

    async def whole(self: UploadReceiver, request: Any, grant: Any) -> Any:
        names.append(grant.object_name)
        if len(names) == MANY - 20 and process[0].returncode is None:
            process[0].kill()
        return await real(self, request, grant)

    monkeypatch.setattr(UploadReceiver, "whole", whole)
    process.append(await start(server, *paths))
    await process[0].communicate()
    rows = await server.platform.context.database.fetch_one("datalake.count", bucket=0, lake=1)
    assert rows is not None
    registered = rows[0]
    assert 0 < registered < MANY
    names.clear()
    told = await pushed(server, *paths)
    # Calls that were under way at the kill may still have been answered.
    assert MANY - registered - 8 <= len(names) <= MANY - registered
    assert len(set(told.split())) == MANY + 1


@pytest.mark.slow
async def test_an_upload_that_the_server_has_forgotten_begins_anew(
    server: Running, gate: Gate, image: Path, state: Path
) -> None:
    await killed(server, gate, image, {6})
    for upload in (server.platform.context.path / "objects" / ".parts").iterdir():
        shutil.rmtree(upload)
    gate.parts.clear()
    await pushed(server, image)
    assert set(gate.parts) == set(range(1, PARTS + 1))
    await check_whole(server, image)


@pytest.mark.slow
async def test_a_file_that_changed_meanwhile_begins_anew(
    server: Running, gate: Gate, image: Path, state: Path
) -> None:
    await killed(server, gate, image, {6})
    content = bytearray(image.read_bytes())
    content[-5] ^= 1
    image.write_bytes(content)
    gate.parts.clear()
    await pushed(server, image)
    assert sorted(gate.parts) == list(range(1, PARTS + 1))
    await check_whole(server, image)


async def test_a_run_that_died_right_after_it_had_registered_finds_its_data(
    server: Running, gate: Gate, image: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a data source every file is uploaded, so the journal leads to the object, which is registered and complete."""
    for module in (multipart, remote, uploader):
        monkeypatch.setattr(module, "PART_BYTES", MIB)
    async with headrace.connect(server.address, api_token=server.token) as client:
        lake = await client.get_datalake()
        with monkeypatch.context() as patch:
            patch.setattr(UploadJournal, "delete", lambda journal: None)
            first = await lake.upload_data(image, source="camera")
        assert len(list(state.iterdir())) == 1
        gate.parts.clear()
        second = await lake.upload_data(image, source="camera")
    assert (second.id, gate.parts) == (first.id, [])
    assert list(state.iterdir()) == []


async def test_without_a_folder_for_the_journal_uploads_still_work(
    server: Running, gate: Gate, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in the way").write_text("a file")
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "in the way"))
    await pushed(server, image)
    await check_whole(server, image)


def begun(file: Snapshot) -> UploadState:
    return UploadState(
        size=file.size, changed=file.changed, inode=file.inode, object_name="n", part_bytes=1,
        upload_id="up", url="https://host/?signature=secret",
    )  # fmt: skip


def test_a_journal_survives_a_torn_line_and_fits_one_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"content")
    file, folder = Snapshot.of(path), tmp_path / "state"
    journal = UploadJournal.open(folder, "server", file)
    assert journal is not None
    assert UploadJournal.open(folder, "server", file) is None  # held by this one
    journal.begin(begun(file))
    journal.enter(1, '"one"')
    journal.enter(2, '"two"')
    assert "secret" not in repr(journal.state)
    journal.close()
    (written,) = folder.iterdir()
    os.truncate(written, written.stat().st_size - 3)
    again = UploadJournal.open(folder, "server", file)
    assert again is not None
    assert (again.state, again.parts) == (begun(file), {1: '"one"'})
    again.close()
    path.write_bytes(b"changed")
    os.utime(path, ns=(5, 5))
    other = UploadJournal.open(folder, "server", Snapshot.of(path))
    assert other is not None
    assert (other.state, other.parts) == (None, {})
    other.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"{}", b'{"size":1}\nx', b"\xff\xfe\n", b"[1]\n"]
)
def test_a_journal_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"content")
    file, folder = Snapshot.of(path), tmp_path / "state"
    journal = UploadJournal.open(folder, "server", file)
    assert journal is not None
    journal.begin(begun(file))
    journal.close()
    (written,) = folder.iterdir()
    written.write_bytes(content)
    again = UploadJournal.open(folder, "server", file)
    assert again is not None
    assert (again.state, again.parts) == (None, {})
    again.close()
