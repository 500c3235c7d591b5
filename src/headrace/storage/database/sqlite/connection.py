"""One SQLite connection on a dedicated thread, used from the event loop that started it.

Calls run one after another in the order in which they were posted. This order makes transactions safe against
cancellation: a rollback always runs after everything that the cancelled task had posted.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import apsw

from headrace.errors import DatabaseError
from headrace.storage.database.sqlite import forks
from headrace.threads import in_thread

T = TypeVar("T")

ConnectionCall = Callable[[apsw.Connection], T]

_PAUSES = (0.001, 0.002, 0.005, 0.005, 0.01)
_INTERRUPT_AGAIN = 0.02


class _QueuedCall(Generic[T]):
    __slots__ = ("abandoned", "function", "future")

    def __init__(self, function: ConnectionCall[T], future: asyncio.Future[T]) -> None:
        self.function = function
        self.future = future
        self.abandoned = False


class ConnectionThread:
    """Owns a connection: only its thread uses it, except for ``interrupt``, which SQLite allows from other threads.

    ``running`` is held in each call, so that a fork can wait for it (``forks``). ``pending`` are the calls that have not
    ended, ``queries`` those of them that may be slow. ``busy_since`` is when the running call began,
    ``lock_wanted_since`` since when it waits for another process that writes; both on the monotonic clock, None where
    that is not so.
    """

    def __init__(self, open_connection: Callable[[], apsw.Connection], busy_timeout: float) -> None:
        self._open = open_connection
        self._busy_timeout = busy_timeout
        self.loop = asyncio.get_running_loop()
        self.running = threading.Lock()
        self._calls: SimpleQueue[_QueuedCall[Any] | None] = SimpleQueue()
        self._guard = threading.Lock()
        self._current: _QueuedCall[Any] | None = None
        self.connection: apsw.Connection | None = None
        self._deadline = 0.0
        self._retired = False
        self.pending = 0
        self.queries = 0
        self.busy_since: float | None = None
        self.lock_wanted_since: float | None = None
        forks.register(self)
        self._thread = threading.Thread(target=self._serve, name="headrace-sqlite", daemon=True)
        self._thread.start()

    def post(self, function: ConnectionCall[T]) -> asyncio.Future[T]:
        """Queue a call; it runs even if its future is not awaited."""
        return self._post(function).future

    async def run(self, function: ConnectionCall[T]) -> T:
        """Run a call and wait; a cancellation removes it from the queue or interrupts its statement."""
        posted = self._post(function)
        try:
            return await posted.future
        except asyncio.CancelledError:
            self._abandon(posted)
            raise

    def retire(self) -> None:
        """Close the connection after all posted calls, without waiting."""
        self._retired = True
        self._calls.put(None)

    async def close(self) -> None:
        """Close the connection after all posted calls and wait for the thread to end."""
        self.retire()
        await in_thread(self._thread.join)

    def _post(self, function: ConnectionCall[T]) -> _QueuedCall[T]:
        if self._retired:
            raise DatabaseError("the lake is closed")
        posted = _QueuedCall(function, self.loop.create_future())
        self.pending += 1
        self._calls.put(posted)
        return posted

    def _abandon(self, posted: _QueuedCall[Any]) -> None:
        """Take a call out of the queue, or interrupt its statement."""
        posted.abandoned = True
        # Under the guard: otherwise the interrupt could hit the next call.
        with self._guard:
            if self._current is not posted:
                return
            if self.connection is not None:
                self.connection.interrupt()
        # SQLite forgets an interrupt that comes before the statement has begun, so it is repeated until the call ends.
        with suppress(RuntimeError):
            self.loop.call_later(_INTERRUPT_AGAIN, self._abandon, posted)

    def _serve(self) -> None:
        while (posted := self._calls.get()) is not None:
            result, error = None, None
            forks.let_pass(self.connection)
            try:
                with self.running:
                    result = self._execute(posted)
            except BaseException as raised:  # noqa: BLE001 - raised again where the call is awaited
                error = raised
            # The loop is closed already if a program ends without closing the lake.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._settle, posted.future, result, error)
            del posted, result, error
        with self.running:
            if self.connection is not None:
                self.connection.close(True)
                self.connection = None

    def _execute(self, posted: _QueuedCall[T]) -> T | None:
        with self._guard:
            if posted.abandoned:
                return None
            self._current = posted
        self.busy_since = time.monotonic()
        try:
            if self.connection is None:
                self.connection = self._open()
                self.connection.set_busy_handler(self._wait_for_lock)
            return posted.function(self.connection)
        finally:
            self.busy_since = self.lock_wanted_since = None
            with self._guard:
                self._current = None

    def _settle(
        self, future: asyncio.Future[Any], result: Any, error: BaseException | None
    ) -> None:
        self.pending -= 1
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _wait_for_lock(self, calls: int) -> bool:
        now = time.monotonic()
        if calls == 0:
            self._deadline = now + self._busy_timeout
            self.lock_wanted_since = now
        current = self._current
        if now >= self._deadline or (current is not None and current.abandoned):
            return False
        time.sleep(_PAUSES[min(calls, len(_PAUSES) - 1)])
        return True
