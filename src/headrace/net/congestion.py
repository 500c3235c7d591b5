"""How hard each host may be worked: one view of it for all that talk to it.

The number of requests under way grows by one for each window of clean ones and halves when the host says that it is
too much (429, 503, silence), once for all the requests that were under way together. What it asks for by
``Retry-After`` holds for everybody. Second tries draw from one bucket, so that an outage does not multiply the load.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from msgspec import Struct

from headrace.errors import TransferTimeoutError

TURNING_AWAY = frozenset({429, 503})
_log = logging.getLogger("headrace.net")


class Pressure(Struct, frozen=True, kw_only=True):
    """``start``, ``floor`` and ``ceiling`` of the requests under way at one host.

    ``longest``: the most seconds that it may ask everybody to wait. ``retries``: second tries at once, and then
    ``retries_per_second``.
    """

    start: int = 8
    floor: int = 1
    ceiling: int = 64
    base: float = 0.2
    cap: float = 30.0
    longest: float = 600.0
    retries: float = 64.0
    retries_per_second: float = 2.0


class Turn:
    """One request at a host; tell it what was ``heard``."""

    def __init__(self, host: Host, era: int) -> None:
        self._host = host
        self.era = era
        self.refused = False
        self.answers = 1
        """How many answers came in its time, where one turn lasts for several requests."""

    def heard(self, status: int, wait: float | None) -> None:
        """The status of the answer, and the seconds that it asks for."""
        if status in TURNING_AWAY:
            self.refused = True
            self._host.turned_away(self.era, wait)


class Host:
    """One host. ``window`` is how many requests may be under way, ``busy`` how many are."""

    def __init__(
        self,
        name: str,
        pressure: Pressure,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.name = name
        self.window = pressure.start
        self.busy = 0
        self._pressure = pressure
        self._clock = clock
        self._sleep = sleep
        self._waiting: deque[anyio.Event] = deque()
        self._clean = 0
        self._era = 0
        self._refusals = 0
        self._closed_until = 0.0
        self._tokens = pressure.retries
        self._counted = clock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """A turn that lasts as long as the context."""
        turn = await self.enter()
        try:
            yield turn
        except BaseException as error:
            self.leave(turn, error)
            raise
        self.leave(turn, None)

    async def enter(self) -> Turn:
        """Wait until the host is open and there is room; the room is held until :meth:`leave`."""
        await self._enter()
        return Turn(self, self._era)

    def leave(self, turn: Turn, error: BaseException | None) -> None:
        """Give the room back; ``error`` is what the request ended with."""
        if isinstance(error, TransferTimeoutError):
            self.slow_down(turn.era)
        elif error is None and not turn.refused:
            self._went_well(turn.answers)
        self.busy -= 1
        self._wake()

    def is_calm(self, turn: Turn) -> bool:
        """Whether one more request may be sent in the same turn: nobody was turned away since it began."""
        return turn.era == self._era and self.busy <= self.window

    async def retry_token(self) -> None:
        """Wait until one more second try is in order."""
        while True:
            now = self._clock()
            gained = (now - self._counted) * self._pressure.retries_per_second
            self._tokens = min(self._pressure.retries, self._tokens + gained)
            self._counted = now
            if self._tokens >= 1:
                self._tokens -= 1
                return
            await self._sleep((1 - self._tokens) / self._pressure.retries_per_second)

    def turned_away(self, era: int, wait: float | None) -> None:
        """The host wants fewer requests, and none at all for a while."""
        if era == self._era:
            self._refusals += 1
        self.slow_down(era)
        if wait is None:
            ceiling = self._pressure.base * 2 ** min(self._refusals - 1, 20)
            wait = random.uniform(0, min(self._pressure.cap, ceiling))
        elif wait > self._pressure.longest:
            longest = self._pressure.longest
            _log.warning("%s asks to wait %.0f s; waiting %.0f s", self.name, wait, longest)
            wait = longest
        self._closed_until = max(self._closed_until, self._clock() + wait)

    def slow_down(self, era: int) -> None:
        """Halve the window, unless that was done since the request began."""
        if era == self._era:
            self._era += 1
            self._clean = 0
            self.window = max(self._pressure.floor, self.window // 2)

    def _went_well(self, answers: int) -> None:
        if not answers:
            return
        self._refusals = 0
        self._tokens = min(self._pressure.retries, self._tokens + 0.1 * answers)
        self._clean += answers
        if self._clean >= self.window:
            self._clean = 0
            self.window = min(self._pressure.ceiling, self.window + 1)
            self._wake()

    async def _enter(self) -> None:
        while True:
            wait = self._closed_until - self._clock()
            if wait > 0:
                await self._sleep(wait)
            elif self.busy < self.window:
                self.busy += 1
                return
            else:
                await self._room()

    async def _room(self) -> None:
        event = anyio.Event()
        self._waiting.append(event)
        try:
            await event.wait()
        except BaseException:
            if event.is_set():
                self._wake()  # the word was for us, and we will not use it
            else:
                self._waiting.remove(event)
            raise

    def _wake(self) -> None:
        for _ in range(max(0, self.window - self.busy)):
            if not self._waiting:
                return
            self._waiting.popleft().set()


class Hosts:
    """All hosts that one session talks to, by origin."""

    def __init__(self, pressure: Pressure | None = None) -> None:
        self._pressure = pressure or Pressure()
        self._known: dict[str, Host] = {}

    def of(self, name: str) -> Host:
        """The host of an origin."""
        host = self._known.get(name)
        if host is None:
            host = self._known[name] = Host(name, self._pressure)
        return host
