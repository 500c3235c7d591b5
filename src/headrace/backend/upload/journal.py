"""What is known of an upload in pieces that was begun: enough for another process to go on with it.

One file for each upload, in a folder that is its owner's alone: a line that tells of the upload, then a line for each
part that the storage has. It is locked while an upload is under way; whoever finds it locked works without. A journal that
cannot be written costs the resumption and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import time
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from headrace.backend.upload.file_body import Snapshot

STALE_SECONDS = 30 * 24 * 3600.0


class UploadState(Struct, frozen=True, kw_only=True):
    """An upload of a file that is still as it was. ``upload_id`` or, where the storage works by one, ``url``."""

    size: int
    changed: int
    inode: int
    object_name: str
    part_bytes: int
    upload_id: str = ""
    url: str = ""

    def __repr__(self) -> str:
        return f"Begun({self.object_name!r})"


class PartRecord(Struct, frozen=True, array_like=True):
    """A part that the storage has."""

    number: int
    etag: str


class UploadJournal:
    """The journal of one upload. Methods block; not for several threads at once."""

    def __init__(self, path: Path, file: int) -> None:
        self.begun: UploadState | None = None
        self.parts: dict[int, str] = {}
        self._path = path
        self._file = file

    @classmethod
    def open(cls, folder: Path, owner: str, file: Snapshot) -> UploadJournal | None:
        """The journal of uploading ``file`` to ``owner``; None where it cannot be had, or another process has it."""
        name = f"{owner}\0{file.path.absolute()}".encode(errors="surrogatepass")
        path = folder / blake2b(name, digest_size=16).hexdigest()
        try:
            import fcntl

            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _forget_stale(folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            opened = os.open(path, flags, 0o600)
        except (ImportError, OSError):
            return None
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(opened)
            return None
        journal = cls(path, opened)
        journal._load(file)
        return journal

    def begin(self, begun: UploadState) -> None:
        """Tell of a new upload; what was known of an earlier one is dropped."""
        self.begun, self.parts = begun, {}
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
        self._write(begun)

    def enter(self, number: int, etag: str) -> None:
        """Note a part that is there."""
        self.parts[number] = etag
        self._write(PartRecord(number, etag))

    def forget(self) -> None:
        """The upload is over."""
        self.begun, self.parts = None, {}
        with contextlib.suppress(OSError):
            self._path.unlink()

    def close(self) -> None:
        """Let go of it; it stays for another try, unless there is nothing in it."""
        if self.begun is None:
            self.forget()
        os.close(self._file)

    def _write(self, line: Struct) -> None:
        with contextlib.suppress(OSError):
            os.write(self._file, msgspec.json.encode(line) + b"\n")

    def _load(self, file: Snapshot) -> None:
        head, *lines = os.pread(self._file, os.fstat(self._file).st_size, 0).split(b"\n")
        try:
            begun = msgspec.json.decode(head, type=UploadState)
        except msgspec.MsgspecError:
            return
        if (begun.size, begun.changed, begun.inode) != (file.size, file.changed, file.inode):
            return
        self.begun = begun
        for line in lines:
            # A crash may have cut the last one short.
            with contextlib.suppress(msgspec.MsgspecError):
                part = msgspec.json.decode(line, type=PartRecord)
                self.parts[part.number] = part.etag


def _forget_stale(folder: Path) -> None:
    horizon = time.time() - STALE_SECONDS
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < horizon:
                path.unlink()
