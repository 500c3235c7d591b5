"""What happens to stored files when processes die, disks fill up and folders hold surprises."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.errors import ObjectNotFoundError, StorageError
from headrace.storage.objects.local.store import LocalObjectStore

NAME = "a/1/2/x.bin"

LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from headrace.errors import StorageError
from headrace.storage.objects.local.store import LocalObjectStore

async def content():
    for _ in range(64):
        yield bytes(1 << 20)

async def main():
    store = await LocalObjectStore.open(Path(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, resource.RLIM_INFINITY))
    try:
        await store.put("a/1/2/x.bin", content())
    except StorageError as error:
        print(error)

asyncio.run(main())
"""

STALLED = """
import asyncio, sys
from pathlib import Path
from headrace.storage.objects.local.store import LocalObjectStore

async def content():
    yield bytes(3 << 20)
    print("writing", flush=True)
    await asyncio.Event().wait()

async def main():
    store = await LocalObjectStore.open(Path(sys.argv[1]))
    await store.put("a/1/2/x.bin", content())

asyncio.run(main())
"""


async def chunks(*content: bytes) -> AsyncIterator[bytes]:
    for chunk in content:
        yield chunk


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def test_a_full_disk_names_the_folder_and_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", LIMITED, str(root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"no space left in {root}" in done.stdout
    assert "free space" in done.stdout
    assert files(root) == []


async def test_kill_9_leaves_nothing_visible_and_the_leftover_goes_when_old(
    tmp_path: Path,
) -> None:
    root = tmp_path / "objects"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STALLED, str(root), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"writing\n"
    process.kill()
    await process.wait()
    store = await LocalObjectStore.open(root)
    assert await store.head(NAME) is None
    (leftover,) = files(root)
    assert leftover.startswith(".incoming/")
    os.utime(root / leftover, (0, 0))
    await LocalObjectStore.open(root)
    assert files(root) == []


async def test_an_abandoned_upload_goes_when_old_and_a_young_one_stays(tmp_path: Path) -> None:
    store = await LocalObjectStore.open(tmp_path)
    old, young = await store.begin_parts(NAME), await store.begin_parts(NAME)
    await store.put_part(NAME, old, 1, chunks(b"x"))
    etag = await store.put_part(NAME, young, 1, chunks(b"x"))
    os.utime(tmp_path / ".parts" / old, (0, 0))
    store = await LocalObjectStore.open(tmp_path)
    assert [path.name for path in (tmp_path / ".parts").iterdir()] == [young]
    await store.complete_parts(NAME, young, [(1, etag)])


async def test_a_completed_upload_keeps_no_bytes_twice(tmp_path: Path) -> None:
    store = await LocalObjectStore.open(tmp_path)
    upload = await store.begin_parts(NAME)
    etag = await store.put_part(NAME, upload, 1, chunks(bytes(1 << 20)))
    await store.complete_parts(NAME, upload, [(1, etag)])
    left = sum(path.stat().st_size for path in (tmp_path / ".parts").rglob("*") if path.is_file())
    assert left < 1000


async def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    store = await LocalObjectStore.open(tmp_path / "objects")
    place = tmp_path / "objects" / "a" / "1" / "2"
    place.mkdir(parents=True)
    (place / "x.bin").symlink_to(secret)
    assert await store.head(NAME) is None
    with pytest.raises(ObjectNotFoundError):
        [chunk async for chunk in store.get(NAME)]
    await store.put(NAME, chunks(b"new"))
    assert secret.read_bytes() == b"secret"


async def test_a_named_pipe_is_no_file_to_store(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    store = await LocalObjectStore.open(tmp_path / "objects")
    with pytest.raises(Exception, match="is not a file"):
        await store.put_file(NAME, pipe)


async def test_a_file_in_the_place_of_the_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "objects").write_bytes(b"")
    with pytest.raises(StorageError, match="objects"):
        await LocalObjectStore.open(tmp_path / "objects")


async def test_a_moved_file_across_file_systems_arrives_whole(tmp_path: Path) -> None:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    source = shared_memory / f"headrace-test-{os.getpid()}"
    content = os.urandom(3 << 20)
    source.write_bytes(content)
    try:
        store = await LocalObjectStore.open(tmp_path)
        info = await store.put_file(NAME, source, move=True)
        assert info.sha256 == hashlib.sha256(content).digest()
        assert not source.exists()
        assert (tmp_path / NAME).read_bytes() == content
    finally:
        source.unlink(missing_ok=True)


async def test_storing_many_files_leaves_no_open_descriptors(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this system does not list open descriptors")
    store = await LocalObjectStore.open(tmp_path)
    await store.put("warm", chunks(b"up"))
    before = len(list(descriptors.iterdir()))
    for number in range(50):
        await store.put(f"a/{number}", chunks(b"x"))
        reading = store.get(f"a/{number}")
        assert await anext(reading) == b"x"
        await store.head(f"a/{number}")
    task = asyncio.create_task(store.put("b/x", chunks(*[bytes(1 << 20)] * 20)))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert len(list(descriptors.iterdir())) == before


async def test_flush_waits_for_what_was_stored_without_sync(tmp_path: Path) -> None:
    store = await LocalObjectStore.open(tmp_path, sync=False)
    for number in range(5):
        await store.put(f"a/{number}", chunks(b"x"))
    await store.delete(["a/3"])
    await store.flush()
    await store.flush()
    assert (tmp_path / "a" / "4").read_bytes() == b"x"
