"""Python's cyclic collector, held off while records are made by the million.

It looks at every new list again and again and finds nothing, since records hold no cycles: up to three quarters of
the time. It is held off for the whole process, so callers ask for :func:`collect_young_garbage` now and then.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_holders = 0
_was_enabled = False


@contextmanager
def gc_paused() -> Iterator[None]:
    """Hold the collector off; nested and concurrent holders share, the last one lets go."""
    global _holders, _was_enabled  # noqa: PLW0603  the collector itself is global
    with _lock:
        if _holders == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0 and _was_enabled:
                gc.enable()


def collect_young_garbage() -> None:
    """Free the cycles that others made meanwhile; looks at each object at most twice in its life."""
    gc.collect(1)
