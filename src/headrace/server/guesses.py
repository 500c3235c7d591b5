"""Wrong tokens cost time: after a few from one address, further unknown ones have to wait, longer with each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from headrace.errors import RateLimitError
from headrace.platform.accounts.tokens import digest_of
from headrace.server.peers import network_of

LONGEST_SECONDS = 60.0
"""The longest wait of an address."""

LEARN_SECONDS = 10.0
"""While an address waits, the valid tokens are read at most this often; a right token waits no longer."""

FORGET_SECONDS = 600.0
"""After so many seconds without a wrong token, those of an address are forgotten."""

MOST_PEERS = 4096
MOST_TOKENS = 4096
"""How many addresses with wrong tokens, and digests of right ones, are remembered; the oldest are forgotten first."""


class _Failures:
    __slots__ = ("count", "last", "until")

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0
        self.until = 0.0


class TokenGuard:
    """Limits how fast tokens can be guessed from one address (IPv6: from one network of 64 bits).

    Right tokens that the guard knows are never delayed, so users behind the same address do not suffer. While an
    address waits, its unknown tokens are refused without being looked up; between two waits it may try one.

    Args:
        limit: How many wrong tokens of one address cost nothing.
        clock: The current time in seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._failures: dict[str, _Failures] = {}
        self._right: dict[bytes, None] = {}
        self._learned = -LEARN_SECONDS

    def may_learn(self) -> bool:
        """Whether it is time to read the valid tokens again, for :meth:`learn`; the next time is later."""
        now = self._clock()
        if now - self._learned < LEARN_SECONDS:
            return False
        self._learned = now
        return True

    def learn(self, digests: list[bytes]) -> None:
        """Take the digests of valid tokens, at most :data:`MOST_TOKENS`."""
        self._right = dict.fromkeys(digests)

    def check(self, peer: str, token: str | None) -> bool:
        """Check a token before it is looked up; returns True if it is the one that may be tried between two waits.

        Raises :class:`RateLimitError` while unknown tokens of this address have to wait.
        """
        if not self._failures or not token:
            return False
        found = self._failures.get(network_of(peer))
        if found is None or found.count < self._limit or digest_of(token) in self._right:
            return False
        now = self._clock()
        if now < found.until:
            raise RateLimitError(
                "too many wrong tokens came from your address",
                retry_after=math.ceil(found.until - now),
                hint="wait, then send a right one",
            )
        # Of many that arrive at once, one is tried.
        found.until = now + self._wait(found.count + 1)
        return True

    def wrong(self, peer: str) -> None:
        """Note a token that the lake does not know."""
        network, now = network_of(peer), self._clock()
        found = self._failures.pop(network, None)
        if found is None or now - found.last > FORGET_SECONDS:
            found = _Failures()
        found.count += 1
        found.last = now
        found.until = now + self._wait(found.count)
        self._failures[network] = found
        if len(self._failures) > MOST_PEERS:
            del self._failures[next(iter(self._failures))]

    def right(self, peer: str, digest: bytes, *, was_tried: bool) -> None:
        """Note a token that was accepted; ``was_tried`` is what :meth:`check` returned for it."""
        self._right.pop(digest, None)
        self._right[digest] = None
        if len(self._right) > MOST_TOKENS:
            del self._right[next(iter(self._right))]
        if was_tried and (found := self._failures.get(network_of(peer))) is not None:
            found.until = 0.0

    def _wait(self, count: int) -> float:
        over = count - self._limit
        return 0.0 if over < 0 else min(LONGEST_SECONDS, 2.0 ** min(over, 10))
