"""Fetching files: verified before they appear, tried again where the bytes were wrong, never in the way of each other."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from headrace.errors import (
    ChecksumError,
    ConfigurationError,
    ConnectError,
    ObjectNotFoundError,
    PartialTransferError,
    TransferError,
)
from headrace.folders.state import state_of
from headrace.transfer.download.preview import preview
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress, ProgressEvent
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item, LocalSource, Stream
from headrace.transfer.state import workspace
from headrace.transfer.state.copier import LocalMedia
from headrace.transfer.state.journal import MARK

CONTENT = b"0123456789" * 1_000


class Bytes:
    """A stream of some bytes; ``length`` is what it promises."""

    start = 0
    validator: str | None = None
    digests: Mapping[str, str] = {}
    local_path: Path | None = None
    whole: memoryview | None = None
    write_to = None

    def __init__(self, content: bytes, length: int | None, step: int = 700) -> None:
        self.length = self.total = length
        self._content = content
        self._step = step

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), self._step):
            await anyio.lowlevel.checkpoint()
            yield self._content[start : start + self._step]


class Contents:
    """Gives the first content when opened first, the second when opened again, and so on; the last for ever."""

    def __init__(
        self, *contents: bytes | Exception, length: int | None = None, step: int = 700
    ) -> None:
        self._left = list(contents)
        self._length = length
        self._step = step

    @asynccontextmanager
    async def open(self, offset: int = 0, validator: str | None = None) -> AsyncIterator[Stream]:
        content = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(content, Exception):
            raise content
        yield Bytes(content, self._length, self._step)

    async def wait_for_retry(self) -> None:
        """At once."""


class OnDisk(LocalSource):
    """A file that lies on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def local_path(self) -> str:
        return str(self._path)

    @asynccontextmanager
    async def open(self, offset: int = 0, validator: str | None = None) -> AsyncIterator[Stream]:
        if not self._path.exists():
            raise ObjectNotFoundError(f"there is no {self._path.name}")
        yield Bytes(self._path.read_bytes(), None, 300_000)

    async def wait_for_retry(self) -> None:
        """At once."""


def item(
    name: str, *contents: bytes | Exception, length: int | None = None, known: bool = True
) -> Item:
    return Item(
        name=name,
        source=Contents(*contents, length=length),
        size=len(CONTENT) if known else None,
        sha256=hashlib.sha256(CONTENT).hexdigest() if known else None,
    )


async def fetched(
    items: Iterable[Item],
    folder: Path,
    *,
    force_replace: bool = False,
    max_workers: int = 3,
    events: list[ProgressEvent] | None = None,
) -> TransferReport:
    async def batches() -> AsyncIterator[list[Item]]:
        for each in items:
            yield [each]

    with Progress("pull", "files", None if events is None else events.append) as progress:
        return await run(
            batches(),
            folder,
            force_replace=force_replace,
            max_workers=max_workers,
            progress=progress,
        )


def files(folder: Path) -> dict[str, bytes]:
    """What is there, but for the state of an incomplete run."""
    found = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    assert not [name for name in found if name.startswith(".headrace/parts")]
    return {name: found[name] for name in found if not name.startswith(".headrace/")}


async def test_files_appear_in_their_folders_and_nothing_else(tmp_path: Path) -> None:
    items = [item("a.bin", CONTENT), item("b/c/d.bin", CONTENT), item("e.bin", b"", known=False)]
    report = await fetched(items, tmp_path / "out")
    assert files(tmp_path / "out") == {"a.bin": CONTENT, "b/c/d.bin": CONTENT, "e.bin": b""}
    assert sorted(os.listdir(tmp_path / "out")) == ["a.bin", "b", "e.bin"]
    assert (report.moved, report.skipped, report.failed, report.bytes) == (
        3,
        0,
        0,
        2 * len(CONTENT),
    )


@pytest.mark.parametrize(
    "bad",
    [CONTENT[:-1], CONTENT + b"!", bytes(len(CONTENT)), b""],
    ids=["cut", "long", "other", "none"],
)
async def test_wrong_bytes_are_fetched_again_and_never_seen(tmp_path: Path, bad: bytes) -> None:
    report = await fetched([item("once.bin", bad, CONTENT), item("always.bin", bad)], tmp_path)
    assert files(tmp_path) == {"once.bin": CONTENT}
    assert [(failure.name, failure.code) for failure in report.failures] == [
        ("always.bin", "checksum")
    ]
    with pytest.raises(
        PartialTransferError, match=r"1 of 2 files were not downloaded; first always\.bin"
    ) as caught:
        report.check("downloaded")
    assert caught.value.report is report


