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

THROTTLING = frozenset({429, 503})
_log = logging.getLogger("headrace.net")


class LimiterPolicy(Struct, frozen=True, kw_only=True):
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


class Permit:
    """One request at a host; tell it what was ``heard``."""

    def __init__(self, host: AdaptiveLimiter, epoch: int) -> None:
        self._host = host
        self.epoch = epoch
        self.was_throttled = False
        self.responses = 1
        """How many answers came in its time, where one turn lasts for several requests."""

    def record(self, status: int, wait: float | None) -> None:
        """The status of the answer, and the seconds that it asks for."""
        if status in THROTTLING:
            self.was_throttled = True
            self._host.throttled(self.epoch, wait)


class AdaptiveLimiter:
    """One host. ``window`` is how many requests may be under way, ``busy`` how many are."""

    def __init__(
        self,
        name: str,
        policy: LimiterPolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.name = name
        self.window = policy.start
        self.busy = 0
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._waiting: deque[anyio.Event] = deque()
        self._clean = 0
        self._epoch = 0
        self._throttles = 0
        self._paused_until = 0.0
        self._retry_tokens = policy.retries
        self._refilled_at = clock()

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[Permit]:
        """A turn that lasts as long as the context."""
        permit = await self.acquire()
        try:
            yield permit
        except BaseException as error:
            self.release(permit, error)
            raise
        self.release(permit, None)

    async def acquire(self) -> Permit:
        """Wait until the host is open and there is room; the room is held until :meth:`leave`."""
        await self._acquire_slot()
        return Permit(self, self._epoch)

    def release(self, permit: Permit, error: BaseException | None) -> None:
        """Give the room back; ``error`` is what the request ended with."""
        if isinstance(error, TransferTimeoutError):
            self.slow_down(permit.epoch)
        elif error is None and not permit.was_throttled:
            self._record_success(permit.responses)
        self.busy -= 1
        self._wake()

    def may_continue(self, permit: Permit) -> bool:
        """Whether one more request may be sent in the same turn: nobody was turned away since it began."""
        return permit.epoch == self._epoch and self.busy <= self.window

    async def wait_for_retry(self) -> None:
        """Wait until one more second try is in order."""
        while True:
            now = self._clock()
            gained = (now - self._refilled_at) * self._policy.retries_per_second
            self._retry_tokens = min(self._policy.retries, self._retry_tokens + gained)
            self._refilled_at = now
            if self._retry_tokens >= 1:
                self._retry_tokens -= 1
                return
            await self._sleep((1 - self._retry_tokens) / self._policy.retries_per_second)

    def throttled(self, epoch: int, wait: float | None) -> None:
        """The host wants fewer requests, and none at all for a while."""
        if epoch == self._epoch:
            self._throttles += 1
        self.slow_down(epoch)
        if wait is None:
            ceiling = self._policy.base * 2 ** min(self._throttles - 1, 20)
            wait = random.uniform(0, min(self._policy.cap, ceiling))
        elif wait > self._policy.longest:
            longest = self._policy.longest
            _log.warning("%s asks to wait %.0f s; waiting %.0f s", self.name, wait, longest)
            wait = longest
        self._paused_until = max(self._paused_until, self._clock() + wait)

    def slow_down(self, epoch: int) -> None:
        """Halve the window, unless that was done since the request began."""
        if epoch == self._epoch:
            self._epoch += 1
            self._clean = 0
            self.window = max(self._policy.floor, self.window // 2)

    def _record_success(self, responses: int) -> None:
        if not responses:
            return
        self._throttles = 0
        self._retry_tokens = min(self._policy.retries, self._retry_tokens + 0.1 * responses)
        self._clean += responses
        if self._clean >= self.window:
            self._clean = 0
            self.window = min(self._policy.ceiling, self.window + 1)
            self._wake()

    async def _acquire_slot(self) -> None:
        while True:
            wait = self._paused_until - self._clock()
            if wait > 0:
                await self._sleep(wait)
            elif self.busy < self.window:
                self.busy += 1
                return
            else:
                await self._wait_for_slot()

    async def _wait_for_slot(self) -> None:
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


class HostLimiters:
    """All hosts that one session talks to, by origin."""

    def __init__(self, policy: LimiterPolicy | None = None) -> None:
        self._policy = policy or LimiterPolicy()
        self._known: dict[str, AdaptiveLimiter] = {}

    def of(self, name: str) -> AdaptiveLimiter:
        """The host of an origin."""
        host = self._known.get(name)
        if host is None:
            host = self._known[name] = AdaptiveLimiter(name, self._policy)
        return host
