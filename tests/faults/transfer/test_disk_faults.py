"""Downloads on a disk that fails at any one thing, or from then on (F02): a typed error, nothing wrong to be seen."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.net.storage_session import StorageSession
from headrace.testing.fault_server import fault_server
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state.copier import LocalMedia
from tests.faults.transfer.test_download_faults import Storage
from tests.support.faults.faulty_disk import FaultyDisk, faulty_disk
from tests.unit.transfer.test_runner import Contents, OnDisk

FILES = {
    **{f"a/{n}.bin": hashlib.shake_256(bytes([n])).digest(2_000 + n) for n in range(4)},
    "large.bin": hashlib.shake_256(b"large").digest(3_000_000),
}
OLD = {"a/1.bin": b"an older file of ours", "a/2.bin": b"a person's", "other.txt": b"not ours"}
THEIRS = ("a/2.bin", "other.txt")
AFTER = FILES | {name: OLD[name] for name in THEIRS}
FULL = {errno.ENOSPC, errno.EDQUOT}


Download = Callable[[Path], Awaitable[TransferReport]]


async def download(folder: Path) -> TransferReport:
    """From memory, file by file."""
    return await put(folder, FILES)


async def put(folder: Path, files: Mapping[str, bytes]) -> TransferReport:
    """Download some files from memory, one by one."""

    async def batches() -> AsyncIterator[list[Item]]:
        yield [
            Item(
                name=name,
                source=Contents(content, step=300_000),
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for name, content in files.items()
        ]

    with Progress("pull", "files", None) as progress:
        return await run(batches(), folder, max_workers=2, progress=progress)


def on_disk(media: LocalMedia) -> Download:
    """Return a download from files of this disk, which are copied or linked."""

    async def download(folder: Path) -> TransferReport:
        lake = folder.with_name(f"{folder.name}-lake")
        items = []
        for name, content in FILES.items():
            path = lake / name.replace("/", "-")
            if not path.exists():
                lake.mkdir(exist_ok=True)
                path.write_bytes(content)
            assert path.read_bytes() == content
            digest = hashlib.sha256(content).hexdigest()
            items.append(Item(name=name, source=OnDisk(path), size=len(content), sha256=digest))

        async def batches() -> AsyncIterator[list[Item]]:
            yield items

        with Progress("pull", "files", None) as progress:
            return await run(batches(), folder, max_workers=2, media=media, progress=progress)

    return download


async def download_together(folder: Path) -> TransferReport:
    """From a server, the small files together."""
    async with fault_server(FILES) as server:
        session = StorageSession(user_agent="test")
        storage = Storage(server, session, folder)
        try:
            items = [
                storage.item(name, size=len(body), sha256=hashlib.sha256(body).hexdigest())
                for name, body in FILES.items()
            ]
            return await storage.fetch(items, max_workers=1, force_replace=False)
        finally:
            await session.aclose()


EACH = pytest.mark.parametrize(
    "download",
    [download, download_together, on_disk(LocalMedia.COPY), on_disk(LocalMedia.HARDLINK)],
    ids=["alone", "together", "copied", "linked"],
)


def raised(error: BaseException) -> list[BaseException]:
    """The errors of a group, one by one."""
    if isinstance(error, BaseExceptionGroup):
        return [one for each in error.exceptions for one in raised(each)]
    return [error]


def look(folder: Path) -> None:
    """What is visible is complete: the old file or its successor, and nothing of others was touched."""
    for name, content in files_below(folder).items():
        good = {FILES.get(name), OLD.get(name)}
        assert content in good, name
    for name in THEIRS:
        assert (folder / name).read_bytes() == OLD[name]
    assert (folder / "a/1.bin").read_bytes() in (OLD["a/1.bin"], FILES["a/1.bin"])


def files_below(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    return {n: path.read_bytes() for n, path in names.items() if not n.startswith(".headrace/")}


async def one_run(
    download: Download, folder: Path, at: int, error: int, *, forever: bool
) -> FaultyDisk:
    (folder / "a").mkdir(parents=True)
    await put(folder, {"a/1.bin": OLD["a/1.bin"]})
    for name in THEIRS:
        (folder / name).write_bytes(OLD[name])
    report: TransferReport | None = None
    errors: list[BaseException] = []
    with faulty_disk(folder, at, error, forever=forever) as disk:
        try:
            report = await download(folder)
        except Exception as caught:
            errors = raised(caught)
    look(folder)
    assert all(isinstance(each, HeadraceError) for each in errors), errors
    if disk.failed and report is None:
        assert any(
            str(folder) in str(each) or any(n in str(each) for n in FILES) for each in errors
        )
        if error in FULL:
            assert any("free space" in str(each) for each in errors), errors
    if report is not None:
        there = files_below(folder)
        assert report.moved == len(FILES) - report.failed - 1
        assert report.kept_files == ["a/2.bin"]
        wrong = {name for name in FILES if there.get(name) != AFTER[name]}
        assert wrong == {failure.name for failure in report.failures}
        assert all(failure.code and failure.message for failure in report.failures)
    again = await download(folder)
    assert again.failed == 0
    assert files_below(folder) == AFTER
    assert not (folder / ".headrace").exists()
    return disk


def handles(folder: Path) -> list[str]:
    """The files below a folder that this process has open; none can be told where there is no /proc."""
    found = Path("/proc/self/fd")
    if not found.is_dir():
        return []
    links = [os.readlink(one) for one in found.iterdir() if one.is_symlink()]
    return [link for link in links if link.startswith(f"{folder}{os.sep}")]


async def until_clean(download: Download, tmp_path: Path, error: int, *, forever: bool) -> int:
    """Let the first, the second, the third … thing fail until none is left. No handle stays open."""
    for at in range(1, 1000):
        disk = await one_run(download, tmp_path / str(at), at, error, forever=forever)
        assert handles(tmp_path) == []
        if not disk.failed:
            return at
    raise AssertionError("there is no end of it")


@pytest.mark.parametrize(
    "error",
    [pytest.param(errno.EIO, marks=pytest.mark.slow), errno.ENOSPC],
    ids=["EIO", "ENOSPC"],
)
@pytest.mark.parametrize("forever", [False, True], ids=["once", "for-ever"])
@EACH
async def test_f02_any_call_may_fail(
    tmp_path: Path, error: int, forever: bool, download: Download
) -> None:
    assert await until_clean(download, tmp_path, error, forever=forever) > 2 * len(FILES)


@pytest.mark.slow
@pytest.mark.parametrize("error", [errno.EDQUOT, errno.EACCES, errno.EMFILE, errno.EROFS])
@pytest.mark.parametrize("forever", [False, True], ids=["once", "for-ever"])
@EACH
async def test_f02_in_any_way(
    tmp_path: Path, error: int, forever: bool, download: Download
) -> None:
    assert await until_clean(download, tmp_path, error, forever=forever) > 2 * len(FILES)