async def test_the_promised_length_counts_where_nothing_else_is_known(tmp_path: Path) -> None:
    items = [
        item("cut.bin", CONTENT[:10], length=len(CONTENT), known=False),
        item("whole.bin", CONTENT, length=len(CONTENT), known=False),
        item("unknown.bin", CONTENT, known=False),
    ]
    report = await fetched(items, tmp_path)
    assert report.failed == 1
    assert files(tmp_path) == {"whole.bin": CONTENT, "unknown.bin": CONTENT}


async def test_what_is_complete_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "known.bin").write_bytes(CONTENT)
    (tmp_path / "size.bin").write_bytes(CONTENT)
    never = ConnectError("this must not be opened")
    items = [
        item("known.bin", never),
        Item(name="size.bin", source=Contents(never), size=len(CONTENT)),
    ]
    report = await fetched(items, tmp_path)
    assert (report.skipped, report.failed) == (2, 0)


async def test_that_a_file_exists_proves_nothing(tmp_path: Path) -> None:
    """Of a file of which nothing is known only the manifest says that it is complete."""
    first = await fetched([item("a.bin", CONTENT, known=False)], tmp_path)
    never = Item(name="a.bin", source=Contents(TransferError("this must not be opened")))
    second = await fetched([never], tmp_path)
    assert (first.moved, second.skipped) == (1, 1)
    (tmp_path / "a.bin").write_bytes(b"touched")
    third = await fetched([item("a.bin", CONTENT, known=False)], tmp_path)
    assert (third.moved, third.kept, third.kept_files) == (0, 1, ["a.bin"])
    assert files(tmp_path) == {"a.bin": b"touched"}
    forced = await fetched([item("a.bin", CONTENT, known=False)], tmp_path, force_replace=True)
    assert (forced.moved, forced.kept) == (1, 0)
    assert files(tmp_path) == {"a.bin": CONTENT}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("step", [700, 3_000_000])
async def test_a_file_of_another_is_kept_unless_it_is_equal(
    tmp_path: Path, known: bool, step: int
) -> None:
    """Where neither size nor digest is known, the bytes that arrive decide."""
    (tmp_path / "other.bin").write_bytes(b"a person's")
    (tmp_path / "same size.bin").write_bytes(bytes(len(CONTENT)))
    (tmp_path / "equal.bin").write_bytes(CONTENT)
    (tmp_path / "folder.bin").mkdir()
    (tmp_path / "nowhere.bin").symlink_to("not there")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "target").write_bytes(CONTENT)
    (tmp_path / "link.bin").symlink_to("target")
    before = files(tmp_path)
    ours = ("equal.bin", "link.bin")
    theirs = ("other.bin", "same size.bin", "folder.bin", "nowhere.bin", "file/below.bin")
    items = [
        Item(
            name=name,
            source=Contents(CONTENT, step=step),
            size=len(CONTENT) if known else None,
            sha256=hashlib.sha256(CONTENT).hexdigest() if known else None,
        )
        for name in (*ours, *theirs)
    ]
    report = await fetched(items, tmp_path)
    assert sorted(report.kept_files) == sorted(theirs)
    assert (report.kept, report.failed, report.moved + report.skipped) == (5, 0, 2)
    assert files(tmp_path) == before
    assert (tmp_path / "nowhere.bin").is_symlink()
    assert (tmp_path / "folder.bin").is_dir()
    assert not (tmp_path / ".headrace").exists()


