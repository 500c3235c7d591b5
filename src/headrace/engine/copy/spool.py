"""Fetch the files of a batch into a folder of bounded size, from which they are sent on.

The files of a lake are not fetched: they are read where they are. All others go through the transfer engine, so they
are verified, and a large one is continued after a crash. Platforms that do not tell sizes are asked for files of unknown
size; what would exceed the limit is left for the next batch, whose sizes are known then.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from uuid import UUID

from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.copy.journal import Journal
from headrace.engine.copy.journal_rows import Row
from headrace.engine.copy.report import CopyReport
from headrace.errors import ChecksumError, HeadraceError, TransferError
from headrace.folders.state import state_of
from headrace.model.names import repair_name
from headrace.model.records import AssetRecord
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress
from headrace.transfer.source import Item, Source, Stream

LARGE_BYTES = 32 << 20
"""A larger file is a batch by itself, in a folder that a later run finds again."""
UNKNOWN_FILES = 64
"""Files of unknown size in a batch, at most."""

_BATCH, _FILE = "batch", "file-"


class SpooledFile(Struct):
    """A file that is ready to be sent: where its bytes are, and what is known of it."""

    row: Row
    asset: AssetRecord
    path: Path
    sha256: str | None = None


class SpooledBatch(Struct):
    """Files that are ready. ``later`` are assets that did not fit; ``folder`` is deleted when the files were sent."""

    files: list[SpooledFile] = field(default_factory=list)
    later: list[AssetRecord] = field(default_factory=list)
    folder: Path | None = None


class TooLargeError(TransferError):
    """A file does not fit into its batch; it is fetched in a later one."""


class Spool:
    """Fetches files.

    Args:
        backend: Backend of the files.
        journal: Says which files are still to be copied, and where the folder is.
        batch_bytes: Most bytes of one batch, except a single file that is larger.
        max_workers: Number of files at a time.
    """

    def __init__(
        self, backend: Backend, journal: Journal, batch_bytes: int, max_workers: int | None
    ) -> None:
        self._backend = backend
        self._folder = journal.spool
        self.batch_bytes = batch_bytes
        self._max_workers = backend.limits.max_workers if max_workers is None else max_workers
        self._sizes: dict[UUID, int] = {}
        self._begun: set[str] = set()

    def tidy(self) -> None:
        """Delete what an earlier run left, except large files, which are continued. Blocks."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            if folder.name.startswith(_FILE):
                self._begun.add(folder.name)
            else:
                self.drop(folder)

    def clear(self) -> None:
        """Delete everything. Blocks."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            self.drop(folder)

    def drop(self, folder: Path | None) -> None:
        """Delete the folder of a batch, and what headrace remembers of it. Blocks."""
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(state_of(folder), ignore_errors=True)

    def size_of(self, asset: AssetRecord) -> int | None:
        """Return the size of a file in bytes, None if it is not known yet."""
        return asset.data.size if asset.data.size is not None else self._sizes.get(asset.id)

    def take(self, waiting: Sequence[AssetRecord]) -> int:
        """Return how many of the files, from the first on, make up the next batch."""
        held = unknown = 0
        for number, asset in enumerate(waiting):
            size = self.size_of(asset)
            unknown += size is None
            held += size or 0
            if number and (held > self.batch_bytes or unknown > UNKNOWN_FILES):
                return number
            if self._is_large(asset) and not self._backend.limits.local_files:
                return max(number, 1)
        return len(waiting)

    def _is_large(self, asset: AssetRecord) -> bool:
        """Whether a file is fetched alone: it is large, or an earlier run has found that."""
        size = self.size_of(asset)
        return (size is not None and size > LARGE_BYTES) or _large_name(asset) in self._begun

    async def fetch(
        self, rows: dict[UUID, Row], assets: list[AssetRecord], report: CopyReport
    ) -> SpooledBatch:
        """Fetch files; those that fail are in the report.

        Args:
            rows: The rows of the assets by id.
            assets: The assets; :meth:`take` says how many.
            report: Gets the failures.
        """
        if self._backend.limits.local_files:
            found = await map_bounded(
                self._local, assets, concurrency=self._backend.limits.concurrency
            )
            found = await in_thread(_whole, assets, found)
            files = []
            for asset, path in zip(assets, found, strict=True):
                if isinstance(path, HeadraceError):
                    report.fail(asset.data.filename, path, id=str(asset.id))
                else:
                    files.append(SpooledFile(rows[asset.id], asset, path, asset.data.sha256))
            return SpooledBatch(files)
        return await self._download(rows, assets, report)

    async def _local(self, asset: AssetRecord) -> Path | HeadraceError:
        try:
            async with self._backend.file(asset.data).open() as stream:
                assert stream.local_path is not None
                return stream.local_path
        except HeadraceError as error:
            return error

    async def _download(
        self, rows: dict[UUID, Row], assets: list[AssetRecord], report: CopyReport
    ) -> SpooledBatch:
        alone = len(assets) == 1 and self._is_large(assets[0])
        folder = self._folder / (_large_name(assets[0]) if alone else f"{_BATCH}-{assets[0].id}")
        room = _Room(self.batch_bytes)
        capped = {
            asset.id: _CappedSource(self._backend.file(asset.data), room)
            for asset in assets
            if self.size_of(asset) is None and not alone
        }
        names = {asset.id: f"{asset.id}/{_name(asset)}" for asset in assets}

        async def items() -> AsyncIterator[list[Item]]:
            yield [
                Item(
                    name=names[asset.id],
                    source=capped.get(asset.id) or self._backend.file(asset.data),
                    size=asset.data.size,
                    sha256=asset.data.sha256,
                    id=str(asset.id),
                )
                for asset in assets
            ]

        with Progress("copy", "files", None) as progress:
            moved = await run(items(), folder, max_workers=self._max_workers, progress=progress)
        batch = SpooledBatch(folder=folder)
        failed = {UUID(each.id): each for each in moved.failures if each.id}
        for asset in assets:
            source = capped.get(asset.id)
            if source is not None and source.total is not None:
                self._sizes[asset.id] = source.total
            if asset.id not in failed:
                path = folder / names[asset.id]
                batch.files.append(SpooledFile(rows[asset.id], asset, path, asset.data.sha256))
            elif source is not None and source.refused:
                batch.later.append(asset)
            else:
                failure = failed[asset.id]
                error = TransferError(failure.message)
                error.code = failure.code  # type: ignore[misc]  # that of the first error
                report.fail(asset.data.filename, error, id=str(asset.id))
        return batch


def _whole(
    assets: Sequence[AssetRecord], paths: Sequence[Path | HeadraceError]
) -> list[Path | HeadraceError]:
    """Return the paths with an error in place of each file that has another size than its lake says. Blocks."""
    checked: list[Path | HeadraceError] = []
    for asset, path in zip(assets, paths, strict=True):
        size = asset.data.size
        if isinstance(path, Path) and size is not None and (have := path.stat().st_size) != size:
            checked.append(
                ChecksumError(
                    f"{path} was damaged: it has {have:,} bytes instead of {size:,}",
                    hint="restore it from a backup",
                )
            )
        else:
            checked.append(path)
    return checked


def _large_name(asset: AssetRecord) -> str:
    """The name of the folder for a file that is fetched alone."""
    return f"{_FILE}{asset.id}"


def _name(asset: AssetRecord) -> str:
    return repair_name(PurePosixPath(asset.data.filename).name or "file")


class _Room:
    """The bytes that are left for files of unknown size."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._used = False

    def take(self, size: int) -> bool:
        """Reserve bytes; the first file always gets them."""
        if self._used and size > self._left:
            return False
        self._used = True
        self._left -= size
        return True


