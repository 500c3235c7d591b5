"""Values that are remembered for a few seconds, in a process that need not see each change of another one at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 10_000
"""Values that are remembered at once."""


class Remembered(Generic[T]):
    """Values by key.

    Args:
        seconds: How long each is remembered. 0 remembers none.
        clock: Seconds that never go back.
    """

    def __init__(
        self, seconds: float = 0.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: dict[Hashable, tuple[float, T]] = {}

    def find(self, key: Hashable) -> T | None:
        """Return a value that is remembered, else None."""
        found = self._known.get(key)
        return None if found is None or found[0] < self._clock() else found[1]

    def now(self) -> float:
        """Return the time, to be taken before a value is read that :meth:`keep` gets."""
        return self._clock()

    def keep(self, key: Hashable, value: T, read_at: float) -> None:
        """Remember a value that was read after ``read_at``."""
        if self._seconds:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = read_at + self._seconds, value

    def forget(self) -> None:
        """Forget all values."""
        self._known.clear()
