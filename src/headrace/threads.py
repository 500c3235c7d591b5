"""Run blocking functions on threads, with waits that outlast a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function on a thread of the event loop's executor and return its result.

    The function is never left running: a cancellation waits until it has ended. Cancelling an anyio scope is noticed
    at the caller's next ``await`` and does not discard the result; ``Task.cancel`` raises ``CancelledError`` here.
    """
    loop = asyncio.get_running_loop()
    return await wait_done(loop.run_in_executor(None, lambda: function(*args, **kwargs)))


async def in_thread_if(
    large: bool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a function on a thread if its work is ``large``, else here.

    To hand work of less than a millisecond to a thread takes about as long as the work, and makes a busy server slower.
    """
    if large:
        return await in_thread(function, *args, **kwargs)
    return function(*args, **kwargs)


async def wait_done(future: asyncio.Future[T]) -> T:
    """Wait until a future is done, even if the waiting task is cancelled; raise the cancellation afterwards."""
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
