"""What is handed out from one task to many, in order, and never far ahead of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Queue(Generic[T]):
    """At most ``ahead`` things wait at a time."""

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self._things: deque[T] = deque()
        self._closed = False
        self._news = anyio.Event()
        self._room = anyio.Event()

    async def put(self, things: Iterable[T]) -> None:
        """Hand things out, as fast as they are taken."""
        left = list(things)
        while left:
            while len(self._things) >= self._ahead:
                self._room = anyio.Event()
                await self._room.wait()
            fitting = self._ahead - len(self._things)
            self._things.extend(left[:fitting])
            del left[:fitting]
            self._news.set()

    def close(self) -> None:
        """There is no more."""
        self._closed = True
        self._news.set()

    async def take(self) -> T | None:
        """The next thing; None after the last one."""
        while not self._things:
            if self._closed:
                return None
            if self._news.is_set():
                self._news = anyio.Event()
            await self._news.wait()
        return self._taken()

    def take_more(self, most: int, fits: Callable[[T], bool]) -> list[T]:
        """Up to ``most`` of the next things, as long as they are here already and each of them ``fits``."""
        things = self._things
        more: list[T] = []
        while things and len(more) < most and fits(things[0]):
            more.append(things.popleft())
        self._give_room()
        return more

    def __len__(self) -> int:
        return len(self._things)

    def _taken(self) -> T:
        thing = self._things.popleft()
        self._give_room()
        return thing

    def _give_room(self) -> None:
        if len(self._things) * 2 <= self._ahead:
            self._room.set()
