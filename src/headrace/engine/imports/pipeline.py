"""Read, cut and send at the same time: one thread cuts the source into chunks, several tasks send them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct

from headrace.backend.base import Backend, Limits
from headrace.engine.imports.chunks import HEADRACE, PLATFORM, ImportChunk, chunks
from headrace.engine.imports.plan import ChunkPlanner
from headrace.engine.imports.send import ChunkSender
from headrace.engine.imports.source import iterate_in_thread
from headrace.engine.imports.version_type import change_for
from headrace.formats.base import Reader
from headrace.formats.findings.collect import Pass
from headrace.model.enums import InferenceType
from headrace.tasks import first_error
from headrace.transfer.progress import Progress

WORKERS = 4
ASSETS_IN_FLIGHT = 1_000
"""Assets in all concurrent calls together. More gain nothing, since Python builds one chunk at a time, and hold tens
of MiB."""


class Chunker(Struct, frozen=True):
    """Cuts a source into chunks, for a version of a given type."""

    reader: Reader
    losses: Pass
    type: InferenceType
    limits: Limits

    def chunks(self) -> Iterator[ImportChunk]:
        """Read the source and yield its chunks."""
        return chunks(
            self.reader,
            self.losses,
            images=self.limits.import_assets,
            says=HEADRACE if self.limits.extensions else PLATFORM,
            change=change_for(self.type),
        )


async def send_all(
    chunker: Chunker, sender: ChunkSender | ChunkPlanner, backend: Backend, progress: Progress
) -> None:
    """Cut a source into chunks and send them, several at a time. The first error ends all."""
    limits = backend.limits
    workers = min(WORKERS, limits.concurrency, max(2, ASSETS_IN_FLIGHT // limits.import_assets))
    send, receive = anyio.create_memory_object_stream[ImportChunk](0)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_read, chunker, send)
            for _ in range(workers):
                group.start_soon(_work, receive.clone(), sender, progress)
            receive.close()
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None


async def _read(chunker: Chunker, send: MemoryObjectSendStream[ImportChunk]) -> None:
    async with send, aclosing(iterate_in_thread(chunker.chunks)) as chunks_in_order:
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
            progress.add(len(chunk.samples))