async def test_a_file_of_ours_gives_way_until_a_person_changes_it(tmp_path: Path) -> None:
    for content in (b"first", b"second", b"third"):
        wanted = Item(
            name="a.bin",
            source=Contents(content),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        report = await fetched([wanted], tmp_path)
        assert (report.moved, report.kept) == (1, 0)
        assert files(tmp_path) == {"a.bin": content}
    (tmp_path / "a.bin").write_bytes(b"mine!")
    report = await fetched([item("a.bin", CONTENT)], tmp_path)
    assert report.kept_files == ["a.bin"]
    assert files(tmp_path) == {"a.bin": b"mine!"}


async def test_the_manifest_does_not_grow_with_every_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knows about the files that are there outlives its compaction, also about files of other downloads."""
    monkeypatch.setattr(workspace, "OLD_MARKS", 20)
    await fetched([item("sub/other.bin", CONTENT)], tmp_path)
    for number in range(100):
        content = b"%d" % number
        digest = hashlib.sha256(content).hexdigest()
        wanted = Item(name="a.bin", source=Contents(content), size=len(content), sha256=digest)
        assert (await fetched([wanted], tmp_path)).moved == 1
    manifest = state_of(tmp_path) / "pulled"
    assert manifest.stat().st_size <= MARK * 26
    never = ConnectError("this must not be opened")
    complete = await fetched([item("sub/other.bin", never)], tmp_path)
    assert complete.skipped == 1
    changed = Item(name="sub/other.bin", source=Contents(b"new"), size=3)
    assert (await fetched([changed], tmp_path)).moved == 1


async def test_without_a_state_folder_digests_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state folder is a file: nothing can be written there. What was fetched is not fetched again."""
    (tmp_path / "state").write_bytes(b"")
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "state" / "below"))
    never = ConnectError("this must not be opened")
    first = await fetched([item("a.bin", CONTENT)], tmp_path / "out")
    assert any("state folder cannot be written" in note for note in first.notes)
    again = await fetched([item("a.bin", never)], tmp_path / "out")
    assert (first.moved, again.skipped, again.failed) == (1, 1, 0)
    assert os.listdir(tmp_path / "out") == ["a.bin"]


async def test_a_preview_says_what_a_run_does(tmp_path: Path) -> None:
    """And leaves no trace, not even the folder."""
    out = tmp_path / "out"
    items = [item("a.bin", CONTENT), item("b.bin", CONTENT), item("c.bin", b"", known=False)]

    async def preview_of(*, force_replace: bool = False) -> TransferReport:
        async def batches() -> AsyncIterator[list[Item]]:
            yield items

        with Progress("pull", "files", None) as progress:
            return await preview(batches(), out, force_replace=force_replace, progress=progress)

    nothing = await preview_of()
    assert (nothing.moved, nothing.bytes, nothing.dry_run) == (3, 2 * len(CONTENT), True)
    assert not out.exists()
    out.mkdir()
    (out / "a.bin").write_bytes(CONTENT)
    (out / "b.bin").write_bytes(b"other")
    some = await preview_of()
    assert (some.moved, some.skipped, some.kept_files) == (1, 1, ["b.bin"])
    forced = await preview_of(force_replace=True)
    assert (forced.moved, forced.skipped, forced.kept) == (3, 0, 0)
    assert sorted(os.listdir(out)) == ["a.bin", "b.bin"]


async def test_a_good_file_stays_where_its_successor_fails(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"good")
    (tmp_path / "b.bin").write_bytes(b"old")
    items = [item("a.bin", b"bad"), item("b.bin", CONTENT)]
    report = await fetched(items, tmp_path, force_replace=True)
    assert files(tmp_path) == {"a.bin": b"good", "b.bin": CONTENT}
    assert report.failed == 1
    assert sorted(os.listdir(tmp_path / ".headrace")) == ["failed.json", "pulled"]


async def test_what_a_dead_run_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".headrace" / "parts-dead"
    left.mkdir(parents=True)
    (left / "0.part").write_bytes(CONTENT * 2)
    await fetched([item("a.bin", CONTENT)], tmp_path)
    assert os.listdir(tmp_path) == ["a.bin"]
    assert files(tmp_path) == {"a.bin": CONTENT}


async def test_runs_of_one_process_share_a_folder(tmp_path: Path) -> None:
    """As many downloads of single files do; the last one leaves nothing but the files."""
    reports: list[TransferReport] = []

    async def one(number: int) -> None:
        reports.append(await fetched([item(f"{number}.bin", CONTENT)], tmp_path))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(one, number)
    assert sum(report.moved for report in reports) == 20
    assert files(tmp_path) == {f"{number}.bin": CONTENT for number in range(20)}
    assert len(os.listdir(tmp_path)) == 20
    never = ConnectError("this must not be opened")
    again = await fetched([item(f"{number}.bin", never) for number in range(20)], tmp_path)
    assert again.skipped == 20


