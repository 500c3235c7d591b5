"""Processor slots: how many CPUs and GPUs the child processes of this machine may use at once."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from msgspec import Struct

_GPU = re.compile(r"^nvidia\d+$")


class _Waiter(Struct, eq=False):
    cpus: int
    gpus: int
    granted: anyio.Event


def processors() -> int:
    """Return the number of processors that this process may use, where the system can say; else of all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Slots:
    """A pool of CPUs and GPUs, granted first come, first served."""

    def __init__(self, cpus: int, gpus: int) -> None:
        self.cpus = cpus
        self.gpus = gpus
        self._free_cpus = cpus
        self._free_gpus = gpus
        self._waiters: deque[_Waiter] = deque()

    @classmethod
    def of_this_machine(cls) -> Slots:
        """Return the CPUs that this process may use, and the NVIDIA GPUs that Linux lists."""
        try:
            gpus = sum(bool(_GPU.match(name)) for name in os.listdir("/dev"))
        except OSError:
            gpus = 0
        return cls(processors(), gpus)

    @asynccontextmanager
    async def acquire(self, cpus: int, gpus: int) -> AsyncIterator[None]:
        """Wait for this many processors and hold them inside the block.

        The caller must refuse requests for more than :attr:`cpus` and :attr:`gpus`; they would wait forever.
        """
        waiter = _Waiter(cpus, gpus, anyio.Event())
        self._waiters.append(waiter)
        self._grant()
        try:
            await waiter.granted.wait()
            yield
        finally:
            if waiter.granted.is_set():
                self._free_cpus += cpus
                self._free_gpus += gpus
            else:
                self._waiters.remove(waiter)
            self._grant()

    def _grant(self) -> None:
        while self._waiters:
            waiter = self._waiters[0]
            if waiter.cpus > self._free_cpus or waiter.gpus > self._free_gpus:
                return
            self._waiters.popleft()
            self._free_cpus -= waiter.cpus
            self._free_gpus -= waiter.gpus
            waiter.granted.set()
