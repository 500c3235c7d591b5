"""Parse chunks of files in worker processes: the pool's side, and the job that each worker does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from headrace import formats
from headrace.engine.convert.workers.messages import WorkerReply
from headrace.engine.convert.workers.process import WorkerPool, WorkerProcess
from headrace.engine.convert.workers.sample_codec import (
    PackedChunk,
    pack,
    pack_chunk,
    unpack,
    unpack_chunk,
)
from headrace.engine.threads import Stop
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Findings, OnError, Pass, PassDelta
from headrace.formats.options import ReadOptions
from headrace.model.sample import Sample

# Chunks in flight per worker: enough that none waits, few enough that memory stays flat.
_AHEAD: Final = 3


class ParallelParser:
    """Parses the chunks of a reader in worker processes and keeps their order."""

    def __init__(self, format: str, workers: int, stop: Stop) -> None:
        self._format = format
        self._workers = workers
        self._stop = stop

    def parsed(self, reader: ChunkedReader, found: Pass) -> Iterator[list[Sample]]:
        """Yield the same batches as the reader itself."""
        policy = reader.findings
        job = ParseJob(
            format=self._format,
            path=reader.path,
            options=reader.options,
            on_error=policy.on_error,
            strict=policy.strict,
            every=policy.on_finding is not None,
        )
        pool = WorkerPool(self._workers, job, self._stop)
        try:
            for worker in pool.workers:
                _merge(pool.reply(worker), found)
            yield from self._batches(reader, found, pool)
        except BaseException:
            pool.kill()
            raise
        pool.end()

    def _batches(
        self, reader: ChunkedReader, found: Pass, pool: WorkerPool
    ) -> Iterator[list[Sample]]:
        feeder = _ChunkFeeder(reader)
        pending: deque[tuple[PassDelta, WorkerProcess]] = deque()
        while True:
            while len(pending) < _AHEAD * self._workers and (worker := feeder.post(pool)):
                pending.append((feeder.noted, worker))
            if not pending:
                break
            noted, worker = pending.popleft()
            found.merge(noted)
            reply = pool.reply(worker)
            _merge(reply, found)
            samples, learned = reply.result
            reader.merge_learned(learned)
            yield unpack(samples)
        found.merge(feeder.noted)
        if feeder.error is not None:
            raise feeder.error


class _ChunkFeeder:
    """Walks over the files ahead of the parsing. Its findings and its error are reported in the source's order."""

    def __init__(self, reader: ChunkedReader) -> None:
        self._notes = reader.findings.deferred("read", every=reader.findings.on_finding is not None)
        self._chunks = reader.chunks(self._notes)
        self._ended = False
        self.noted: PassDelta = self._notes.take()
        self.error: Exception | None = None

    def post(self, pool: WorkerPool) -> WorkerProcess | None:
        """Send the next chunk to a worker and return that worker; None if there are no more chunks."""
        if self._ended:
            return None
        chunk = None
        try:
            chunk = next(self._chunks, None)
        except Exception as error:  # noqa: BLE001  raised after all chunks before it
            self.error = error
        self.noted = self._notes.take()
        if chunk is None:
            self._ended = True
            return None
        worker = pool.least_busy()
        worker.post(pack_chunk(chunk))
        return worker


def _merge(reply: WorkerReply, found: Pass) -> None:
    """Add a reply's findings to ``found``, and raise its error."""
    if reply.noted is not None:
        found.merge(reply.noted)
    if reply.error is not None:
        raise reply.error


class ParseJob(Struct, frozen=True, kw_only=True):
    """The job to parse chunks of a source. ``every``: report every single finding, for a listener."""

    format: str
    path: Path
    options: ReadOptions
    on_error: OnError
    strict: bool
    every: bool

    def begin(self) -> _Parser:
        """Open the source."""
        return _Parser(self)


class _Parser:
    def __init__(self, job: ParseJob) -> None:
        findings = Findings(job.on_error, strict=job.strict)
        self._notes = findings.deferred("read", every=job.every)
        reader = formats.get(job.format).open(job.path, options=job.options, findings=findings)
        assert isinstance(reader, ChunkedReader)
        self._reader = reader
        reader.__enter__()
        reader.begin_parsing(self._notes)
        # The main process opened the source too and has these findings already.
        self._notes.take()

    def do(self, message: PackedChunk) -> tuple[bytes, Any]:
        """Parse a chunk; return the packed samples, and what the reader learned for later chunks."""
        samples = self._reader.parse(unpack_chunk(message), self._notes)
        return pack(samples), self._reader.take_learned()

    def noted(self) -> PassDelta:
        return self._notes.take()
