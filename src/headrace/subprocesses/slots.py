"""How much of this machine its children may use at once."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from msgspec import Struct

_GPU = re.compile(r"^nvidia\d+$")


class _Place(Struct, eq=False):
    cpus: int
    gpus: int
    turn: anyio.Event


class Slots:
    """Processors to be taken, first come first served, and given back."""

    def __init__(self, cpus: int, gpus: int) -> None:
        self.cpus = cpus
        self.gpus = gpus
        self._free_cpus = cpus
        self._free_gpus = gpus
        self._line: deque[_Place] = deque()

    @classmethod
    def of_this_machine(cls) -> Slots:
        """The processors that this process may use, and the graphics processors that Linux shows."""
        try:
            cpus = len(os.sched_getaffinity(0))
        except AttributeError:
            cpus = os.cpu_count() or 1
        try:
            gpus = sum(bool(_GPU.match(name)) for name in os.listdir("/dev"))
        except OSError:
            gpus = 0
        return cls(cpus, gpus)

    @asynccontextmanager
    async def taken(self, cpus: int, gpus: int) -> AsyncIterator[None]:
        """Wait for so many, and hold them inside the block. More than there are is for the caller to refuse."""
        place = _Place(cpus, gpus, anyio.Event())
        self._line.append(place)
        self._serve()
        try:
            await place.turn.wait()
            yield
        finally:
            if place.turn.is_set():
                self._free_cpus += cpus
                self._free_gpus += gpus
            else:
                self._line.remove(place)
            self._serve()

    def _serve(self) -> None:
        while self._line:
            place = self._line[0]
            if place.cpus > self._free_cpus or place.gpus > self._free_gpus:
                return
            self._line.popleft()
            self._free_cpus -= place.cpus
            self._free_gpus -= place.gpus
            place.turn.set()
