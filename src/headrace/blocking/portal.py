"""The event loop that runs all blocking calls of a process, in a thread of headrace.

The first call starts it; all clients and threads share it. It is independent of an event loop that runs already, for
example in a notebook or a request handler. A forked child does not inherit the threads of its parent: its first call
starts another portal and opens the inherited sessions again.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import ClassVar, TypeVar
from weakref import WeakKeyDictionary, WeakSet, finalize

from anyio.from_thread import BlockingPortal, start_blocking_portal

from headrace.backend.base import Backend
from headrace.errors import ConfigurationError
from headrace.sdk.base.session import Session

T = TypeVar("T")

BATCH = 256
"""Number of items that an iterator passes between the threads at once."""


class Portal:
    """The event loop of one process, started by the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._manager: AbstractContextManager[BlockingPortal] | None = None
        self._portal: BlockingPortal | None = None
        self._thread = 0
        self._sessions: WeakSet[Session] = WeakSet()
        self._finalizers: WeakKeyDictionary[Session, finalize[..., Session]] = WeakKeyDictionary()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def call(self, function: Callable[[], Awaitable[T]], session: Session | None = None) -> T:
        """Await ``function()`` in the loop. An interrupt of the calling thread cancels it.

        Args:
            function: Makes the awaitable; called in the loop.
            session: The session of the call, which is opened again after a fork.

        Raises:
            ConfigurationError: If the call comes from the loop itself, which would deadlock.
        """
        portal = self._started()
        if threading.get_ident() == self._thread:
            raise ConfigurationError(
                "a blocking call was made from a callback of headrace",
                hint="read properties only in callbacks, or use the async client",
            )
        if session is not None and session.process != os.getpid():
            portal.call(session.reopen)
            self.keep(session)

        async def run() -> T:
            return await function()

        future = portal.start_task_soon(run)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, make: Callable[[], AsyncIterator[T]], session: Session) -> Iterator[T]:
        """Iterate over an async iterator, batch by batch; closes it if the iteration is abandoned."""
        items: AsyncIterator[T] | None = None

        async def batch() -> list[T]:
            nonlocal items
            if items is None:
                items = make()
            held: list[T] = []
            async for item in items:
                held.append(item)
                if len(held) == BATCH:
                    break
            return held

        async def close() -> None:
            end = getattr(items, "aclose", None)
            if end is not None:
                await end()

        try:
            while held := self.call(batch, session):
                # Each is given away, so that it is freed when the caller drops it.
                held.reverse()
                while held:
                    yield held.pop()
        finally:
            self.call(close)

    def keep(self, session: Session) -> None:
        """Close a session when nothing refers to it any more, at the latest at the end of the process."""
        self._sessions.add(session)
        dropped = finalize(session, self._close_dropped, session.backend, os.getpid())
        dropped.atexit = False
        self._finalizers[session] = dropped

    def forget(self, session: Session) -> None:
        """Stop tracking a session that was closed."""
        self._sessions.discard(session)
        known = self._finalizers.pop(session, None)
        if known is not None:
            known.detach()

    def _close_dropped(self, backend: Backend, process: int) -> None:
        """Close the backend of a session that is garbage. This may run in any thread, so it waits for nothing."""
        loop = self._loop
        if loop is None or process != os.getpid():
            return

        def close() -> None:
            task = loop.create_task(backend.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

        # The loop may just have ended, with all that it had open.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(close)

    def stop(self) -> None:
        """Close the open sessions and end the loop."""
        with self._lock:
            manager, self._manager = self._manager, None
            portal, self._portal = self._portal, None
            self._loop = None
        if manager is None or portal is None:
            return
        try:
            for session in list(self._sessions):
                if session.process == os.getpid():
                    portal.call(session.aclose)
            portal.call(self._closed)
        finally:
            manager.__exit__(None, None, None)

    async def _closed(self) -> None:
        """Wait until the backends of dropped sessions are closed."""
        if self._closing:
            await asyncio.wait(self._closing)

    def _started(self) -> BlockingPortal:
        with self._lock:
            if self._portal is None:
                self._manager = start_blocking_portal(name="headrace")
                self._portal = self._manager.__enter__()
                self._thread = self._portal.call(threading.get_ident)
                self._loop = self._portal.call(asyncio.get_running_loop)
            return self._portal


class _Home:
    """Holds the portal of this process, and those inherited from a parent."""

    portal = Portal()
    inherited: ClassVar[list[Portal]] = []


def portal() -> Portal:
    """Return the portal of this process."""
    return _Home.portal


def _in_child() -> None:
    # The threads of the parent do not exist here: its portal must not be used or finalized, only kept.
    _Home.inherited.append(_Home.portal)
    _Home.portal = Portal()


def _at_exit() -> None:
    _Home.portal.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
# Closing a lake needs the worker threads of the process, which end before plain atexit hooks run. Of these hooks, the
# one that is registered last runs first.
import_module("concurrent.futures.thread")
getattr(threading, "_register_atexit", atexit.register)(_at_exit)
