"""An incomplete file: its bytes are written beside the target folder, verified, then renamed.

A large part has a JSON file that describes what it is a part of, so that the next run can resume it after a crash.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from headrace.transfer.source import Item, Stream
from headrace.transfer.state.commit import rename_into_place, write_file
from headrace.transfer.state.disk import sync
from headrace.transfer.state.started import boot_id
from headrace.transfer.verify import (
    Chunk,
    Digest,
    check_digest,
    check_size,
    expected_digest,
    new_digest,
)

RESUMABLE_BYTES = 1 << 20
"""Parts of at least this many bytes can be resumed by another run."""

_READ = 1 << 20


class InTheWayError(Exception):
    """Another file has the name of a complete file."""


class PartInfo(Struct, frozen=True):
    """Describes the file that a part belongs to; ``boot`` is the boot id of the machine."""

    name: str
    sha256: str | None
    size: int | None
    validator: str | None
    total: int | None
    boot: str


class Part:
    """An incomplete file; ``resumable`` if an earlier run left a part of it.

    With ``compare`` it does not replace a file with other content: InTheWayError is raised.

    All methods but ``accept``, ``begin`` and ``release`` block. They are not thread-safe.
    """

    __slots__ = (
        "_compare", "_digest", "_durable", "_file", "_has_info", "_info_path", "_item", "_path", "_target", "_total", "_want",
        "release", "resumable", "size", "validator",
    )  # fmt: skip

    def __init__(
        self,
        item: Item,
        target: str,
        path: str,
        *,
        durable: bool,
        release: Callable[[], None],
        resumable: bool = False,
        compare: bool = False,
    ) -> None:
        self.size = 0
        self.resumable = resumable
        self.validator: str | None = None
        self._item = item
        self._target = target
        self._path = f"{path}.part"
        self._info_path = f"{path}.json"
        self._durable = durable
        self._compare = compare
        self.release = release
        self._file: BinaryIO | None = None
        self._has_info = False
        self._total: int | None = None
        self._want = expected_digest(item, {})
        self._digest: Digest | None = None

    @property
    def is_open(self) -> bool:
        """Whether a file is open."""
        return self._file is not None

    @property
    def offset(self) -> int:
        """Where to resume: 0 if neither a validator nor a digest can show that the rest belongs to the same content."""
        return self.size if self.validator or self._item.sha256 else 0

    def resume(self) -> None:
        """Open what an earlier run left, if it is a part of the same file."""
        try:
            info = msgspec.json.decode(Path(self._info_path).read_bytes(), type=PartInfo)
        except (OSError, msgspec.MsgspecError):
            return
        item = self._item
        same = (info.name, info.sha256, info.size) == (item.name, item.sha256, item.size)
        # After a power failure the end of a part may be zeros, which only a digest shows.
        if not same or (item.sha256 is None and (info.boot != boot_id() or not info.validator)):
            return
        path = Path(self._path)
        with contextlib.suppress(FileNotFoundError):
            self._file = path.open("r+b")
            self.size = self._file.seek(0, os.SEEK_END)
            self.validator, self._total, self._has_info = info.validator, info.total, True
            self._digest_again()

    def accept(self, stream: Stream) -> bool:
        """Whether the stream continues the part; if not, call :meth:`restart`."""
        if stream.start != self.size:
            return False
        if self.size == 0:
            return True
        if None not in (stream.total, self._total) and stream.total != self._total:
            return False
        return self.validator in (None, stream.validator) or stream.length == 0

    def begin(self, stream: Stream) -> None:
        """Record which content the stream has; its bytes follow."""
        if self.size == 0:
            self.validator = stream.validator
            self._total = stream.total
            self._expect(stream.digests)

    def restart(self) -> None:
        """Forget all bytes."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
        self._delete_info()
        self.size, self.validator, self._total = 0, None, None
        self._expect({})

    def write(self, chunks: list[Chunk]) -> None:
        """Append."""
        file = self._open()
        if self._digest is None and self._want is not None:
            self._digest = new_digest(self._want.algorithm)
        for chunk in chunks:
            file.write(chunk)
            self.size += len(chunk)
            if self._digest is not None:
                self._digest.update(chunk)
        if self.size >= RESUMABLE_BYTES:
            file.flush()
            self._write_info()

    def copy(self, source: Path) -> None:
        """Append a whole local file."""
        with source.open("rb") as origin:
            if self._want is None:
                file = self._open()
                shutil.copyfileobj(origin, file, _READ)
                self.size = file.tell()
                return
            while chunk := origin.read(_READ):
                self.write([chunk])

    def put(self, whole: Chunk) -> os.stat_result:
        """Write, verify and rename a small file at once."""
        if self._compare:
            self.write([whole])
            return self.publish()
        self.size = len(whole)
        self._check(whole)
        return write_file(whole, self._path, self._target, durable=self._durable)

    def publish(self) -> os.stat_result:
        """Verify the file and rename it. Raises ChecksumError if it is wrong."""
        self._check()
        file = self._open()
        file.flush()
        if self._compare and os.path.lexists(self._target) and not self._is_there():
            raise InTheWayError(self._item.name)
        if self._durable or os.path.lexists(self._target):
            # The file that is replaced may be good: its successor must be on the disk first.
            sync(file.fileno())
        found = os.fstat(file.fileno())
        file.close()
        self._file = None
        rename_into_place(self._path, self._target, durable=self._durable)
        self._delete_info()
        return found

    def close(self, *, keep: bool) -> None:
        """Close an incomplete part; with ``keep`` a large one stays, to be resumed later."""
        file, self._file = self._file, None
        if file is None:
            return
        # Closing flushes the buffer, which fails again on a full disk.
        with contextlib.suppress(OSError):
            file.close()
        if keep and self._has_info:
            return
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        with contextlib.suppress(OSError):
            os.unlink(self._info_path)

    def _is_there(self) -> bool:
        """Whether the target has the content of the part."""
        try:
            return filecmp.cmp(self._path, self._target, shallow=False)
        except OSError:
            return False

    def _delete_info(self) -> None:
        if self._has_info:
            # If that fails, the next run deletes it.
            with contextlib.suppress(OSError):
                os.unlink(self._info_path)
            self._has_info = False

    def _check(self, whole: Chunk = b"") -> None:
        item = self._item
        check_size(item.name, self.size, self._total if item.size is None else item.size)
        if self._want is not None:
            digest = self._digest or new_digest(self._want.algorithm)
            digest.update(whole)
            check_digest(item.name, digest, self._want)

    def _expect(self, offered: Mapping[str, str]) -> None:
        """Expect content with these digests from now on."""
        self._digest = None
        self._want = expected_digest(self._item, offered)

    def _digest_again(self) -> None:
        """Compute the digest of the bytes that are there, if the item has one."""
        self._expect({})
        if self._want is not None and self._file is not None:
            self._digest = new_digest(self._want.algorithm)
            self._file.seek(0)
            while chunk := self._file.read(_READ):
                self._digest.update(chunk)

    def _open(self) -> BinaryIO:
        if self._file is None:
            path = Path(self._path)
            self._file = path.open("wb")
        return self._file

    def _write_info(self) -> None:
        if self._has_info or not (self.validator or self._item.sha256):
            return
        item = self._item
        info = PartInfo(item.name, item.sha256, item.size, self.validator, self._total, boot_id())
        Path(self._info_path).write_bytes(msgspec.json.encode(info))
        self._has_info = True


def part_files(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each resumable part in a folder, with its description."""
    for info in sorted(folder.glob("*.json")):
        part = info.with_suffix(".part")
        if part.exists():
            yield part, info
