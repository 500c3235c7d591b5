"""Adaptive concurrency for each host (AIMD), shared by all requests to it.

The number of concurrent requests grows by one for each window of successful requests. It halves when the host signals
overload (429, 503, silence), once for all requests that were in progress together. A ``Retry-After`` pauses all requests.
Retries draw tokens from one bucket, so that an outage does not multiply the load.
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
    """Limits for the requests to one host.

    Attributes:
        start: Concurrent requests at the beginning.
        floor: Fewest concurrent requests.
        ceiling: Most concurrent requests.
        base: Upper bound in seconds of the first pause after 429 or 503 without ``Retry-After``; it doubles.
        cap: Largest upper bound of such a pause in seconds.
        longest: Longest pause in seconds that the host may ask for.
        retries: Retries that may be made at once.
        retries_per_second: Rate at which further retries are allowed.
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
    """Permission for one request to a host, or for a batch of requests in a row."""

    def __init__(self, host: AdaptiveLimiter, epoch: int) -> None:
        self._host = host
        self.epoch = epoch
        self.was_throttled = False
        self.responses = 1
        """Responses received under this permit."""

    def record(self, status: int, wait: float | None) -> None:
        """Record the status of a response and its ``Retry-After`` in seconds."""
        if status in THROTTLING:
            self.was_throttled = True
            self._host.throttled(self.epoch, wait)


class AdaptiveLimiter:
    """The limiter of one host: at most ``window`` requests at a time; ``busy`` are in progress."""

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
        """Hold a permit inside the context."""
        permit = await self.acquire()
        try:
            yield permit
        except BaseException as error:
            self.release(permit, error)
            raise
        self.release(permit, None)

    async def acquire(self) -> Permit:
        """Wait for a permit; it is held until :meth:`release`."""
        await self._acquire_slot()
        return Permit(self, self._epoch)

    def release(self, permit: Permit, error: BaseException | None) -> None:
        """Return a permit; ``error`` is the error of the request."""
        if isinstance(error, TransferTimeoutError):
            self.slow_down(permit.epoch)
        elif error is None and not permit.was_throttled:
            self._record_success(permit.responses)
        self.busy -= 1
        self._wake()

    def may_continue(self, permit: Permit) -> bool:
        """Whether another request may be sent under the same permit: the host has not signalled overload since."""
        return permit.epoch == self._epoch and self.busy <= self.window

    async def wait_for_retry(self) -> None:
        """Wait until the host's bucket holds a token for a retry."""
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
        """Slow down and pause: the host rejected a request. ``wait`` is its ``Retry-After`` in seconds."""
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
        """Halve the window, unless that has happened since the request began."""
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
                self._wake()  # the slot is passed on to the next waiter
            else:
                self._waiting.remove(event)
            raise

    def _wake(self) -> None:
        for _ in range(max(0, self.window - self.busy)):
            if not self._waiting:
                return
            self._waiting.popleft().set()


class HostLimiters:
    """The limiters of one session, by origin."""

    def __init__(self, policy: LimiterPolicy | None = None) -> None:
        self._policy = policy or LimiterPolicy()
        self._known: dict[str, AdaptiveLimiter] = {}

    def of(self, name: str) -> AdaptiveLimiter:
        """The limiter of an origin."""
        host = self._known.get(name)
        if host is None:
            host = self._known[name] = AdaptiveLimiter(name, self._policy)
        return host
