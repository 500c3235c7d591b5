"""What a poller thread brings over one socket."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod


class Exchange(ABC):
    """Begun, called whenever its socket can be read, looked at now and then, until it has ended.

    All methods but :meth:`cancel` are for the poller thread. ``outcome`` is the event loop's: it is done when the
    exchange has ended, with ``error`` if anything went wrong that is no fault of the other side. ``usable`` says that the
    socket is good for more; else it is closed.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: Exception | None = None
        self.ended = False
        self.usable = False
        self.cancelled = False

    @abstractmethod
    def start(self, now: float) -> None:
        """It is the thread's now; ``now`` is the system's monotonic clock."""

    @abstractmethod
    def on_readable(self, now: float) -> None:
        """There is something to be read, or the connection has ended."""

    @abstractmethod
    def check_stall(self, now: float) -> None:
        """End it where the other side has said too little for too long."""

    @abstractmethod
    def close(self) -> None:
        """Close the socket."""

    def cancel(self) -> None:
        """Nobody wants it any more: it ends as soon as its thread looks. From any thread."""
        self.cancelled = True

    def finish(self, *, usable: bool = False) -> None:
        """Nothing more comes of it; the socket is the thread's to close."""
        self.ended = True
        self.usable = usable
