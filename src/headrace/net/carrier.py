"""A thread that brings small files: it waits for many connections at once, and each file is taken on the spot.

That spares the event loop all that is done for each file. The thread lives as long as it has lanes.
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

from headrace.net.lane import Lane
from headrace.threads import in_thread, settled

SLOW_SECONDS = 0.001
"""A carrier whose lanes take it more time than that whenever there is something to be read waits for a disk."""

_SAMPLE = 32


class Carrier:
    """``lanes`` are those that it has; ``is_slow`` says that others should have the next ones.

    ``period`` seconds lie between two looks for silent lanes.
    """

    def __init__(self, period: float) -> None:
        self.lanes = 0
        self.is_slow = False
        self._period = period
        self._lock = threading.Lock()
        self._new: list[Lane] = []
        self._bell: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._spent = 0.0
        self._handled = 0

    async def carry(self, lane: Lane) -> None:
        """Bring a lane to its end. A cancellation ends it at once, and waits for that."""
        self.lanes += 1
        try:
            self._add(lane)
            await asyncio.wait([lane.outcome])
        except asyncio.CancelledError:
            lane.cancel()
            self._ring()
            await settled(lane.outcome)
            raise
        finally:
            self.lanes -= 1
        if lane.error is not None:
            raise lane.error

    async def aclose(self) -> None:
        """Wait until the thread is gone; there are no lanes any more."""
        if self._thread is not None:
            await in_thread(self._thread.join)

    def _add(self, lane: Lane) -> None:
        with self._lock:
            self._new.append(lane)
            if self._bell is None:
                self._bell, heard = socket.socketpair()
                loop = asyncio.get_running_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(loop, heard), name="headrace carrier", daemon=True
                )
                self._thread.start()
        self._ring()

    def _ring(self) -> None:
        with self._lock:
            if self._bell is not None:
                self._bell.send(b"\0")

    def _run(self, loop: asyncio.AbstractEventLoop, bell: socket.socket) -> None:
        lanes: dict[int, Lane] = {}
        error: Exception | None = None
        with bell, contextlib.closing(_poller()) as poller:
            try:
                self._serve(loop, bell, poller, lanes)
            except Exception as caught:  # noqa: BLE001  it is raised where the lanes are waited for
                error = caught
            if error is not None:
                with self._lock:
                    left = [*lanes.values(), *self._new]
                    self._silence()
                for lane in left:
                    lane.error = error
                    lane.end()
                    lane.connection.close()
                _tell(loop, left)

    def _serve(
        self,
        loop: asyncio.AbstractEventLoop,
        bell: socket.socket,
        poller: _Poller,
        lanes: dict[int, Lane],
    ) -> None:
        """Until there is no lane left."""
        clock = time.monotonic
        bell_file = bell.fileno()
        poller.register(bell_file, READABLE)
        looked = clock()
        while True:
            events = poller.poll(self._period)
            now = clock()
            seen: list[Lane] = []
            for file, _ in events:
                if file == bell_file:
                    bell.recv(4096)
                    seen += self._welcomed(lanes, poller, now)
                else:
                    lane = lanes[file]
                    lane.ready(now)
                    if lane.ended:
                        seen.append(lane)
            if now - looked >= self._period:
                looked = now
                seen += lanes.values()
                for lane in lanes.values():
                    if not lane.ended:
                        lane.look(now)
            if seen:
                ended = {lane.connection.file: lane for lane in seen if lane.ended}
                for file, lane in ended.items():
                    del lanes[file]
                    poller.unregister(file)
                    if not lane.usable:
                        lane.connection.close()
                _tell(loop, list(ended.values()))
                if not lanes and self._is_over():
                    return
            self._measure(len(events), clock() - now)

    def _welcomed(self, lanes: dict[int, Lane], poller: _Poller, now: float) -> list[Lane]:
        """All lanes, once the new ones have begun and those that nobody wants any more have ended."""
        with self._lock:
            new, self._new = self._new, []
        for lane in new:
            lanes[lane.connection.file] = lane
            poller.register(lane.connection.file, READABLE)
            if not lane.cancelled:
                lane.begin(now)
        for lane in lanes.values():
            if lane.cancelled and not lane.ended:
                lane.end()
        return list(lanes.values())

    def _is_over(self) -> bool:
        with self._lock:
            if self._new:
                return False
            self._silence()
            return True

    def _silence(self) -> None:
        self._new.clear()
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    def _measure(self, events: int, seconds: float) -> None:
        self._handled += events
        self._spent += seconds
        if self._handled >= _SAMPLE:
            self.is_slow = self._spent > SLOW_SECONDS * self._handled
            self._handled, self._spent = 0, 0.0


class _Poller(Protocol):
    """What ``select.epoll`` does."""

    def register(self, file: int, events: int, /) -> None: ...
    def unregister(self, file: int, /) -> None: ...
    def poll(self, seconds: float, /) -> list[tuple[int, int]]: ...
    def close(self) -> None: ...


class _Selector:
    """The same where there is no epoll."""

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


def _tell(loop: asyncio.AbstractEventLoop, ended: list[Lane]) -> None:
    # A loop that is closed has nobody who waits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_told, ended)


def _told(ended: list[Lane]) -> None:
    for lane in ended:
        if not lane.outcome.done():
            lane.outcome.set_result(None)
