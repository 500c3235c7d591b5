"""Kill servers at chosen requests: the one that has got a request dies, and comes back on another port."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from msgspec import Struct

from tests.support.alternating import Alternating
from tests.support.servers import Cluster


class Point(Struct, frozen=True):
    """When a server is killed.

    Attributes:
        path: A part of the first line of the requests that count.
        number: At which of them, from 1.
        seconds: How long after the server has got it.
    """

    path: str
    number: int = 1
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.path}-{self.number}-{self.seconds:g}"


class Killing:
    """Kills the server that gets a request, once, and starts it again; ``killed`` says whether it was.

    As a context it waits for the server to be back.
    """

    def __init__(self, made: Cluster, front: Alternating, point: Point) -> None:
        self.killed = False
        self._made = made
        self._front = front
        self._point = point
        self._count = 0
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._front.watch = self._see
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._front.watch = lambda turn, line: None
        if self._work is not None:
            await self._work

    def _see(self, turn: int, line: str) -> None:
        print(turn, line)
        self._count += self._point.path in line
        if self._count == self._point.number and self._work is None:
            self._work = asyncio.create_task(self._kill(turn))

    async def _kill(self, turn: int) -> None:
        await asyncio.sleep(self._point.seconds)
        server = self._made.servers[turn]
        await server.kill()
        self.killed = True
        await server.start()
        self._front.servers[turn] = server.address
