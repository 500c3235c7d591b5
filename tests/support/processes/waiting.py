"""Waiting for what rings no bell: files, processes, sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(
    holds: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 20
) -> None:
    """Look again and again until something holds; ``TimeoutError`` after ``seconds``."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if found is True or (not isinstance(found, bool) and await found):
                return
            await asyncio.sleep(0.01)
