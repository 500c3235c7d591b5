"""Background work: it may outlive the call that started it, but not the platform."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import ParamSpec

import anyio
from anyio.abc import TaskGroup

from headrace.errors import HeadraceError

P = ParamSpec("P")

logger = logging.getLogger("headrace.platform")


class Background:
    """A task group that runs in a separate task, so that any task may close it."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self._group: TaskGroup | None = None
        self._owner: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the task group."""
        ready = asyncio.Event()
        self._owner = asyncio.create_task(self._run(ready), name="headrace-background")
        await ready.wait()

    async def aclose(self) -> None:
        """Cancel all work and wait for its end. The work must be able to resume at the next open."""
        self._stop.set()
        if self._owner is not None:
            await asyncio.wait([self._owner])

    def start(
        self, function: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Run ``function`` in the background. A failure is logged and does not affect other work."""
        if self._group is not None and not self._stop.is_set():
            self._group.start_soon(
                self._guarded, lambda: function(*args, **kwargs), function.__name__
            )

    async def _run(self, ready: asyncio.Event) -> None:
        async with anyio.create_task_group() as group:
            self._group = group
            ready.set()
            await self._stop.wait()
            group.cancel_scope.cancel()

    async def _guarded(self, begin: Callable[[], Awaitable[None]], name: str) -> None:
        try:
            await begin()
        except HeadraceError as error:
            logger.warning("background work %s stopped: %s", name, error)
        except Exception:
            # A bug in one piece of work must not cancel the others.
            logger.exception("background work %s failed", name)
