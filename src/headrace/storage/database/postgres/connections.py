"""The pools of connections of one catalog, and the settings of the sessions of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from headrace.storage.database.postgres.connect import CONNECT_SECONDS, answers, connect
from headrace.storage.database.postgres.pools import ConnectionPool
from headrace.storage.database.postgres.silence import SilenceWatch

if TYPE_CHECKING:
    import asyncpg

_TAKERS = 2
_IDLE_STREAMS = 4
_IDLE_WRITER_SECONDS = 60
"""A writer that runs no statement for so long has stopped: the server rolls its transaction back."""

_IDLE_STREAM_SECONDS = 3600
"""A stream that is not read for so long keeps old rows from being removed: the server ends it."""

# What the values of one call seem to select says nothing of the next: a new version is in no statistics, so a plan for
# its number would expect no rows at all.
ANY_VALUES: Final = {"plan_cache_mode": "force_generic_plan"}
CHANGES_BY_KEYS: Final = {
    **ANY_VALUES,
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
}
"""How changes are planned: they find their rows by keys.

A plan that was made while the tables were empty is kept. If it read whole versions, each chunk of an import into a new
platform would read all rows that the chunks before it wrote.
"""


class Connections:
    """A pool each for writers, reads, people's queries (``askers``), streams and numbers (``takers``).

    The arguments are those of :class:`~headrace.storage.database.postgres.database.PostgresOptions`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        writers: int,
        readers: int,
        streams: int,
        lock_seconds: float,
        pool_seconds: float,
        query_seconds: float | None,
        silence_seconds: float,
    ) -> None:
        def pool(
            size: int, purpose: str, *, keep: int | None = None, **settings: str
        ) -> ConnectionPool:
            open_connection: Callable[[], Awaitable[asyncpg.Connection]] = partial(
                connect, dsn, seconds=CONNECT_SECONDS, opening=False, **settings
            )
            return ConnectionPool(open_connection, size, pool_seconds, purpose, keep)

        asking = max(1, readers // 2)
        self.writers = pool(
            writers,
            "a change",
            keep=None,
            lock_timeout=_milliseconds(lock_seconds),
            idle_in_transaction_session_timeout=_milliseconds(_IDLE_WRITER_SECONDS),
            **CHANGES_BY_KEYS,
        )
        # A read cannot write, whatever is composed.
        self.readers = pool(
            max(1, readers - asking),
            "a read",
            keep=None,
            default_transaction_read_only="on",
            **ANY_VALUES,
        )
        self.askers = pool(
            asking,
            "a query",
            default_transaction_read_only="on",
            statement_timeout=_milliseconds(query_seconds or 0.0),
        )
        self.streams = pool(
            streams,
            "a stream",
            keep=_IDLE_STREAMS,
            idle_in_transaction_session_timeout=_milliseconds(_IDLE_STREAM_SECONDS),
            default_transaction_read_only="on",
        )
        # Numbers need not be on the disk: what uses them is written later.
        self.takers = pool(
            _TAKERS, "numbers", synchronous_commit="off", lock_timeout=_milliseconds(lock_seconds)
        )

        self._all = (self.writers, self.takers, self.readers, self.askers, self.streams)
        self._silence = SilenceWatch(
            partial(answers, dsn, silence_seconds), self._all, silence_seconds
        )

    def watch(self, report: Callable[[str, float], None]) -> None:
        """Call ``report`` with the kind and the seconds of each wait for a connection."""
        self.writers.report_wait = partial(report, "pool write")
        self.readers.report_wait = self.askers.report_wait = partial(report, "pool read")
        self.streams.report_wait = partial(report, "pool stream")

    def renew_writers(self) -> None:
        """Change nothing more through today's connections: a session keeps the mode in which it began."""
        for pool in (self.writers, self.takers):
            pool.close_idle(lent=True)

    async def aclose(self) -> None:
        """Close all pools but that of the writers, which is closed before; streams end where they are."""
        for pool in (self.takers, self.readers, self.askers):
            await pool.aclose()
        await self.streams.aclose(lent=True)
        self._silence.stop()

    def discard(self) -> None:
        """Close all connections without the event loop, which is closed."""
        self._silence.stop()
        for pool in self._all:
            pool.discard()


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
