"""The asyncio event loop that connections belong to."""

from __future__ import annotations

import asyncio

from headrace.errors import EventLoopError


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop. Raises EventLoopError where there is none, for example under trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise EventLoopError(
            "headrace runs on asyncio, and no asyncio event loop is running here",
            hint="run it with asyncio.run, or use headrace.blocking; under trio, use headrace.blocking in"
            " trio.to_thread.run_sync",
        ) from None


class LoopBinding:
    """The event loop that connections were opened in."""

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop = running_loop()

    def has_moved(self) -> bool:
        """Whether the running loop is another one, since that of the connections was closed; then bind to it.

        Raises:
            EventLoopError: The loop of the connections is still in use.
        """
        loop = running_loop()
        if loop is self._loop:
            return False
        if not self._loop.is_closed():
            raise EventLoopError(
                "the client belongs to another event loop, which is still in use",
                hint="open a client in each event loop, or share one from headrace.blocking",
            )
        self._loop = loop
        return True
