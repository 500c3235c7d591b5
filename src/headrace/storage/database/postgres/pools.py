"""Connections to PostgreSQL for one purpose each, opened when they are needed and kept for the next call.

Those who wait for a connection come in the order they asked. A call that was cancelled or failed gives its connection
back only when the server has ended the statement and rolled the transaction back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from headrace.errors import DatabaseError, LakeBusyError
from headrace.threads import wait_done

if TYPE_CHECKING:
    import asyncpg

RESET_SECONDS = 5.0
"""How long a server may take to end a cancelled statement, before its connection is given up."""


class ConnectionPool:
    """At most ``size`` connections; :meth:`connection` lends one.

    Args:
        connect: Opens a connection.
        size: How many may be open.
        wait_seconds: How long a call waits for a connection.
        purpose: What they are for, for messages.
        keep: How many stay open while they are not used. Default: all.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        size: int,
        wait_seconds: float,
        purpose: str,
        keep: int | None = None,
    ) -> None:
        self._connect = connect
        self._size = size
        self._wait_seconds = wait_seconds
        self._purpose = purpose
        self._keep = size if keep is None else keep
        self._slots = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []
        self._lent: dict[asyncpg.Connection, float] = {}
        self._last_use: set[asyncpg.Connection] = set()
        self._waiting: dict[object, float] = {}
        self.report_wait: Callable[[float], None] | None = None
        self.on_lend: Callable[[], None] | None = None
        self._closed = False

    @property
    def busy_seconds(self) -> float:
        """For how long no connection was given back, 0 while one is free."""
        if len(self._lent) < self._size:
            return 0.0
        return time.monotonic() - max(self._lent.values())

    @property
    def lent_seconds(self) -> float:
        """For how long the first of the connections that are in use has been, 0 while none is."""
        now = time.monotonic()
        return now - min(self._lent.values(), default=now)

    @property
    def wait_seconds(self) -> float:
        """For how long the first of those that wait has waited."""
        now = time.monotonic()
        return now - min(self._waiting.values(), default=now)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection for a block.

        Raises:
            LakeBusyError: None became free in time.
            DatabaseError: The pool is closed.
        """
        await self._take_slot()
        try:
            lent = await self._open()
            try:
                yield lent
            except BaseException:
                await self._give_back_after_error(lent)
                if lent.is_closed():
                    # What ended it has ended the others too, of which the driver may not know yet.
                    self.close_idle()
                raise
            self._give_back(lent)
            if len(self._idle) > self._keep:
                await wait_done(asyncio.ensure_future(_close(self._idle.pop(0))))
        finally:
            self._slots.release()

    def close_idle(self, *, lent: bool = False) -> None:
        """Close the connections that are not in use, so that the next calls open new ones.

        With ``lent``, those in use are closed when they are given back.
        """
        while self._idle:
            self._idle.pop().terminate()
        if lent:
            self._last_use |= self._lent.keys()

    def end_all(self) -> None:
        """End all connections at once: what they are used for fails."""
        self.close_idle()
        for each in list(self._lent):
            each.terminate()

    async def aclose(self, *, lent: bool = False) -> None:
        """Close all connections, when they are given back; ``lent`` ends at once those that are in use."""
        self._closed = True
        if lent:
            # Who has a stream may never read on.
            for each in list(self._lent):
                each.terminate()
        else:
            for _ in range(self._size):
                await self._slots.acquire()
            for _ in range(self._size):
                self._slots.release()
        while self._idle:
            await _close(self._idle.pop())

    def discard(self) -> None:
        """Close all connections without waiting."""
        self._closed = True
        for each in [*self._idle, *self._lent]:
            _discard(each)
        self._idle.clear()
        self._lent.clear()

    async def _take_slot(self) -> None:
        self._check_open()
        if self._slots.locked():
            self._waiting[token := object()] = began = time.monotonic()
            try:
                async with asyncio.timeout(self._wait_seconds):
                    await self._slots.acquire()
            except TimeoutError:
                raise LakeBusyError(
                    f"no connection to the database became free for {self._purpose} in {self._wait_seconds:g} s",
                    hint="try again in a moment",
                ) from None
            finally:
                del self._waiting[token]
                if self.report_wait is not None:
                    self.report_wait(time.monotonic() - began)
        else:
            await self._slots.acquire()
        try:
            self._check_open()
        except DatabaseError:
            self._slots.release()
            raise

    def _check_open(self) -> None:
        if self._closed:
            raise DatabaseError("the lake is closed")

    async def _open(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                break
        else:
            connection = await self._connect()
        self._lent[connection] = time.monotonic()
        if self.on_lend is not None:
            self.on_lend()
        return connection

    def _give_back(self, connection: asyncpg.Connection) -> None:
        del self._lent[connection]
        last = connection in self._last_use
        self._last_use.discard(connection)
        if (self._closed or last) and not connection.is_closed():
            connection.terminate()
        elif not connection.is_closed():
            self._idle.append(connection)

    async def _give_back_after_error(self, connection: asyncpg.Connection) -> None:
        try:
            await wait_done(asyncio.ensure_future(_reset(connection)))
        finally:
            self._give_back(connection)


async def _reset(connection: asyncpg.Connection) -> None:
    """End what a connection was doing; one that does not answer is closed."""
    if connection.is_closed():
        return
    try:
        # The driver waits here for the end of a statement that it has cancelled.
        await connection.execute("rollback", timeout=RESET_SECONDS)
    except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use
        connection.terminate()


def _discard(connection: asyncpg.Connection) -> None:
    """Close a connection whose event loop may be closed already."""
    transport = connection._transport  # noqa: SLF001 - the driver has no public name for it
    try:
        connection.terminate()
    except RuntimeError:
        # A transport of asyncio closes its socket in a step of its loop, and warns of an open one when it is deleted.
        with suppress(RuntimeError):
            transport.abort()
        while (inner := getattr(transport, "_ssl_protocol", None)) is not None:
            transport = inner._transport  # noqa: SLF001 - the one that has the socket
        if (socket := getattr(transport, "_sock", None)) is not None:
            transport._sock = None  # noqa: SLF001
            socket.close()


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=RESET_SECONDS)
    except Exception:  # noqa: BLE001 - the server may have gone
        connection.terminate()
