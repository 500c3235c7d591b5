"""The journal of an upload in parts, from which another process can resume it.

There is one file for each upload, in a folder that only its owner can read: a line that describes the upload, then a line
for each part that the storage has. The file is locked during the upload; a process that finds it locked uploads without a
journal. If a journal cannot be written, the upload cannot be resumed, but it continues.
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
    """An upload that was begun: the file as it was then, and the ``upload_id`` or the ``url`` of the upload.

    ``is_direct`` says that it goes to S3 itself, not to the platform's own server.
    """

    size: int
    changed: int
    inode: int
    object_name: str
    part_bytes: int
    upload_id: str = ""
    url: str = ""
    is_direct: bool = False

    def __repr__(self) -> str:
        return f"UploadState({self.object_name!r})"


class PartRecord(Struct, frozen=True, array_like=True):
    """A part that the storage has received."""

    number: int
    etag: str


class UploadJournal:
    """The journal of one upload. Its methods block, and are not thread-safe."""

    def __init__(self, path: Path, file: int) -> None:
        self.state: UploadState | None = None
        self.parts: dict[int, str] = {}
        self._path = path
        self._file = file

    @classmethod
    def open(cls, folder: Path, owner: str, file: Snapshot) -> UploadJournal | None:
        """Open the journal of a file's upload; None if it cannot be opened, or another process holds it.

        Args:
            folder: Folder of the journals.
            owner: Text that identifies the server, organization and connector.
            file: The file to upload.
        """
        name = f"{owner}\0{file.path.absolute()}".encode(errors="surrogatepass")
        path = folder / blake2b(name, digest_size=16).hexdigest()
        try:
            import fcntl

            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _delete_stale(folder)
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

    def begin(self, state: UploadState) -> None:
        """Write the description of a new upload, in place of an earlier one."""
        self.state, self.parts = state, {}
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
        self._write(state)

    def enter(self, number: int, etag: str) -> None:
        """Enter a part that the storage has received."""
        self.parts[number] = etag
        self._write(PartRecord(number, etag))

    def delete(self) -> None:
        """Delete the journal."""
        self.state, self.parts = None, {}
        with contextlib.suppress(OSError):
            self._path.unlink()

    def close(self) -> None:
        """Close the journal; an empty one is deleted."""
        if self.state is None:
            self.delete()
        os.close(self._file)

    def _write(self, line: Struct) -> None:
        with contextlib.suppress(OSError):
            os.write(self._file, msgspec.json.encode(line) + b"\n")

    def _load(self, file: Snapshot) -> None:
        head, *lines = os.pread(self._file, os.fstat(self._file).st_size, 0).split(b"\n")
        try:
            state = msgspec.json.decode(head, type=UploadState)
        except msgspec.MsgspecError:
            return
        if (state.size, state.changed, state.inode) != (file.size, file.changed, file.inode):
            return
        self.state = state
        for line in lines:
            # A crash may have truncated the last line.
            with contextlib.suppress(msgspec.MsgspecError):
                part = msgspec.json.decode(line, type=PartRecord)
                self.parts[part.number] = part.etag


def _delete_stale(folder: Path) -> None:
    horizon = time.time() - STALE_SECONDS
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < horizon:
                path.unlink()
