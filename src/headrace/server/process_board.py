"""What the processes of one server tell each other: that they are alive, and how busy their databases are.

Each has a slot in a file without a name, which the parent makes and all of them map into their memory.
"""

from __future__ import annotations

import mmap
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct
from typing import NamedTuple

_SLOT = Struct("=ddd")
_SILENT = (0.0, 0.0, 0.0)


class Slot(NamedTuple):
    """What one process says, in seconds: since when it says nothing, and the load of its database."""

    silent: float
    readers_busy: float
    writer_wait: float


@contextmanager
def board_file(processes: int) -> Iterator[int]:
    """Make the file of a board, which is gone when all have closed it; yields its descriptor."""
    with tempfile.TemporaryFile() as file:
        file.truncate(processes * _SLOT.size)
        yield file.fileno()


class ProcessBoard:
    """The slots of all processes, of which number ``own`` is this one's; ``file`` is the descriptor of the board."""

    def __init__(self, file: int, processes: int, own: int) -> None:
        self._memory = mmap.mmap(file, processes * _SLOT.size)
        self._processes = processes
        self._own = own

    def update(self, slot: Slot) -> None:
        """Say how busy this process is now."""
        # The monotonic clock is the same for all processes of a machine.
        self._write(self._own, (time.monotonic(), slot.readers_busy, slot.writer_wait))

    def clear(self, number: int) -> None:
        """Forget what a process said that has ended."""
        self._write(number, _SILENT)

    def slots(self, own: Slot) -> list[Slot]:
        """Return what all processes say that run, this one ``own``."""
        now, found = time.monotonic(), [own]
        for number in range(self._processes):
            written, *load = _SLOT.unpack_from(self._memory, number * _SLOT.size)
            if written and number != self._own:
                found.append(Slot(max(0.0, now - written), *load))
        return found

    def _write(self, number: int, values: tuple[float, float, float]) -> None:
        _SLOT.pack_into(self._memory, number * _SLOT.size, *values)
