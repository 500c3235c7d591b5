"""Files that a run has begun to fetch and that are not on the disk for certain.

A power failure can leave such a file incomplete under its final name. The list, written before the files, tells the next
run that they are no person's. It holds a checksum of each name, and the same once more when the file is synced; so what
stands in it an odd number of times is open. It is small: only what is queued or unsynced is open at a time.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from headrace.transfer.state.disk import sync
from headrace.transfer.state.journal import sync_folder

_MARK = 4
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)


class StartedFiles:
    """The list of one run, and the files that are suspect after a power failure. Not thread-safe. All methods block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._suspects: set[int] = set()

    def is_suspect(self, name: str) -> bool:
        """Whether a file may be what a power failure left of one that headrace wrote."""
        return bool(self._suspects) and _mark(name) in self._suspects

    def take_over(self, other: Path) -> None:
        """Read the list of a crashed run. After a crash without a power failure no file is suspect."""
        try:
            boot, _, marks = other.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return
        if boot and boot == boot_id().encode():
            return
        for mark in array("I", marks[: len(marks) - len(marks) % _MARK]):
            self._suspects ^= {mark}
        self._suspects.discard(0)
        if self._suspects:
            self._append(sorted(self._suspects))

    def begin(self, names: Iterable[str]) -> None:
        """List files before they are fetched. Raises OSError."""
        is_new = self._file is None
        self._append([_mark(name) for name in names])
        if self._file is not None:
            sync(self._file)
            if is_new:
                # The list is lost with its folder: that and its parents, up to the target, must be on the disk.
                for folder in self._path.parents[:3]:
                    sync_folder(folder)

    def end(self, names: Iterable[str]) -> None:
        """List files again that are synced. Raises OSError."""
        if self._file is not None:
            self._append([_mark(name) for name in names])

    def close(self, *, delete: bool) -> None:
        """Close the list; ``delete`` it if every file in it is synced or does not exist. Errors are ignored."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
        if delete:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _append(self, marks: list[int]) -> None:
        if not marks:
            return
        if self._file is None:
            self._file = os.open(self._path, _FLAGS, 0o600)
            os.write(self._file, boot_id().encode() + b"\n")
        os.write(self._file, array("I", marks).tobytes())


def boot_id() -> str:
    """Return the id of the current boot of the machine; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _mark(name: str) -> int:
    return crc32(name.encode(errors="surrogatepass"))
