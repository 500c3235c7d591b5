"""Pause the cyclic garbage collector while many objects are made that are kept."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (10_000, 20, 50)
"""Thresholds of the collector in :func:`collect_seldom`."""

LONGEST = 1.0
"""Seconds after which garbage is collected although pauses of several threads follow each other without a gap."""


class _Pauses:
    """The pauses in progress, on all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._was_enabled = False
        self._since = 0.0

    def begin(self) -> None:
        with self._lock:
            if self._count == 0:
                self._was_enabled, self._since = gc.isenabled(), time.monotonic()
                gc.disable()
            self._count += 1

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if not self._was_enabled:
                return
            if self._count == 0:
                gc.enable()
            elif time.monotonic() - self._since > LONGEST:
                self._since = time.monotonic()
                gc.collect(1)


_pauses = _Pauses()


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector, for the fraction of a second in which a page of records is made.

    It visits every list and dict again and again while millions of them are made, none of which is garbage: that takes ten
    times as long as making them.
    """
    _pauses.begin()
    try:
        yield
    finally:
        _pauses.end()


def collect_seldom() -> None:
    """Let the collector run seldom, in a process that serves: what requests make is freed without it.

    What exists already, such as modules, is not visited any more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
