"""Retries: which failures are retried, and how long to wait.

A repeatable call is retried after lost connections, timeouts and the statuses below. Any other call is retried only if it
was certainly not executed: there was no connection, or the server rejected it unread. Waits are random between half of a
ceiling and the ceiling, which doubles: ten attempts outlast any host that is away for 40 seconds. A ``Retry-After`` is a lower
bound, up to a cap.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar

import anyio
from msgspec import Struct

from headrace.errors import (
    APIError,
    ChecksumError,
    ConnectError,
    HeadraceError,
    RateLimitError,
    TransferError,
    TransferTimeoutError,
)
from headrace.net.host_gate import THROTTLING

_RATE_LIMIT = re.compile(r"(?:^|[;,\s])(?:t|reset)=([0-9]{1,9})(?:$|[;,\s])")

TRANSIENT = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that are retried."""

STORAGE_TRANSIENT = TRANSIENT | {500}
"""The same for storages, where 500 is a temporary error. For an API it is a bug."""

NOT_PROCESSED = frozenset({425, 429})
"""Statuses of requests that the server did not process."""


GATEWAY_LOST = frozenset({502, 504})
"""Statuses of a gateway that got no answer: the server may have carried out the request."""


class RetryCounter:
    """Counts the retries of all calls that one job makes, for its progress."""

    __slots__ = ("retries",)

    def __init__(self) -> None:
        self.retries = 0


COUNTER: ContextVar[RetryCounter | None] = ContextVar("headrace_retries", default=None)
"""The counter of the job that makes the call; tasks inherit it."""


def _count_retry() -> None:
    counter = COUNTER.get()
    if counter is not None:
        counter.retries += 1


class UnreachableError(ConnectError):
    """No connection was established, so the server has not received the request."""


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often and for how long a call is retried.

    Attributes:
        attempts: Number of attempts, including the first.
        base: Upper bound of the first wait in seconds; it doubles with each attempt.
        cap: Largest upper bound of a wait in seconds.
        budget: Seconds from the first attempt to the last.
        longest: Seconds that a server may ask to wait by ``Retry-After``.
        counts_throttling: Whether the answers 429 and 503 use up an attempt. They use up seconds in any case.
    """

    attempts: int = 10
    base: float = 0.2
    cap: float = 30.0
    budget: float = 900.0
    longest: float = 600.0
    counts_throttling: bool = True


PATIENT = RetryPolicy(counts_throttling=False)
"""The retries of a call or a file by default."""


class RetryBudget:
    """Attempts and seconds left for one file. Progress resets both.

    A host that throttles requests (429, 503) uses up time but no attempts.
    """

    def __init__(
        self, policy: RetryPolicy | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy or PATIENT
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Restore all attempts and seconds, because bytes were received."""
        self._since = self._clock()
        self._tries = 0
        self._failures = 0

    def next_wait(self, error: HeadraceError) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none."""
        if not is_transient(error):
            return None
        self._failures += 1
        if not (isinstance(error, APIError) and error.status in THROTTLING):
            self._tries += 1
        floor = error.retry_after if isinstance(error, RateLimitError) else None
        wait = backoff(self._failures, self._policy, floor)
        spent = self._clock() - self._since
        if self._tries >= self._policy.attempts or spent + wait > self._policy.budget:
            return None
        _count_retry()
        return wait


def is_transient(error: HeadraceError) -> bool:
    """Whether a retry may succeed."""
    if isinstance(error, ChecksumError):
        return False
    if isinstance(error, APIError):
        return error.status in STORAGE_TRANSIENT
    return error.retryable


class ResponseLike(Protocol):
    """The parts of an HTTP response that decide about a retry."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; lookups ignore case."""
        ...


A = TypeVar("A", bound=ResponseLike)


async def send_with_retries(
    send: Callable[[], Awaitable[A]],
    *,
    repeatable: bool,
    policy: RetryPolicy | None = None,
    transient: frozenset[int] = TRANSIENT,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> A:
    """Send a request until it gets a response that is not retried, or the policy allows no further attempt.

    Args:
        send: Sends the request once.
        repeatable: Whether the call may be executed twice.
        policy: Default: :data:`PATIENT`.
        transient: Statuses that are retried.
        sleep: Waits for a number of seconds.

    Returns:
        The last response.

    Raises:
        TransferError: The error of the last attempt.
    """
    policy = policy or PATIENT
    started = time.monotonic()
    attempt, tries, waited = 0, 0, 0.0
    while True:
        attempt += 1
        tries += 1
        response: A | None = None
        failure: TransferError | None = None
        floor: float | None = None
        try:
            response = await send()
        except TransferError as error:
            failure = error
        if response is not None:
            if response.status not in (transient if repeatable else NOT_PROCESSED):
                return response
            floor = retry_after(response.headers)
            if response.status in THROTTLING and not policy.counts_throttling:
                tries -= 1
        elif not _repeatable_failure(failure, repeatable=repeatable):
            if isinstance(failure, ConnectError | TransferTimeoutError) and failure.hint is None:
                failure.hint = "the call may have been carried out: look before you repeat it"
            raise _present(failure).after(attempt, time.monotonic() - started)
        wait = backoff(attempt, policy, floor)
        spent = max(time.monotonic() - started, waited)
        if tries >= policy.attempts or spent + wait > policy.budget:
            if response is not None:
                return response
            raise _present(failure).after(attempt, spent)
        _count_retry()
        await sleep(wait)
        waited += wait


def backoff(attempt: int, policy: RetryPolicy, floor: float | None = None) -> float:
    """Return the seconds to wait after attempt number ``attempt``, counted from 1, and at least ``floor``."""
    ceiling = min(policy.cap, policy.base * 2 ** min(attempt - 1, 30))
    if floor is None:
        return random.uniform(ceiling / 2, ceiling)
    return min(floor, policy.longest) + random.uniform(0, min(ceiling, policy.base))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds given by ``Retry-After``, a number or a date; None if it is missing or invalid.

    Without that header the ``t=`` or ``reset=`` of a ``RateLimit`` header is used.
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        limit = _RATE_LIMIT.search(headers.get("RateLimit", ""))
        return float(limit[1]) if limit else None
    if text.isdecimal() and text.isascii():
        return float(text[:12])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _repeatable_failure(failure: TransferError | None, *, repeatable: bool) -> bool:
    if isinstance(failure, UnreachableError):
        return True
    return repeatable and isinstance(failure, ConnectError | TransferTimeoutError)


def _present(failure: TransferError | None) -> TransferError:
    return failure or TransferError("the request failed")
