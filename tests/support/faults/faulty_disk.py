"""A disk that fails: the n-th thing done below one folder raises an error of the system, once or from then on."""

from __future__ import annotations

import builtins
import errno
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BY_PATH = ("mkdir", "unlink", "link", "rmdir")
BY_FILE = ("write", "writev", "pwrite", "fsync", "fdatasync", "ftruncate")
MOVES = ("replace", "rename")


class FaultyDisk:
    """``calls`` counts what was done; ``failed`` what of it failed. Looking (stat, reading) never fails."""

    def __init__(self, folder: Path, at: int, error: int, *, forever: bool) -> None:
        self.calls = 0
        self.failed = 0
        self._folder = str(folder)
        self._at = at
        self._error = error
        self._forever = forever
        self._lock = threading.Lock()
        self.files: set[int] = set()

    def happens(self, what: object) -> None:
        """One thing is about to be done."""
        with self._lock:
            self.calls += 1
            if self.calls != self._at and not (self._forever and self.calls > self._at):
                return
            self.failed += 1
        raise OSError(self._error, os.strerror(self._error), str(what))

    def has(self, path: object) -> bool:
        """Whether a path is in the folder, or the folder itself."""
        if isinstance(path, int):
            return path in self.files
        text = os.fsdecode(path)  # type: ignore[arg-type]
        return text == self._folder or text.startswith(self._folder + os.sep)

    def opened(self, file: int, path: object) -> int:
        """A descriptor of a file in the folder."""
        if self.has(path):
            self.files.add(file)
        return file

    def closed(self, file: int) -> None:
        """It may be another file's from now on."""
        self.files.discard(file)


class _RawFile(io.FileIO):
    """What ``open`` gives for a file below the folder."""

    def __init__(self, path: str, mode: str, disk: FaultyDisk) -> None:
        super().__init__(path, mode)
        self._disk = disk
        disk.opened(self.fileno(), path)

    def write(self, data: Any, /) -> int:
        self._disk.happens(self.name)
        return super().write(data)

    def close(self) -> None:
        if not self.closed:
            self._disk.closed(self.fileno())
        super().close()


@contextmanager
def faulty_disk(
    folder: Path, at: int, error: int = errno.EIO, *, forever: bool = False
) -> Iterator[FaultyDisk]:
    """Let the ``at``-th change below ``folder`` fail; see :class:`FaultyDisk`."""
    disk = FaultyDisk(folder, at, error, forever=forever)
    with watched(disk):
        yield disk


@contextmanager
def watched(disk: FaultyDisk) -> Iterator[None]:
    """Let a disk hear of every change below its folder before it is made."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (*BY_PATH, *BY_FILE):
            patch.setattr(os, name, _one(disk, getattr(os, name)))
        for name in MOVES:
            patch.setattr(os, name, _move(disk, getattr(os, name)))
        patch.setattr(os, "open", _os_open(disk, os.open))
        patch.setattr(os, "close", _os_close(disk, os.close))
        for module in (builtins, io):
            patch.setattr(module, "open", _open(disk, open))
        yield


def _one(disk: FaultyDisk, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(target: Any, *more: Any, **named: Any) -> Any:
        if disk.has(target) or named.get("dir_fd") in disk.files:
            disk.happens(target)
        return real(target, *more, **named)

    return call


def _move(disk: FaultyDisk, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(source: Any, target: Any, **named: Any) -> Any:
        if disk.has(target) or named.get("dst_dir_fd") is not None:
            disk.happens(target)
        return real(source, target, **named)

    return call


def _os_open(disk: FaultyDisk, real: Callable[..., int]) -> Callable[..., int]:
    def call(path: Any, flags: int, *more: Any, **named: Any) -> int:
        inside = disk.has(path) or named.get("dir_fd") in disk.files
        if inside and flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            disk.happens(path)
        file = real(path, flags, *more, **named)
        if inside:
            disk.files.add(file)
        return file

    return call


def _os_close(disk: FaultyDisk, real: Callable[[int], None]) -> Callable[[int], None]:
    def call(file: int) -> None:
        disk.closed(file)
        real(file)

    return call


def _open(disk: FaultyDisk, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        raw = mode.replace("b", "")
        if isinstance(path, int) or not disk.has(path) or raw == "r" or "b" not in mode:
            return real(path, mode, *more, **named)
        disk.happens(path)
        file = _RawFile(os.fsdecode(path), raw, disk)
        return io.BufferedRandom(file) if "+" in raw else io.BufferedWriter(file)

    return call
