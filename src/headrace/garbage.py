"""Pause the cyclic garbage collector while many objects are made that are kept."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (10_000, 20, 50)
"""Thresholds of the collector in :func:`collect_seldom`."""

MANY = 5_000
"""Young objects from which it pays to tell the collector that they are old."""

DUE = 5_000_000
"""Kept objects after which old garbage is collected: lists of two numbers of 0.7 GB."""

REST = 20
"""How many times as long as a collection of old garbage took, none is made by :func:`collect_kept`."""

LONGEST = 1.0
"""Seconds after which garbage is collected although pauses of several threads follow each other without a gap."""


class _Pauses:
    """The pauses in progress, on all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._was_enabled = False
        self._since = 0.0
        self._kept = False

    def begin(self, kept: bool) -> None:
        with self._lock:
            if self._count == 0:
                self._was_enabled, self._since = gc.isenabled(), time.monotonic()
                self._kept = False
                gc.disable()
            self._kept = self._kept or kept
            self._count += 1

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if not self._was_enabled:
                return
            if self._count == 0:
                if self._kept:
                    _old.add_young()
                gc.enable()
            elif time.monotonic() - self._since > LONGEST:
                self._since = time.monotonic()
                if self._kept:
                    _old.add_young()
                else:
                    collect_young()


class _Old:
    """Counts the objects that were moved to the oldest generation of the collector without a visit."""

    def __init__(self) -> None:
        self._count = 0
        self._collections = 0
        self._rest_until = 0.0

    def add_young(self) -> None:
        """Tell the collector that all young objects are old, if they are many."""
        young = gc.get_count()[0]
        # Unfreezing would also unfreeze what the program itself has frozen.
        if young >= MANY and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
            self._count += young

    def collect_if_due(self) -> None:
        collections = gc.get_stats()[2]["collections"]
        if collections != self._collections:
            self._collections, self._count = collections, 0
        began = time.monotonic()
        if self._count >= DUE and began >= self._rest_until and gc.isenabled():
            gc.collect()
            took = time.monotonic() - began
            self._rest_until = began + REST * took


_pauses = _Pauses()
_old = _Old()


@contextmanager
def collector_paused(*, kept: bool = False) -> Iterator[None]:
    """Pause the collector while many records are made, on all threads; the end of the last pause resumes it.

    It visits every list and dict again and again while millions of them are made, none of which is garbage: that takes ten
    times as long as making them. A pause of more than a second must call :func:`collect_young` now and then.

    Args:
        kept: The records are kept for long: they are never visited as young objects. Then :func:`collect_kept` must be
            called now and then.
    """
    _pauses.begin(kept)
    try:
        yield
    finally:
        _pauses.end()


def collect_young() -> None:
    """Free the cycles that other code has made during a pause; visits each object at most twice."""
    gc.collect(1)


def collect_kept() -> None:
    """Collect old garbage if very many objects were kept since that was last done.

    The collector looks for it only after many collections of young objects, which kept ones do not cause.
    """
    _old.collect_if_due()


def collect_seldom() -> None:
    """Let the collector run seldom, in a process that serves: what requests make is freed without it.

    What exists already, such as modules, is not visited any more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
