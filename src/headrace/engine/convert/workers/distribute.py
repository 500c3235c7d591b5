"""Decide which part of a conversion runs in worker processes: the parsing of many files, or the creation of many."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headrace.engine.convert.workers.create_files import CreateFilesJob, Files
from headrace.engine.convert.workers.messages import WorkerReply
from headrace.engine.convert.workers.parse import ParseJob
from headrace.engine.convert.workers.process import WorkerPool, WorkerProcess
from headrace.engine.convert.workers.sample_codec import pack_chunk, unpack
from headrace.engine.threads import Stop
from headrace.errors import ConfigurationError
from headrace.formats.base import Reader, Writer
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Pass, PassDelta
from headrace.model.sample import Sample
from headrace.subprocesses.slots import processors

# Chunks in flight per worker: enough that none waits, few enough that memory stays flat.
_CHUNKS_IN_FLIGHT: Final = 3
# Starting processes takes some tenths of a second: with fewer files a single process is faster.
_MIN_FILES: Final = 4000
# Bytes of one message: smaller ones wake the worker so often that this costs more than its work.
_MESSAGE_BYTES: Final = 256 * 1024
# What a file adds to the size of a message beside its content, in bytes.
_FILE_OVERHEAD: Final = 64
_MAX_MESSAGES_IN_FLIGHT: Final = 8
# After this many waits for a repeated file name, files are created in this process.
_MAX_WAITS: Final = 1000


def worker_count(asked: int | None) -> int:
    """Return the number of workers to use: ``asked``, or one per processor by default.

    Returns 1 where worker processes cannot be started. Raises :class:`~headrace.errors.ConfigurationError` for a
    number below 1.
    """
    if asked is not None and asked < 1:
        raise ConfigurationError(f"workers={asked} is too small", hint="give at least 1")
    if sys.platform == "win32" or not sys.executable or getattr(sys, "frozen", False):
        return 1  # no Python to start, or no way to pass it file descriptors
    if "python" not in Path(sys.executable).name.lower():
        return 1  # a program that embeds Python
    return processors() if asked is None else asked


def _has_many_files(source: Path) -> bool:
    left = _MIN_FILES
    for _, _, files in os.walk(source):
        left -= len(files)
        if left <= 0:
            return True
    return False


def distribute(
    reader: Reader, writer: Writer, format: str, workers: int | None, stop: Stop
) -> None:
    """Let workers parse a source of many files, or create the files of a target that has many small ones.

    With ``workers`` above 1, also where there are few files. Raises like :func:`worker_count`.
    """
    count = worker_count(workers)
    if count < 2:
        return
    if isinstance(reader, ChunkedReader):
        if workers or _has_many_files(reader.path):
            reader.parallel_parse = _ParallelParser(format, count, stop).parsed
    elif writer.layout == "folder" and (workers or writer.small_files):
        writer.file_sink = _ProcessFileCreator(stop, 0 if workers else _MIN_FILES)


class _ParallelParser:
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
            while len(pending) < _CHUNKS_IN_FLIGHT * self._workers and (
                worker := feeder.post(pool)
            ):
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


class _ProcessFileCreator:
    """Creates the files of a writer in one worker process, in order.

    The writer itself creates the ``first`` files; the process is started after them.
    """

    def __init__(self, stop: Stop, first: int) -> None:
        self._stop = stop
        self._first = first
        self._waits = 0
        self._files: Files = ([], [], [])
        self._size = 0
        self._pool: WorkerPool | None = None
        self._failed = False

    def start(self, root: Path, lock: int) -> None:
        """Set the folder ``root`` below which files are created, and the descriptor of its target's lock."""
        self._root = root
        self._lock = lock

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Queue a file for creation; False leaves it to the writer. Raises the failure of an earlier file."""
        if self._first > 0:
            self._first -= 1
            return False
        if self._waits >= _MAX_WAITS:
            return False
        if self._pool is None:
            self._pool = self._start_pool()
        folders, names, contents = self._files
        folders.append(folder)
        names.append(name)
        contents.append(content)
        self._size += _FILE_OVERHEAD + len(content)
        if self._size >= _MESSAGE_BYTES:
            self._send()
        return True

    def flush(self) -> None:
        """Wait for all files so far, and raise the first failure unless it was raised before."""
        if self._failed:
            return
        if self._size:
            self._send()
        if self._pool is not None and self._pool.workers[0].pending:
            self._waits += 1
            self._wait(0)

    def end(self) -> None:
        """Wait for all files, and end the process."""
        self.flush()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end()

    def abandon(self) -> None:
        """Kill the process."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.kill()

    def _send(self) -> None:
        self._wait(_MAX_MESSAGES_IN_FLIGHT - 1)
        assert self._pool is not None
        self._pool.workers[0].post(self._files)
        self._files = ([], [], [])
        self._size = 0

    def _start_pool(self) -> WorkerPool:
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            job = CreateFilesJob(handle=handle, root=str(self._root))
            # The worker holds the lock too: it stays taken while the worker lives, even if this process is killed.
            return WorkerPool(1, job, self._stop, keep=[self._lock, handle])
        finally:
            os.close(handle)

    def _wait(self, left: int) -> None:
        assert self._pool is not None
        worker = self._pool.workers[0]
        while worker.pending > left:
            # Only the first failure is raised, as in a single process, which stops there.
            self._failed = True
            reply = self._pool.reply(worker)
            if reply.error is not None:
                raise reply.error
            self._failed = False
