"""What a host has asked of all that talk to it: a pause, and a bucket of retries.

A ``Retry-After`` holds for all requests to the host. Retries draw tokens from one bucket, so that an outage does not
multiply the load; each response puts a part of a token back.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable

import anyio
from msgspec import Struct

THROTTLING = frozenset({429, 503})
"""Statuses of a host that wants fewer requests."""

_log = logging.getLogger("headrace.net")


class GatePolicy(Struct, frozen=True, kw_only=True):
    """Pauses of a host, and its retries.

    Attributes:
        base: Upper bound in seconds of the first pause after 429 or 503 without ``Retry-After``; it doubles.
        cap: Largest upper bound of such a pause in seconds.
        longest: Longest pause in seconds that the host may ask for.
        retries: Retries that may be made at once.
        retries_per_second: Rate at which further retries are allowed.
    """

    base: float = 0.2
    cap: float = 30.0
    longest: float = 600.0
    retries: float = 64.0
    retries_per_second: float = 2.0


class HostGate:
    """The gate of one host: requests and retries pass it."""

    def __init__(
        self,
        name: str,
        policy: GatePolicy,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.name = name
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._throttles = 0
        self._paused_until = 0.0
        self._tokens = policy.retries
        self._refilled_at = clock()

    def pause_left(self) -> float:
        """Return for how many seconds no request may be sent; 0 or less if one may be sent now."""
        return self._paused_until - self._clock()

    async def wait(self) -> None:
        """Wait until a request may be sent."""
        while (left := self.pause_left()) > 0:
            await self._sleep(left)

    async def wait_for_retry(self) -> None:
        """Wait until the bucket holds a token for a retry."""
        while True:
            now = self._clock()
            gained = (now - self._refilled_at) * self._policy.retries_per_second
            self._tokens = min(self._policy.retries, self._tokens + gained)
            self._refilled_at = now
            if self._tokens >= 1:
                self._tokens -= 1
                return
            await self._sleep((1 - self._tokens) / self._policy.retries_per_second)

    def record(self, status: int, wait: float | None) -> None:
        """Record the status of a response and its ``Retry-After`` in seconds."""
        if status in THROTTLING:
            # Requests that were rejected together count once.
            self.pause(wait, first=self.pause_left() <= 0)
        else:
            self.succeeded(1)

    def succeeded(self, responses: int) -> None:
        """Record that the host has answered so many requests."""
        self._throttles = 0
        self._tokens = min(self._policy.retries, self._tokens + 0.1 * responses)

    def pause(self, wait: float | None, *, first: bool) -> None:
        """Pause all requests: the host rejected one.

        Args:
            wait: The ``Retry-After`` of the host in seconds. Without one, the pauses double.
            first: Whether this is the first rejection among the requests that were in progress together.
        """
        if first:
            self._throttles += 1
        if wait is None:
            ceiling = self._policy.base * 2 ** min(max(self._throttles - 1, 0), 20)
            wait = random.uniform(0, min(self._policy.cap, ceiling))
        elif wait > self._policy.longest:
            longest = self._policy.longest
            _log.warning("%s asks to wait %.0f s; waiting %.0f s", self.name, wait, longest)
            wait = longest
        self._paused_until = max(self._paused_until, self._clock() + wait)
