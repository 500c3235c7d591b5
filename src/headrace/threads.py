"""Blocking work off the event loop, waited for to its end even when the waiter is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")


async def wait_done(future: asyncio.Future[T]) -> T:
    """Wait for a future to the end, whatever happens to the waiter; a cancellation is raised after that."""
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        future.exception()
        raise cancelled
    return future.result()


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``function`` on a thread. It is never left running behind: a cancellation waits for its end."""
    loop = asyncio.get_running_loop()
    return await wait_done(loop.run_in_executor(None, lambda: function(*args, **kwargs)))
