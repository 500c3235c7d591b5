"""When to send a request again, and how long to wait before.

A call that may be repeated is sent again after lost connections, silence and the statuses below. Any other call only
where it certainly did not run: no connection came about, or the server turned it away unread. Waits are full jitter
under a doubling ceiling; a ``Retry-After`` in seconds or as a date is a floor, up to a cap.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
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

_RATE_LIMIT = re.compile(r"(?:^|[;,\s])(?:t|reset)=([0-9]{1,9})(?:$|[;,\s])")

TRANSIENT = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses after which the same request may succeed."""

STORAGE_TRANSIENT = TRANSIENT | {500}
"""The same for storages, which say 500 of passing trouble; an API that says it has a fault."""

NOT_PROCESSED = frozenset({425, 429})
"""Those of them that say that nothing was done."""


class UnreachableError(ConnectError):
    """No connection came about: what was to be sent was certainly not received."""


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """``attempts`` in all; seconds: ``base`` and ``cap`` of the ceiling, ``budget`` from the first attempt to the last.

    ``longest`` bounds what a server may ask for by ``Retry-After``.
    """

    attempts: int = 8
    base: float = 0.2
    cap: float = 30.0
    budget: float = 900.0
    longest: float = 600.0


_PATIENT = RetryPolicy(attempts=10)


class RetryBudget:
    """The patience with one item: ``attempts`` and ``budget`` seconds, both whole again after progress.

    A host that turns requests away (429, 503) costs time but no attempts: it is there, and says to come later.
    """

    def __init__(
        self, policy: RetryPolicy | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy or _PATIENT
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Bytes came."""
        self._since = self._clock()
        self._tries = 0
        self._failures = 0

    def next_wait(self, error: HeadraceError) -> float | None:
        """Seconds to wait before another attempt; None where there is none."""
        if not is_transient(error):
            return None
        self._failures += 1
        if not (isinstance(error, APIError) and error.status in (429, 503)):
            self._tries += 1
        floor = error.retry_after if isinstance(error, RateLimitError) else None
        wait = backoff(self._failures, self._policy, floor)
        spent = self._clock() - self._since
        if self._tries >= self._policy.attempts or spent + wait > self._policy.budget:
            return None
        return wait


def is_transient(error: HeadraceError) -> bool:
    """Whether fetching the same once more may succeed."""
    if isinstance(error, ChecksumError):
        return False
    if isinstance(error, APIError):
        return error.status in STORAGE_TRANSIENT
    return error.retryable


class ResponseLike(Protocol):
    """What the decision needs of an HTTP answer."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up in any letter case."""
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
    """The first final answer, or the last one that the policy allows; raises the last :class:`TransferError`."""
    policy = policy or RetryPolicy()
    started = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        answer: A | None = None
        failure: TransferError | None = None
        floor: float | None = None
        try:
            answer = await send()
        except TransferError as error:
            failure = error
        if answer is not None:
            if answer.status not in (transient if repeatable else NOT_PROCESSED):
                return answer
            floor = retry_after(answer.headers)
        elif not _repeatable_failure(failure, repeatable=repeatable):
            raise _present(failure)
        wait = backoff(attempt, policy, floor)
        spent = time.monotonic() - started
        if attempt >= policy.attempts or spent + wait > policy.budget:
            if answer is not None:
                return answer
            raise _present(failure)
        await sleep(wait)


def backoff(attempt: int, policy: RetryPolicy, floor: float | None = None) -> float:
    """Seconds to wait after attempt number ``attempt`` (from 1)."""
    ceiling = min(policy.cap, policy.base * 2 ** min(attempt - 1, 30))
    jitter = random.uniform(0, ceiling)
    if floor is None:
        return jitter
    return min(floor, policy.longest) + min(jitter, policy.base)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that ``Retry-After`` asks for, given as a number or as a date; None where it is absent or absurd.

    Without one, the ``t=`` of a ``RateLimit`` header is taken.
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
