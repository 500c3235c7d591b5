"""A thread that waits for many connections at once and runs their exchanges.

It keeps the work for each file off the event loop: receiving, hashing and writing. The thread ends when it has no
exchanges.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from headrace.net.http1.exchange import Exchange
from headrace.threads import in_thread, wait_done

SLOW_SECONDS = 0.002
"""A thread that needs more time than this for each readable connection is waiting for a disk."""

_SAMPLE = 128
"""Number of these times that are averaged, because other processes use the processor too."""


class PollerThread:
    """A poller and its ``exchanges``; ``is_slow`` says that other threads should take new ones.

    ``period`` is the number of seconds between two checks for stalled exchanges.
    """

    def __init__(self, period: float) -> None:
        self.exchanges: set[Exchange] = set()
        self.is_slow = False
        self._period = period
        self._lock = threading.Lock()
        self._new: list[Exchange] = []
        self._wakeup: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._spent = 0.0
        self._handled = 0

    async def run(self, exchange: Exchange) -> None:
        """Run an exchange to its end. A cancellation ends it at once, and waits for that."""
        self.exchanges.add(exchange)
        try:
            self._add(exchange)
            await asyncio.wait([exchange.outcome])
        except asyncio.CancelledError:
            exchange.cancel()
            self._wake()
            await wait_done(exchange.outcome)
            raise
        finally:
            self.exchanges.discard(exchange)
        if exchange.error is not None:
            raise exchange.error

    async def aclose(self) -> None:
        """End all exchanges and wait until the thread has ended."""
        for exchange in self.exchanges:
            exchange.cancel()
        self._wake()
        if self._thread is not None:
            await in_thread(self._thread.join)

    def _add(self, exchange: Exchange) -> None:
        with self._lock:
            self._new.append(exchange)
            if self._wakeup is None:
                self._wakeup, woken = socket.socketpair()
                # A send to a full socket may be dropped: the thread wakes up anyway.
                self._wakeup.setblocking(False)
                loop = asyncio.get_running_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(loop, woken), name="headrace download", daemon=True
                )
                try:
                    self._thread.start()
                except BaseException:
                    woken.close()
                    self._close_wakeup()
                    exchange.connection.close()
                    raise
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._wakeup is not None:
                with contextlib.suppress(BlockingIOError):
                    self._wakeup.send(b"\0")

    def _run(self, loop: asyncio.AbstractEventLoop, wakeup: socket.socket) -> None:
        exchanges: dict[int, Exchange] = {}
        error: Exception | None = None
        with wakeup:
            try:
                with contextlib.closing(_poller()) as poller:
                    self._serve(loop, wakeup, poller, exchanges)
            except Exception as caught:  # noqa: BLE001  raised where the exchanges are awaited
                error = caught
            if error is not None:
                with self._lock:
                    left = [*exchanges.values(), *self._new]
                    self._close_wakeup()
                for exchange in left:
                    exchange.error = error
                    exchange.finish()
                    exchange.connection.close()
                _notify(loop, left)

    def _serve(
        self,
        loop: asyncio.AbstractEventLoop,
        wakeup: socket.socket,
        poller: _Poller,
        exchanges: dict[int, Exchange],
    ) -> None:
        """Run until there is no exchange left."""
        clock = time.monotonic
        wakeup_file = wakeup.fileno()
        poller.register(wakeup_file, READABLE)
        looked = clock()
        while True:
            events = poller.poll(self._period)
            now = clock()
            seen: list[Exchange] = []
            for file, _ in events:
                if file == wakeup_file:
                    wakeup.recv(4096)
                    seen += self._admit(exchanges, poller, now)
                else:
                    exchange = exchanges[file]
                    if not exchange.ended:
                        exchange.on_readable(now)
                    if exchange.ended:
                        seen.append(exchange)
            if now - looked >= self._period:
                looked = now
                seen += exchanges.values()
                for exchange in exchanges.values():
                    if not exchange.ended:
                        exchange.check_stall(now)
            if seen and (ended := {exchange.file: exchange for exchange in seen if exchange.ended}):
                for file, exchange in ended.items():
                    del exchanges[file]
                    poller.unregister(file)
                    if not exchange.usable:
                        exchange.connection.close()
                _notify(loop, list(ended.values()))
                if not exchanges and self._is_finished():
                    return
            self._measure(len(events), clock() - now)

    def _admit(self, exchanges: dict[int, Exchange], poller: _Poller, now: float) -> list[Exchange]:
        """Start new exchanges, end cancelled ones, and return all."""
        with self._lock:
            new, self._new = self._new, []
        for exchange in new:
            exchanges[exchange.file] = exchange
            poller.register(exchange.file, READABLE)
            if not exchange.cancelled:
                exchange.start(now)
        for exchange in exchanges.values():
            if exchange.cancelled and not exchange.ended:
                exchange.finish()
        return list(exchanges.values())

    def _is_finished(self) -> bool:
        with self._lock:
            if self._new:
                return False
            self._close_wakeup()
            return True

    def _close_wakeup(self) -> None:
        self._new.clear()
        if self._wakeup is not None:
            self._wakeup.close()
            self._wakeup = None

    def _measure(self, events: int, seconds: float) -> None:
        self._handled += events
        self._spent += seconds
        if self._handled >= _SAMPLE:
            self.is_slow = self._spent > SLOW_SECONDS * self._handled
            self._handled, self._spent = 0, 0.0


class _Poller(Protocol):
    """The interface of ``select.epoll``."""

    def register(self, file: int, events: int, /) -> None: ...
    def unregister(self, file: int, /) -> None: ...
    def poll(self, seconds: float, /) -> list[tuple[int, int]]: ...
    def close(self) -> None: ...


class _Selector:
    """The same interface on systems without epoll."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, file: int, events: int, /) -> None:
        self._selector.register(file, events)

    def unregister(self, file: int, /) -> None:
        self._selector.unregister(file)

    def close(self) -> None:
        self._selector.close()

    def poll(self, seconds: float, /) -> list[tuple[int, int]]:
        return [(key.fd, events) for key, events in self._selector.select(seconds)]


READABLE = selectors.EVENT_READ


def _poller() -> _Poller:
    epoll: Callable[[], _Poller] | None = getattr(select, "epoll", None)
    return _Selector() if epoll is None else epoll()


def _notify(loop: asyncio.AbstractEventLoop, ended: list[Exchange]) -> None:
    # Nothing waits on a closed loop.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_set_outcomes, ended)


def _set_outcomes(ended: list[Exchange]) -> None:
    for exchange in ended:
        if not exchange.outcome.done():
            exchange.outcome.set_result(None)
