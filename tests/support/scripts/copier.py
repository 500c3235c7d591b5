"""Copy a version, from a process of its own, which a test kills."""

from __future__ import annotations

import asyncio

import headrace
from headrace.engine.copy import annotations, spool, version_copy


def copy_in_small_batches(source: str, name: str, target: str, token: str | None) -> None:
    """Copy ``name`` from the lake ``source`` to ``target``; prints "copied" at the end."""
    version_copy.BATCH_ASSETS = 7
    version_copy.PIECE_ASSETS = annotations.PIECE_ASSETS = 3

    async def copy() -> None:
        async with headrace.connect(target, api_token=token) as client:
            await headrace.copy_version(source, name, client)

    asyncio.run(copy())
    print("copied", flush=True)


def copy_from_server(
    source: str, token: str | None, name: str, target: str, *, large_bytes: int
) -> None:
    """Copy ``name`` from a server to the lake ``target``; files of more than ``large_bytes`` count as large."""
    spool.LARGE_BYTES = large_bytes

    async def copy() -> None:
        async with headrace.connect(source, api_token=token) as client:
            await headrace.copy_version(client, name, target)

    asyncio.run(copy())
