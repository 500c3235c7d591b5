"""A machine that loses power: of what was not synced, a folder keeps what chance lets it keep.

A file that was synced has the bytes that it had then. One that was not may have all of its bytes, some of them, zeros
in their place, or none. A name that was made, replaced or removed since its folder was synced may be as before.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from headrace.file_system import FileSystem
from tests.support.faults.faulty_disk import FaultyDisk, watched


class _File(NamedTuple):
    inode: int
    content: bytes
    changed: int


class PowerCut(FaultyDisk):
    """``changes`` counts those that were made; what the folder looked like before the ``at``-th is remembered."""

    def __init__(self, folder: Path, at: int) -> None:
        super().__init__(folder, 0, 0, forever=False)
        self._root = folder
        self._cut = at
        self._live: dict[str, _File] | None = None
        self._synced: dict[int, bytes] = {}
        self._names: dict[str, dict[str, _File]] = {}
        for path, file in self._look().items():
            self._synced[file.inode] = file.content
            self._names.setdefault(os.path.dirname(path), {})[path] = file

    @property
    def changes(self) -> int:
        """How many changes there were."""
        return self.calls

    def happens(self, what: object) -> None:
        """One change is about to be made."""
        with self._lock:
            self.calls += 1
            if self.calls == self._cut:
                self._live = self._look()

    def synced(self, file: int) -> None:
        """A file or a folder is on the disk, as it is now."""
        with self._lock:
            if self._live is not None:
                return
            found = os.fstat(file)
            path = os.readlink(f"/proc/self/fd/{file}")
            if os.path.isdir(path):
                now = self._look()
                self._names[path] = {n: f for n, f in now.items() if os.path.dirname(n) == path}
            elif self.has(path):
                self._synced[found.st_ino] = Path(path).read_bytes()

    def all_synced(self) -> bool:
        """The whole file system is on the disk, as it is now."""
        with self._lock:
            if self._live is None:
                now = self._look()
                self._names = {}
                for path, file in now.items():
                    self._synced[file.inode] = file.content
                    self._names.setdefault(os.path.dirname(path), {})[path] = file
        return True

    def restore(self, to: Path, chance: random.Random) -> None:
        """Make a folder as it is found after the cut."""
        live = self._look() if self._live is None else self._live
        before = {path: file for names in self._names.values() for path, file in names.items()}
        to.mkdir()
        for path in sorted(live.keys() | before.keys()):
            file = chance.choice([live.get(path), before.get(path)])
            if path in live and path in before and live[path].inode == before[path].inode:
                file = live[path]
            if file is None:
                continue
            target = to / os.path.relpath(path, self._root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._kept(file, chance))
            os.utime(target, ns=(file.changed, file.changed))

    def _kept(self, file: _File, chance: random.Random) -> bytes:
        sure = self._synced.get(file.inode, b"")
        if sure == file.content or not file.content.startswith(sure):
            return sure
        rest = file.content[len(sure) :]
        some = rest[: chance.randrange(len(rest) + 1)]
        return sure + chance.choice([rest, some, bytes(len(rest)), b""])

    def _look(self) -> dict[str, _File]:
        found: dict[str, _File] = {}
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = os.path.join(folder, name)
                stat = os.stat(path)
                found[path] = _File(stat.st_ino, Path(path).read_bytes(), stat.st_mtime_ns)
        return found


@contextmanager
def power_cut(folder: Path, at: int) -> Iterator[PowerCut]:
    """Remember ``folder`` as it is before the ``at``-th change below it; what goes on afterwards is lost."""
    cut = PowerCut(folder, at)
    with watched(cut), pytest.MonkeyPatch.context() as patch:
        real = os.fsync

        def fsync(file: int) -> None:
            real(file)
            cut.synced(file)

        patch.setattr(os, "fsync", fsync)
        patch.setattr(FileSystem, "sync", lambda _: cut.all_synced())
        yield cut
