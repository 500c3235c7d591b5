"""End the work for a client that has gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from aiohttp import web

T = TypeVar("T")

_LOOK_SECONDS = 0.25


async def while_connected(request: web.Request, work: Callable[[], Awaitable[T]]) -> T:
    """Do work that changes nothing, and cancel it when the client closes its connection.

    Work that writes must not be done this way: its client may have gone after it was done, and before it knew.

    Raises:
        HTTPRequestTimeout: The client has closed its connection, so this answer is not sent.
    """
    done: list[T] = []
    errors: list[Exception] = []

    async def run() -> None:
        # Raised after the group, so that it is not wrapped in an exception group.
        try:
            done.append(await work())
        except Exception as error:  # noqa: BLE001  raised below
            errors.append(error)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        # aiohttp offers only to cancel the handlers of closed connections, including those that write.
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
            await anyio.sleep(_LOOK_SECONDS)
        group.cancel_scope.cancel()
    if errors:
        raise errors[0]
    if not done:
        raise web.HTTPRequestTimeout
    return done[0]
