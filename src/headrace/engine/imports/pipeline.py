"""Send the chunks of a source: one thread reads them, several tasks send them."""

from __future__ import annotations

from contextlib import aclosing

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from headrace.backend.base import Backend
from headrace.engine.imports.chunks import ImportChunk
from headrace.engine.imports.plan import ChunkPlanner
from headrace.engine.imports.send import ChunkSender
from headrace.engine.imports.source import iterate_in_thread
from headrace.engine.imports.spool import ChunkSpool
from headrace.tasks import first_error
from headrace.transfer.progress import Progress

WORKERS = 4
ASSETS_IN_FLIGHT = 1_000
"""Assets in all concurrent calls together. More gain nothing, since Python builds one chunk at a time, and hold tens
of MiB."""


async def send_all(
    spool: ChunkSpool, sender: ChunkSender | ChunkPlanner, backend: Backend, progress: Progress
) -> None:
    """Send the chunks of a source, several at a time. The first error ends all."""
    limits = backend.limits
    workers = min(WORKERS, limits.concurrency, max(2, ASSETS_IN_FLIGHT // limits.import_assets))
    send, receive = anyio.create_memory_object_stream[ImportChunk](0)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_read, spool, send)
            for _ in range(workers):
                group.start_soon(_work, receive.clone(), sender, progress)
            receive.close()
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None


async def _read(spool: ChunkSpool, send: MemoryObjectSendStream[ImportChunk]) -> None:
    async with send, aclosing(iterate_in_thread(spool.chunks)) as chunks_in_order:
        async for chunk in chunks_in_order:
            await send.send(chunk)


async def _work(
    receive: MemoryObjectReceiveStream[ImportChunk],
    sender: ChunkSender | ChunkPlanner,
    progress: Progress,
) -> None:
    async with receive:
        async for chunk in receive:
            await sender.send(chunk)
            progress.add(len(chunk.images))
