"""Stopping without breaking anything off: what is under way ends, what comes anew is sent elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anyio
from aiohttp import web

from headrace.errors import UnavailableError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Draining:
    """Counts the requests under way. aiohttp alone would stop reading the bodies that are still arriving."""

    def __init__(self) -> None:
        self._active = 0
        self._stopping = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, or :class:`UnavailableError` once the server is stopping."""
        if self._stopping.is_set():
            raise UnavailableError("the server is stopping", hint="try again in a moment")
        self._active += 1
        self._quiet.clear()
        try:
            response = await handler(request)
            if self._stopping.is_set() and not response.prepared:
                response.force_close()
            return response
        finally:
            self._active -= 1
            if not self._active:
                self._quiet.set()

    async def drain(self, seconds: float) -> None:
        """Take no new request, and wait for those under way, at most so long."""
        self._stopping.set()
        with anyio.move_on_after(seconds):
            await self._quiet.wait()
