"""A bounded queue from one task to many, from which several items can be taken at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Queue(Generic[T]):
    """Holds about ``capacity`` items at most."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._closed = False
        self._added = anyio.Event()
        self._space = anyio.Event()

    async def put(self, items: Iterable[T]) -> None:
        """Add items; wait while the queue is full."""
        left = list(items)
        while left:
            while len(self._items) >= self._capacity:
                self._space = anyio.Event()
                await self._space.wait()
            fitting = self._capacity - len(self._items)
            self._items.extend(left[:fitting])
            del left[:fitting]
            self._added.set()

    def close(self) -> None:
        """Mark the end: no item is added after this."""
        self._closed = True
        self._added.set()

    async def take(self) -> T | None:
        """Remove and return the next item; None after the last one."""
        while not self._items:
            if self._closed:
                return None
            if self._added.is_set():
                self._added = anyio.Event()
            await self._added.wait()
        return self._taken()

    def take_more(self, most: int, fits: Callable[[T], bool]) -> list[T]:
        """Remove and return up to ``most`` items that are there, as long as each of them ``fits``."""
        items = self._items
        more: list[T] = []
        while items and len(more) < most and fits(items[0]):
            more.append(items.popleft())
        self._signal_space()
        return more

    def __len__(self) -> int:
        return len(self._items)

    def _taken(self) -> T:
        item = self._items.popleft()
        self._signal_space()
        return item

    def _signal_space(self) -> None:
        if len(self._items) * 2 <= self._capacity:
            self._space.set()
