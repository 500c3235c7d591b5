"""Work that outlives the call that began it, but never the platform."""

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
    """One task group in a task of its own, so that it may be closed from any task."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self._group: TaskGroup | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Be ready for work."""
        ready = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep(ready), name="headrace-background")
        await ready.wait()

    async def aclose(self) -> None:
        """Stop what runs (it must be able to go on after the next open) and wait for its end."""
        self._stop.set()
        if self._keeper is not None:
            await asyncio.wait([self._keeper])

    def start(
        self, function: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Run ``function`` beside the calls. Its failure is logged and harms nothing else."""
        if self._group is not None and not self._stop.is_set():
            self._group.start_soon(
                self._guarded, lambda: function(*args, **kwargs), function.__name__
            )

    async def _keep(self, ready: asyncio.Event) -> None:
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
            # A fault of our own in one piece of work must not end the others.
            logger.exception("background work %s failed", name)
