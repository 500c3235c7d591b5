"""Adaptive concurrency for each host (AIMD), shared by all requests to it.

The number of concurrent requests grows by one for each window of successful requests. It halves when the host signals
overload (429, 503, silence), once for all requests that were in progress together. Pauses and retries are those of the
host's gate (``headrace.net.host_gate``).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from headrace.errors import TransferTimeoutError
from headrace.net.host_gate import THROTTLING, GatePolicy, HostGate


class LimiterPolicy(GatePolicy, frozen=True, kw_only=True):
    """Limits for the requests to one host.

    Attributes:
        start: Concurrent requests at the beginning.
        floor: Fewest concurrent requests.
        ceiling: Most concurrent requests.
    """

    start: int = 8
    floor: int = 1
    ceiling: int = 64


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
        self._gate = HostGate(name, policy, clock=clock, sleep=sleep)
        self._waiting: deque[anyio.Event] = deque()
        self._clean = 0
        self._epoch = 0

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
        await self._gate.wait_for_retry()

    def throttled(self, epoch: int, wait: float | None) -> None:
        """Slow down and pause: the host rejected a request. ``wait`` is its ``Retry-After`` in seconds."""
        self._gate.pause(wait, first=epoch == self._epoch)
        self.slow_down(epoch)

    def slow_down(self, epoch: int) -> None:
        """Halve the window, unless that has happened since the request began."""
        if epoch == self._epoch:
            self._epoch += 1
            self._clean = 0
            self.window = max(self._policy.floor, self.window // 2)

    def _record_success(self, responses: int) -> None:
        if not responses:
            return
        self._gate.succeeded(responses)
        self._clean += responses
        if self._clean >= self.window:
            self._clean = 0
            self.window = min(self._policy.ceiling, self.window + 1)
            self._wake()

    async def _acquire_slot(self) -> None:
        while True:
            if self._gate.pause_left() > 0:
                await self._gate.wait()
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