async def test_no_more_than_so_many_at_a_time(tmp_path: Path) -> None:
    under_way = most = 0

    class Counted(Contents):
        @asynccontextmanager
        async def open(
            self, offset: int = 0, validator: str | None = None
        ) -> AsyncIterator[Stream]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await anyio.sleep(0.001)
            yield Bytes(CONTENT, None)
            under_way -= 1

    items = [Item(name=f"{n}.bin", source=Counted(CONTENT)) for n in range(40)]
    await fetched(items, tmp_path, max_workers=4)
    assert most == 4
    with pytest.raises(ConfigurationError, match="max_workers=0 is too small"):
        await fetched(items, tmp_path, max_workers=0)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TransferError, match="cannot create the folder"):
        await fetched([item("a.bin", CONTENT)], tmp_path / "file" / "sub")


async def test_the_last_event_tells_all(tmp_path: Path) -> None:
    events: list[ProgressEvent] = []
    items = [item("a.bin", CONTENT), item("b.bin", b"bad")]
    await fetched(items, tmp_path, events=events)
    assert not any(event.finished for event in events[:-1])
    last = events[-1]
    assert (last.finished, last.done, last.bytes, last.job) == (True, 2, len(CONTENT), "pull")


def test_a_full_disk_ends_everything_with_one_error(tmp_path: Path) -> None:
    """The limit on a file's size stands for the disk: the same system call fails in the same way."""
    script = """
        import asyncio, resource, signal, sys
        sys.dont_write_bytecode = True  # the limit would cut the cached bytecode too
        from pathlib import Path
        from tests.unit.transfer.test_runner import CONTENT, fetched, item
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
        try:
            asyncio.run(fetched([item(f"{n}.bin", CONTENT) for n in range(9)], Path(sys.argv[1])))
        except BaseExceptionGroup as errors:
            print(*sorted({type(error).__name__ for error in errors.exceptions}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (done.stdout, done.returncode) == ("DiskFullError\n", 0), done.stderr
    assert files(tmp_path / "out") == {}


def on_disk(lake: Path, count: int) -> list[Item]:
    lake.mkdir()
    items = []
    for number in range(count):
        content = hashlib.shake_256(bytes([number])).digest(1_000 + number)
        (lake / str(number)).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        items.append(
            Item(
                name=f"{number % 3}/{number}",
                source=OnDisk(lake / str(number)),
                size=len(content),
                sha256=digest,
            )
        )
    return items


@pytest.mark.parametrize("media", LocalMedia)
async def test_files_of_this_machine_are_put_in_place_and_verified(
    tmp_path: Path, media: LocalMedia
) -> None:
    """Those that are damaged or missing in the lake fail by themselves; a link is one file with two names."""
    lake, folder = tmp_path / "lake", tmp_path / "folder"
    items = on_disk(lake, 150)
    (lake / "7").write_bytes(bytes(1_007))
    (lake / "8").unlink()

    async def batches() -> AsyncIterator[list[Item]]:
        yield items

    with Progress("pull", "files", None) as progress:
        report = await run(batches(), folder, max_workers=4, media=media, progress=progress)
    assert (report.moved, report.failed) == (148, 2)
    assert {failure.name: failure.code for failure in report.failures} == {
        "1/7": ChecksumError.code,
        "2/8": ObjectNotFoundError.code,
    }
    good = [number for number in range(150) if number not in (7, 8)]
    expected = {f"{number % 3}/{number}": (lake / str(number)).read_bytes() for number in good}
    found = {name: content for name, content in files(folder).items() if ".headrace" not in name}
    assert found == expected
    linked = media is LocalMedia.HARDLINK
    for number in good:
        one, other = lake / str(number), folder / f"{number % 3}/{number}"
        assert one.samefile(other) == linked
        assert (other.stat().st_mode & 0o222 == 0) == linked
    with Progress("pull", "files", None) as progress:
        again = await run(batches(), folder, max_workers=4, media=media, progress=progress)
    assert (again.moved, again.skipped, again.failed) == (0, 148, 2)
