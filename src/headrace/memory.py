"""Give freed memory back to the system between the phases of a job."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from typing import cast


def give_back_memory() -> None:
    """Return what was freed to the system. Blocks for some milliseconds; does nothing where the C library cannot.

    glibc keeps what a thread has freed in a heap of that thread, where other threads do not find it. A job whose phases
    run on several threads would otherwise hold the most of each phase until it ends.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's ``malloc_trim``; None elsewhere."""
    if os.name != "posix":
        return None
    try:
        function = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_size_t,)
    return cast("Callable[[int], int]", function)
