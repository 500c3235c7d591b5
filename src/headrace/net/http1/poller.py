"""A thread that brings files: it waits for many connections at once, and what comes is taken on the spot.

That spares the event loop all that is done for each file. The thread lives as long as it has trips.
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

from headrace.net.http1.exchange import Trip
from headrace.threads import in_thread, settled

SLOW_SECONDS = 0.002
"""A carrier whose trips take it more time than that whenever there is something to be read waits for a disk."""

_SAMPLE = 128
"""So many of these times are looked at together: others have the processor now and then."""


class Carrier:
    """``trips`` are those that it has; ``is_slow`` says that others should have the next ones.

    ``period`` seconds lie between two looks for silent trips.
    """

    def __init__(self, period: float) -> None:
        self.trips = 0
        self.is_slow = False
        self._period = period
        self._lock = threading.Lock()
        self._new: list[Trip] = []
        self._bell: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._spent = 0.0
        self._handled = 0

    async def carry(self, trip: Trip) -> None:
        """Bring a trip to its end. A cancellation ends it at once, and waits for that."""
        self.trips += 1
        try:
            self._add(trip)
            await asyncio.wait([trip.outcome])
        except asyncio.CancelledError:
            trip.cancel()
            self._ring()
            await settled(trip.outcome)
            raise
        finally:
            self.trips -= 1
        if trip.error is not None:
            raise trip.error

    async def aclose(self) -> None:
        """Wait until the thread is gone; there are no trips any more."""
        if self._thread is not None:
            await in_thread(self._thread.join)

    def _add(self, trip: Trip) -> None:
        with self._lock:
            self._new.append(trip)
            if self._bell is None:
                self._bell, heard = socket.socketpair()
                # Where it has been rung so often that there is no room, it will be heard.
                self._bell.setblocking(False)
                loop = asyncio.get_running_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(loop, heard), name="headrace carrier", daemon=True
                )
                try:
                    self._thread.start()
                except BaseException:
                    heard.close()
                    self._silence()
                    trip.close()
                    raise
        self._ring()

    def _ring(self) -> None:
        with self._lock:
            if self._bell is not None:
                with contextlib.suppress(BlockingIOError):
                    self._bell.send(b"\0")

    def _run(self, loop: asyncio.AbstractEventLoop, bell: socket.socket) -> None:
        trips: dict[int, Trip] = {}
        error: Exception | None = None
        with bell:
            try:
                with contextlib.closing(_poller()) as poller:
                    self._serve(loop, bell, poller, trips)
            except Exception as caught:  # noqa: BLE001  it is raised where the trips are waited for
                error = caught
            if error is not None:
                with self._lock:
                    left = [*trips.values(), *self._new]
                    self._silence()
                for trip in left:
                    trip.error = error
                    trip.end()
                    trip.close()
                _tell(loop, left)

    def _serve(
        self,
        loop: asyncio.AbstractEventLoop,
        bell: socket.socket,
        poller: _Poller,
        trips: dict[int, Trip],
    ) -> None:
        """Until there is no trip left."""
        clock = time.monotonic
        bell_file = bell.fileno()
        poller.register(bell_file, READABLE)
        looked = clock()
        while True:
            events = poller.poll(self._period)
            now = clock()
            seen: list[Trip] = []
            for file, _ in events:
                if file == bell_file:
                    bell.recv(4096)
                    seen += self._welcomed(trips, poller, now)
                else:
                    trip = trips[file]
                    if not trip.ended:
                        trip.ready(now)
                    if trip.ended:
                        seen.append(trip)
            if now - looked >= self._period:
                looked = now
                seen += trips.values()
                for trip in trips.values():
                    if not trip.ended:
                        trip.look(now)
            if seen and (ended := {trip.file: trip for trip in seen if trip.ended}):
                for file, trip in ended.items():
                    del trips[file]
                    poller.unregister(file)
                    if not trip.usable:
                        trip.close()
                _tell(loop, list(ended.values()))
                if not trips and self._is_over():
                    return
            self._measure(len(events), clock() - now)

    def _welcomed(self, trips: dict[int, Trip], poller: _Poller, now: float) -> list[Trip]:
        """All trips, once the new ones have begun and those that nobody wants any more have ended."""
        with self._lock:
            new, self._new = self._new, []
        for trip in new:
            trips[trip.file] = trip
            poller.register(trip.file, READABLE)
            if not trip.cancelled:
                trip.begin(now)
        for trip in trips.values():
            if trip.cancelled and not trip.ended:
                trip.end()
        return list(trips.values())

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


def _tell(loop: asyncio.AbstractEventLoop, ended: list[Trip]) -> None:
    # A loop that is closed has nobody who waits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_told, ended)


def _told(ended: list[Trip]) -> None:
    for trip in ended:
        if not trip.outcome.done():
            trip.outcome.set_result(None)
