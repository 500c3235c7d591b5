"""Pause the cyclic garbage collector while many objects are made that are kept."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Pauses:
    """The pauses in progress, on all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._was_enabled = False

    def begin(self) -> None:
        with self._lock:
            if self._count == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._count += 1

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0 and self._was_enabled:
                gc.enable()


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
