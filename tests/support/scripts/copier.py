"""Copy a version in small batches, from a process of its own, which a test kills."""

from __future__ import annotations

import asyncio

import headrace
from headrace.engine.copy import annotations, run


def copy_in_small_batches(source: str, name: str, target: str, token: str | None) -> None:
    """Copy ``name`` from the lake ``source`` to ``target``; prints "copied" at the end."""
    run.BATCH_ASSETS = 7
    run.PIECE_ASSETS = annotations.PIECE_ASSETS = 3

    async def copy() -> None:
        async with headrace.connect(target, api_token=token) as client:
            await headrace.copy_version(source, name, client)

    asyncio.run(copy())
    print("copied", flush=True)
