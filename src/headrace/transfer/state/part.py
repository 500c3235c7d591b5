"""The bytes of one file until they are complete: beside the target, checked, then renamed.

A part that has grown large carries a note of what it is a part of, so that it can be gone on with, by this run after a
cut or by the next one after a crash.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from headrace.transfer.source import Item, Stream
from headrace.transfer.state.commit import put_whole, rename_into_place
from headrace.transfer.state.disk import sync
from headrace.transfer.verify import (
    Chunk,
    Digest,
    check_digest,
    check_size,
    expected_digest,
    new_digest,
)

NOTED_FROM = 1 << 20
"""Parts of this many bytes and more are worth being gone on with by another process."""

_READ = 1 << 20


class PartInfo(Struct, frozen=True):
    """What a part is a part of; ``boot`` tells whether the machine has been up since."""

    name: str
    sha256: str | None
    size: int | None
    validator: str | None
    total: int | None
    boot: str


class Part:
    """A file on its way; ``resumable`` where an earlier run left a part of it.

    All methods but ``accept``, ``begin`` and ``release`` block; call them one after another.
    """

    __slots__ = (
        "_digest",
        "_durable",
        "_file",
        "_item",
        "_note_path",
        "_noted",
        "_path",
        "_target",
        "_total",
        "_want",
        "release",
        "resumable",
        "size",
        "validator",
    )  # fmt: skip

    def __init__(
        self,
        item: Item,
        target: str,
        place: str,
        *,
        durable: bool,
        release: Callable[[], None],
        resumable: bool = False,
    ) -> None:
        self.size = 0
        self.resumable = resumable
        self.validator: str | None = None
        self._item = item
        self._target = target
        self._path = f"{place}.part"
        self._note_path = f"{place}.json"
        self._durable = durable
        self.release = release
        self._file: BinaryIO | None = None
        self._noted = False
        self._total: int | None = None
        self._want = expected_digest(item, {})
        self._digest: Digest | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a file to be left."""
        return self._file is not None

    @property
    def offset(self) -> int:
        """Where to go on: 0 where nothing could tell whether the rest belongs to what is here."""
        return self.size if self.validator or self._item.sha256 else 0

    def resume(self) -> None:
        """Go on with what an earlier run left, if it is a part of the same file."""
        try:
            note = msgspec.json.decode(Path(self._note_path).read_bytes(), type=PartInfo)
        except (OSError, msgspec.MsgspecError):
            return
        item = self._item
        same = (note.name, note.sha256, note.size) == (item.name, item.sha256, item.size)
        # After a power cut the end of a part may be zeros: only a digest tells.
        if not same or (item.sha256 is None and (note.boot != _boot() or not note.validator)):
            return
        path = Path(self._path)
        with contextlib.suppress(FileNotFoundError):
            self._file = path.open("r+b")
            self.size = self._file.seek(0, os.SEEK_END)
            self.validator, self._total, self._noted = note.validator, note.total, True
            self._digest_again()

    def accept(self, stream: Stream) -> bool:
        """Whether the stream's bytes go on where the part ends; if not, :meth:`restart` with it."""
        if stream.start != self.size:
            return False
        if self.size == 0:
            return True
        if None not in (stream.total, self._total) and stream.total != self._total:
            return False
        return self.validator in (None, stream.validator) or stream.length == 0

    def begin(self, stream: Stream) -> None:
        """Take note of what the stream is of; its bytes come next."""
        if self.size == 0:
            self.validator = stream.validator
            self._total = stream.total
            self._expect(stream.digests)

    def restart(self) -> None:
        """Forget all bytes."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
        self._forget_note()
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
        if self.size >= NOTED_FROM:
            file.flush()
            self._write_note()

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
        """All of a small file at once: what :meth:`write` and :meth:`publish` do, with nothing in between."""
        self.size = len(whole)
        self._check(whole)
        return put_whole(whole, self._path, self._target, durable=self._durable)

    def publish(self) -> os.stat_result:
        """Check all and give the file its name; ChecksumError where it is not what was promised."""
        self._check()
        file = self._open()
        file.flush()
        if self._durable or os.path.lexists(self._target):
            # What is replaced is good perhaps: its successor must be on the disk before it goes.
            sync(file.fileno())
        found = os.fstat(file.fileno())
        file.close()
        self._file = None
        rename_into_place(self._path, self._target, durable=self._durable)
        self._forget_note()
        return found

    def close(self, *, keep: bool) -> None:
        """End without a file; with ``keep`` a large part stays for whoever comes next."""
        file, self._file = self._file, None
        if file is None:
            return
        # Closing writes what is left in the buffer, which fails once more on a full disk.
        with contextlib.suppress(OSError):
            file.close()
        if keep and self._noted:
            return
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        with contextlib.suppress(OSError):
            os.unlink(self._note_path)

    def _forget_note(self) -> None:
        if self._noted:
            # A note that stays behind is cleared away by the next run.
            with contextlib.suppress(OSError):
                os.unlink(self._note_path)
            self._noted = False

    def _check(self, whole: Chunk = b"") -> None:
        item = self._item
        check_size(item.name, self.size, self._total if item.size is None else item.size)
        if self._want is not None:
            digest = self._digest or new_digest(self._want.algorithm)
            digest.update(whole)
            check_digest(item.name, digest, self._want)

    def _expect(self, offered: Mapping[str, str]) -> None:
        """From now on the bytes are those of what comes with these digests."""
        self._digest = None
        self._want = expected_digest(self._item, offered)

    def _digest_again(self) -> None:
        """The digest of what is there already; without the file's own digest the size has to do."""
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

    def _write_note(self) -> None:
        if self._noted or not (self.validator or self._item.sha256):
            return
        item = self._item
        note = PartInfo(item.name, item.sha256, item.size, self.validator, self._total, _boot())
        Path(self._note_path).write_bytes(msgspec.json.encode(note))
        self._noted = True


def part_files(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each part in a folder that has a note, with its note."""
    for note in sorted(folder.glob("*.json")):
        part = note.with_suffix(".part")
        if part.exists():
            yield part, note


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
