"""Forks of a process that has lakes open.

A forked child inherits the memory of SQLite, and none of the threads. What a thread held at that moment, say the lock of
SQLite's memory allocator, stays locked in the child for ever. And SQLite keeps in memory which locks of a file the process
has; those locks belong to the parent alone, so a child that relied on them would read and write without any
(https://www.sqlite.org/howtocorrupt.html, 2.6).

So a fork waits until the threads of the connections are between two calls and no transaction writes, and a child closes
the inherited connections before it opens its own. Closing only gives up what the child has: the files, and locks that it
does not hold. If a thread does not come to such a point in time, the process is forked all the same, and the child opens no
lake.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import Protocol
from weakref import WeakSet

import apsw

from headrace.errors import ConfigurationError

LONGEST_WAIT = 2.0
"""Seconds that a fork waits at most for calls and transactions to end."""

_PAUSE = 0.001


class Forkable(Protocol):
    """A thread with a connection, as a fork sees it.

    ``running`` is held while the thread is in a call of SQLite, and must be held to use ``connection`` elsewhere.
    """

    running: threading.Lock
    loop: asyncio.AbstractEventLoop

    @property
    def connection(self) -> apsw.Connection | None:
        """The connection, if it is open."""
        ...


class _State:
    """What this process knows of its threads, and of those of its parents.

    ``fork`` is held by a fork, and ``forking`` says so to those who need not ask for it. ``guard`` protects ``threads``.
    """

    def __init__(self) -> None:
        self.fork = threading.Lock()
        self.forking = False
        self.guard = threading.Lock()
        self.threads: WeakSet[Forkable] = WeakSet()
        self.held: list[Forkable] = []
        self.inherited: list[Forkable] = []
        self.busy: list[Forkable] = []


_state = _State()


def register(thread: Forkable) -> None:
    """Make forks wait for a thread; call this before the thread opens its connection."""
    with _state.guard:
        _state.threads.add(thread)


def close_inherited() -> None:
    """Close what this process inherited from its parent; call this before a connection to a lake is opened.

    Raises:
        ConfigurationError: The parent was in the middle of something, so that this process cannot use SQLite.
    """
    if _state.busy:
        raise ConfigurationError(
            "this process was forked while another thread was busy in a lake, and cannot open one",
            hint="start workers by spawn: multiprocessing.set_start_method('spawn')",
        )
    if not _state.inherited:
        return
    with _state.guard:
        while _state.inherited:
            thread = _state.inherited.pop()
            if thread.connection is not None:
                thread.connection.close(True)


def let_pass(connection: apsw.Connection | None) -> None:
    """Let a fork pass that waits for changes to end; a thread calls this between two calls.

    Only what may begin a change waits: an open one goes on to its end, and may need connections that read.
    """
    if not _state.forking:
        return
    if connection is None or not (connection.in_transaction or connection.readonly("main")):
        with _state.fork:
            pass


def _before() -> None:
    _state.fork.acquire()
    _state.forking = True
    deadline = time.monotonic() + LONGEST_WAIT
    while not _hold_all(deadline) and time.monotonic() < deadline:
        _let_go()
        time.sleep(_PAUSE)


def _hold_all(deadline: float) -> bool:
    """Take hold of all threads between two calls; False if the fork is to wait longer."""
    with _state.guard:
        threads = list(_state.threads)
    for thread in threads:
        if thread.running.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _state.held.append(thread)
    here = _running_loop()
    # A change of the event loop that forks would wait for itself.
    changing = any(_changes(thread) and thread.loop is not here for thread in _state.held)
    with _state.guard:
        return not changing and len(_state.held) == len(_state.threads)


def _changes(thread: Forkable) -> bool:
    """Whether a thread that is held has an open transaction that writes."""
    connection = thread.connection
    return connection is not None and connection.txn_state() == apsw.SQLITE_TXN_WRITE


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _let_go() -> None:
    held, _state.held = _state.held, []
    for thread in held:
        thread.running.release()


def _in_parent() -> None:
    _let_go()
    _state.forking = False
    _state.fork.release()


def _in_child() -> None:
    # Another thread of the parent may have held it.
    _state.guard = threading.Lock()
    quiet = [thread for thread in _state.held if not _changes(thread)]
    # All are kept: a connection that is busy must not even be closed as garbage.
    _state.busy.extend(thread for thread in _state.threads if thread not in quiet)
    _state.inherited.extend(quiet)
    _state.threads = WeakSet()
    _in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
