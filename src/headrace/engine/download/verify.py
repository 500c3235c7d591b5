"""Compare a version with a folder file by file: every file is read again, and nothing is fetched or written."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import AsyncIterable, Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from headrace.engine.download.names import NamedFile
from headrace.engine.paging import batched
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.state.journal import MarkSet

SAME, DIFFERENT, MISSING, EXTRA, ERROR = "=", "*", "+", "-", "!"
_TOGETHER: Final = 4
_BATCH: Final = 32
_SHOWN: Final = 1_000

OnLine = Callable[[str, str], None]
"""Called on a thread with the symbol and the name of each file."""


class VerifyReport(Struct, kw_only=True):
    """How a folder compares with a version.

    Attributes:
        same: Files with the content of their assets.
        different: Files with other content.
        missing: Assets without a file.
        extra: Files without an asset; hidden files do not count.
        errors: Files that cannot be read.
        unknown: Files whose size alone was compared, since the platform knows no digest; they count as the same.
        examples: The symbol and the name of the first 1,000 files that are not the same: ``*`` different, ``+`` missing in
            the folder, ``-`` only in the folder, ``!`` unreadable.
        bytes: Bytes that were read.
        seconds: Duration in seconds.
    """

    same: int = 0
    different: int = 0
    missing: int = 0
    extra: int = 0
    errors: int = 0
    unknown: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether the folder holds the files of the version and nothing else."""
        return not (self.different or self.missing or self.extra or self.errors)

    def count(self, symbol: str, name: str) -> None:
        """Count a file."""
        attribute = {
            SAME: "same",
            DIFFERENT: "different",
            MISSING: "missing",
            EXTRA: "extra",
            ERROR: "errors",
        }[symbol]
        setattr(self, attribute, getattr(self, attribute) + 1)
        if symbol != SAME and len(self.examples) < _SHOWN:
            self.examples.append((symbol, name))


class _ComparedFile(Struct, frozen=True):
    symbol: str
    bytes: int = 0
    unknown: bool = False


async def verify(
    files: AsyncIterable[list[NamedFile]],
    folder: Path,
    *,
    whole: bool = True,
    on_line: OnLine | None = None,
    total: int | None = None,
    progress: OnProgress | None = None,
) -> VerifyReport:
    """Compare files with a folder.

    Args:
        files: Pages of files with their local names.
        folder: The folder.
        whole: The files are all that the folder should hold: others in it are reported.
        on_line: Called with each file, in the order of the listing, those without an asset last.
        total: Number of files, for the progress.
        progress: Called with a progress event from time to time.

    Raises:
        NotADirectoryError: ``folder`` is not a folder.
    """
    if not await in_thread(folder.is_dir):
        raise NotADirectoryError(20, "not a folder", str(folder))
    report = VerifyReport()
    met = MarkSet()

    def note(symbol: str, name: str) -> None:
        report.count(symbol, name)
        if on_line is not None:
            on_line(symbol, name)

    def record(batch: list[NamedFile], found: list[_ComparedFile]) -> None:
        for file, each in zip(batch, found, strict=True):
            met.add(_mark(file.name))
            note(each.symbol, file.name)
            report.bytes += each.bytes
            report.unknown += each.unknown

    def note_extra(names: list[str]) -> None:
        for name in names:
            note(EXTRA, name)

    with Progress("verify", "files", progress, total=total) as counting:
        async for page in files:
            batches = list(batched(page, _BATCH))
            results = await map_bounded(
                lambda batch: in_thread(_compare, folder, batch), batches, concurrency=_TOGETHER
            )
            for batch, found in zip(batches, results, strict=True):
                await in_thread(record, batch, found)
                counting.add(len(batch), bytes=sum(each.bytes for each in found))
        if whole:
            extra = batched((name for name in _names(folder) if _mark(name) not in met), _BATCH)
            while names := await in_thread(next, extra, None):
                await in_thread(note_extra, names)
    report.seconds = counting.seconds
    return report


def _compare(folder: Path, files: list[NamedFile]) -> list[_ComparedFile]:
    return [_compare_one(folder / file.name, file) for file in files]


def _compare_one(path: Path, file: NamedFile) -> _ComparedFile:
    data = file.data
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return _ComparedFile(ERROR)
        if data.size is not None and about.st_size != data.size:
            return _ComparedFile(DIFFERENT)
        if data.sha256 is None:
            return _ComparedFile(SAME, unknown=True)
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return _ComparedFile(MISSING)
    except OSError:
        return _ComparedFile(ERROR)
    return _ComparedFile(SAME if digest == data.sha256 else DIFFERENT, about.st_size)


def _names(folder: Path) -> Iterator[str]:
    """Yield all files below a folder but hidden ones, with ``/`` between folders."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root, name).relative_to(folder).as_posix()


def _mark(name: str) -> int:
    digest = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) or 1
