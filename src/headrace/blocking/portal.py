"""One event loop in a thread of its own, which answers all blocking calls of this process.

It is started by the first call and shared by all clients and threads. It works beside a running event loop (a notebook,
a request handler) because it is another one. A forked child has none of its parent's threads: its first call starts a
portal of its own, and the sessions it inherited are opened again.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import ClassVar, TypeVar
from weakref import WeakSet

from anyio.from_thread import BlockingPortal, start_blocking_portal

from headrace.errors import ConfigurationError
from headrace.sdk.base.session import Session

T = TypeVar("T")

BATCH = 256
"""Items that cross from one thread to the other at once."""


class Portal:
    """The loop of one process, started when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._manager: AbstractContextManager[BlockingPortal] | None = None
        self._portal: BlockingPortal | None = None
        self._thread = 0
        self._sessions: WeakSet[Session] = WeakSet()

    def call(self, function: Callable[[], Awaitable[T]], session: Session | None = None) -> T:
        """``await function()`` in the loop; an interrupt here cancels it there.

        Raises ConfigurationError where it is called from the loop itself, which could only wait for ever.
        """
        portal = self._started()
        if threading.get_ident() == self._thread:
            raise ConfigurationError(
                "a blocking call was made from a callback of headrace",
                hint="only look at things there, or use the async client",
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
        """The items of an async iterator, fetched by the batch; left half-way, it is closed."""
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
                yield from held
        finally:
            self.call(close)

    def keep(self, session: Session) -> None:
        """Close this session at the end of the process, unless somebody does it before."""
        self._sessions.add(session)

    def forget(self, session: Session) -> None:
        """The session was closed."""
        self._sessions.discard(session)

    def stop(self) -> None:
        """Close what is open and end the loop."""
        with self._lock:
            manager, self._manager = self._manager, None
            portal, self._portal = self._portal, None
        if manager is None or portal is None:
            return
        try:
            for session in list(self._sessions):
                if session.process == os.getpid():
                    portal.call(session.aclose)
        finally:
            manager.__exit__(None, None, None)

    def _started(self) -> BlockingPortal:
        with self._lock:
            if self._portal is None:
                self._manager = start_blocking_portal(name="headrace")
                self._portal = self._manager.__enter__()
                self._thread = self._portal.call(threading.get_ident)
            return self._portal


class _Home:
    """Where the portal of this process is kept."""

    portal = Portal()
    inherited: ClassVar[list[Portal]] = []


def portal() -> Portal:
    """The portal of this process."""
    return _Home.portal


def _in_child() -> None:
    # The parent's loop, lock and thread are not here: what is left of them must not be touched, only kept.
    _Home.inherited.append(_Home.portal)
    _Home.portal = Portal()


def _at_exit() -> None:
    _Home.portal.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
# Before the worker threads of the process are ended, because closing a lake still needs them: plain atexit comes too
# late, and of these hooks the last one registered runs first.
import_module("concurrent.futures.thread")
getattr(threading, "_register_atexit", atexit.register)(_at_exit)
