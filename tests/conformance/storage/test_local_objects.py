"""The store in a folder against the suite that every object store must pass, durable at once and in batches."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from headrace.errors import ConflictError, StorageError, TransferError
from headrace.file_system import MANY, FileSystem
from headrace.storage.objects.base import ObjectInfo, ObjectStore
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.testing.objects_conformance import ObjectStoreConformance, read, stream


class TestLocalObjectStore(ObjectStoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> ObjectStore:
        return await LocalObjectStore.open(tmp_path / "objects")


class TestLocalObjectStoreFlushedLater(ObjectStoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> ObjectStore:
        return await LocalObjectStore.open(tmp_path / "objects", sync=False)


@pytest.mark.parametrize("count", [3, 2 * MANY], ids=["few", "many"])
async def test_files_that_are_stored_together_are_synced_before_they_are_visible(
    tmp_path: Path, count: int
) -> None:
    """One of them is no file; the objects are read-only."""
    root = tmp_path / "objects"
    sources = []
    for number in range(count):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * (number + 1))
        sources.append((f"{number % 16:x}/1/2/{number}.bin", path))
    sources[1][1].unlink()
    store = await LocalObjectStore.open(root)
    events: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        fsync, sync_all, replace = os.fsync, FileSystem.sync, os.replace
        patch.setattr(os, "fsync", lambda file: events.append("one") or fsync(file))
        patch.setattr(FileSystem, "sync", lambda self: events.append("all") or sync_all(self))
        patch.setattr(os, "replace", lambda at, to: events.append("rename") or replace(at, to))
        stored = await store.put_files(sources)
    assert isinstance(stored[1], StorageError)
    for number, (name, path) in enumerate(sources):
        if number == 1:
            continue
        info = stored[number]
        assert isinstance(info, ObjectInfo)
        assert (info.name, info.size) == (name, number + 1)
        assert info.sha256 == hashlib.sha256(path.read_bytes()).digest()
        assert (root / name).read_bytes() == path.read_bytes()
        assert (root / name).stat().st_mode & 0o222 == 0
    assert not any((root / ".incoming").iterdir())
    if events[0] == "all":  # this system can
        assert count > 3
        assert events.count("all") == 2
        assert events[-1] == "all"
        assert "one" not in events
    else:
        assert events[0] == "one"
        assert events.count("one") >= 2 * (count - 1)


async def test_a_file_that_is_written_to_while_it_is_copied_is_refused(tmp_path: Path) -> None:
    """The others of its batch are stored."""
    growing, still = tmp_path / "growing.bin", tmp_path / "still.bin"
    growing.write_bytes(b"content")
    still.write_bytes(b"content")
    store = await LocalObjectStore.open(tmp_path / "objects")
    read, appended = os.read, False

    def read_and_append(file: int, size: int) -> bytes:
        nonlocal appended
        content = read(file, size)
        if not appended and content == b"content":
            appended = True
            with growing.open("ab") as opened:
                opened.write(b" and more")
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "read", read_and_append)
        stored = await store.put_files([("a/1/2/growing", growing), ("a/1/2/still", still)])
    assert isinstance(stored[0], TransferError)
    assert "growing.bin changed during the upload" in str(stored[0])
    assert isinstance(stored[1], ObjectInfo)
    assert [each and each.size for each in await store.heads(["a/1/2/growing", "a/1/2/still"])] == [
        None,
        len(b"content"),
    ]
    assert not any((tmp_path / "objects" / ".incoming").iterdir())


@pytest.fixture(params=["renameat2", "links", "neither"])
def renaming(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the system renames without replacing: by a call of its own, by links, or not at all."""
    if request.param != "renameat2":
        monkeypatch.setattr("headrace.file_system._renameat2", lambda: None)
    if request.param == "neither":

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("renaming")
async def test_only_who_is_permitted_to_replaces_an_object(tmp_path: Path) -> None:
    """On every system; what is not permitted leaves nothing behind."""
    forbidden = set[str]()

    @asynccontextmanager
    async def replacing(name: str) -> AsyncIterator[None]:
        if name in forbidden:
            raise ConflictError("it is registered")
        yield

    store = LocalObjectStore(tmp_path / "objects", replacing=replacing)
    await store.prepare()
    source, names = tmp_path / "source.bin", ["a/1/2/x", "a/1/2/y"]
    for content in (b"first", b"second"):
        source.write_bytes(content)
        await store.put(names[0], stream(content))
        await store.put_files([(name, source) for name in names])
    forbidden.add(names[0])
    source.write_bytes(b"third")
    for refused in (store.put(names[0], stream(b"third")), store.put_file(names[0], source)):
        with pytest.raises(ConflictError):
            await refused
    stored = await store.put_files([(name, source) for name in names])
    assert isinstance(stored[0], ConflictError)
    assert [await read(store, name) for name in names] == [b"second", b"third"]
    assert not any((tmp_path / "objects" / ".incoming").iterdir())