class _CappedSource:
    """A file of unknown size, which is not fetched if it does not fit."""

    def __init__(self, source: Source, room: _Room) -> None:
        self._source = source
        self._room = room
        self.total: int | None = None
        self.refused = False

    @asynccontextmanager
    async def open(self, offset: int = 0, validator: str | None = None) -> AsyncIterator[Stream]:
        """Open the file. Raises TooLargeError if it does not fit."""
        async with self._source.open(offset, validator) as stream:
            if self.total is None:
                self.total = stream.total or 0
                # A large file is fetched alone, into the folder that a later run finds again.
                self.refused = self.total > LARGE_BYTES or not self._room.take(self.total)
            if self.refused:
                raise TooLargeError("the file does not fit into this batch")
            yield stream

    async def wait_for_retry(self) -> None:
        """Wait until another attempt is allowed."""
        await self._source.wait_for_retry()


def hash_missing(files: Sequence[SpooledFile]) -> None:
    """Hash the files whose digests the source does not tell. Blocks."""
    for file in files:
        if file.sha256 is None:
            with file.path.open("rb") as opened:
                file.sha256 = hashlib.file_digest(opened, "sha256").hexdigest()


async def hash_files(files: Sequence[SpooledFile]) -> None:
    """:func:`hash_missing` on a thread."""
    await in_thread(hash_missing, files)
