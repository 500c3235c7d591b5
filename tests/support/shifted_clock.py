"""Run a process with a clock that is wrong: everything that headrace asks Python for the time is off by so much."""

from __future__ import annotations

import gc
import sys
import time
from types import FunctionType


def shift_clock(seconds: float) -> None:
    """Shift the clock of this process, once, before it works; what waits is not shifted.

    Args:
        seconds: How far it is ahead.
    """
    true_time, true_time_ns = time.time, time.time_ns

    def shifted() -> float:
        return true_time() + seconds

    def shifted_ns() -> int:
        return true_time_ns() + int(seconds * 1e9)

    time.time, time.time_ns = shifted, shifted_ns
    # Defaults of parameters were bound when the modules were imported.
    for function in [each for each in gc.get_objects() if isinstance(each, FunctionType)]:
        if not function.__module__ or not function.__module__.startswith("headrace"):
            continue
        if function.__defaults__ and true_time in function.__defaults__:
            function.__defaults__ = tuple(
                shifted if each is true_time else each for each in function.__defaults__
            )
        for name, value in (function.__kwdefaults__ or {}).items():
            if value is true_time:
                function.__kwdefaults__[name] = shifted
    assert "headrace.platform.context" in sys.modules, "the defaults are not bound yet"
