"""What workers do of a conversion: the parsing of many files, or the writing beside the reading."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headrace.engine.convert.workers.create_files import Files, Filing
from headrace.engine.convert.workers.messages import Answer
from headrace.engine.convert.workers.parse import Parsing
from headrace.engine.convert.workers.process import Crew, WorkerProcess
from headrace.engine.convert.workers.sample_codec import pack_chunk, unpack
from headrace.engine.threads import Stop
from headrace.errors import ConfigurationError
from headrace.formats.base import Reader, Writer
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Pass, PassDelta
from headrace.model.sample import Sample

# So much is under way with each worker: enough that none waits, little enough that memory stays flat.
_AHEAD: Final = 3
# Starting processes costs some tenths of a second: smaller sources are converted sooner without.
_LEAST_FILES: Final = 4000
# Bytes of one message (smaller ones wake the worker so often that it costs more than it does), what a file counts for
# beside its content, and messages under way.
_PIECE: Final = 256 * 1024
_PER_FILE: Final = 64
_FILES_AHEAD: Final = 8
# After so many names that came again, each of which had to wait, files are created here.
_PATIENCE: Final = 1000


def worker_count(asked: int | None) -> int:
    """How many workers to have where they pay: as many as asked for, else one a processor.

    Raises :class:`~headrace.errors.ConfigurationError` for a number below 1.
    """
    if asked is not None and asked < 1:
        raise ConfigurationError(f"{asked} workers", hint="give 1 or more")
    if sys.platform == "win32" or not sys.executable or getattr(sys, "frozen", False):
        return 1  # no Python to start, or no way to hand it our handles
    if "python" not in Path(sys.executable).name.lower():
        return 1  # a program that only holds a Python
    return _processors() if asked is None else asked


def _processors() -> int:
    # Those that this process may use, where the system tells.
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _has_many_files(source: Path) -> bool:
    left = _LEAST_FILES
    for _, _, files in os.walk(source):
        left -= len(files)
        if left <= 0:
            return True
    return False


def share(reader: Reader, writer: Writer, format: str, workers: int | None, stop: Stop) -> None:
    """Have workers parse a source of many files, or else create the files of the target where they are many and small.

    ``workers`` above 1 has them for others too. Raises as :func:`worker_count` does.
    """
    count = worker_count(workers)
    if count < 2:
        return
    if isinstance(reader, ChunkedReader):
        if workers or _has_many_files(reader.path):
            reader.parallel_parse = _Parsers(format, count, stop).parsed
    elif writer.info.layout == "folder" and (workers or writer.small_files):
        writer.file_sink = _FilesElsewhere(stop, 0 if workers else _LEAST_FILES)


class _Parsers:
    """Parses the chunks of a reader in worker processes; batches come in the order of the chunks."""

    def __init__(self, format: str, workers: int, stop: Stop) -> None:
        self._format = format
        self._workers = workers
        self._stop = stop

    def parsed(self, reader: ChunkedReader, found: Pass) -> Iterator[list[Sample]]:
        """The batches, as the reader itself would make them."""
        policy = reader.findings
        job = Parsing(
            format=self._format,
            path=reader.path,
            options=reader.options,
            on_error=policy.on_error,
            strict=policy.strict,
            every=policy.on_finding is not None,
        )
        crew = Crew(self._workers, job, self._stop)
        try:
            for worker in crew.workers:
                _settle(crew.answer(worker), found)
            yield from self._batches(reader, found, crew)
        except BaseException:
            crew.kill()
            raise
        crew.end()

    def _batches(self, reader: ChunkedReader, found: Pass, crew: Crew) -> Iterator[list[Sample]]:
        walk = _Walk(reader)
        pending: deque[tuple[PassDelta, WorkerProcess]] = deque()
        while True:
            while len(pending) < _AHEAD * self._workers and (worker := walk.post(crew)):
                pending.append((walk.noted, worker))
            if not pending:
                break
            noted, worker = pending.popleft()
            found.merge(noted)
            answer = crew.answer(worker)
            _settle(answer, found)
            samples, learned = answer.made
            reader.merge_learned(learned)
            yield unpack(samples)
        found.merge(walk.noted)
        if walk.error is not None:
            raise walk.error


class _Walk:
    """The walk over the files, ahead of the parsing; what it finds is told in its turn, and so is its end."""

    def __init__(self, reader: ChunkedReader) -> None:
        self._notes = reader.findings.deferred("read", every=reader.findings.on_finding is not None)
        self._chunks = reader.chunks(self._notes)
        self._ended = False
        self.noted: PassDelta = self._notes.take()
        self.error: Exception | None = None

    def post(self, crew: Crew) -> WorkerProcess | None:
        """Give the next chunk to a worker; None where there is none."""
        if self._ended:
            return None
        chunk = None
        try:
            chunk = next(self._chunks, None)
        except Exception as error:  # noqa: BLE001  raised when all before it is done
            self.error = error
        self.noted = self._notes.take()
        if chunk is None:
            self._ended = True
            return None
        worker = crew.idlest()
        worker.post(pack_chunk(chunk))
        return worker


class _FilesElsewhere:
    """Has a worker process create the files of a writer; it starts after ``first`` files, which are left to the writer.

    One process creates all, in order.
    """

    def __init__(self, stop: Stop, first: int) -> None:
        self._stop = stop
        self._first = first
        self._waits = 0
        self._files: Files = ([], [], [])
        self._size = 0
        self._crew: Crew | None = None
        self._failed = False

    def start(self, root: Path, lock: int) -> None:
        """Begin below ``root``, under the lock of its target."""
        self._root = root
        self._lock = lock

    def put(self, folder: str, name: str, content: bytes) -> bool:
        """Take over a file, to be created later; raises what an earlier one could not do."""
        if self._first > 0:
            self._first -= 1
            return False
        if self._waits >= _PATIENCE:
            return False
        if self._crew is None:
            self._crew = self._begun()
        folders, names, contents = self._files
        folders.append(folder)
        names.append(name)
        contents.append(content)
        self._size += _PER_FILE + len(content)
        if self._size >= _PIECE:
            self._send()
        return True

    def flush(self) -> None:
        """Wait for all files so far, and raise what of them could not be done, unless that was raised before."""
        if self._failed:
            return
        if self._size:
            self._send()
        if self._crew is not None and self._crew.workers[0].asked:
            self._waits += 1
            self._wait(0)

    def end(self) -> None:
        """Settle, and end the process."""
        self.flush()
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.end()

    def abandon(self) -> None:
        """End the process, whatever it does."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.kill()

    def _send(self) -> None:
        self._wait(_FILES_AHEAD - 1)
        assert self._crew is not None
        self._crew.workers[0].post(self._files)
        self._files = ([], [], [])
        self._size = 0

    def _begun(self) -> Crew:
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            job = Filing(handle=handle, root=str(self._root))
            # While the worker lives, nobody else may write there, even where this process was killed.
            return Crew(1, job, self._stop, keep=[self._lock, handle])
        finally:
            os.close(handle)

    def _wait(self, left: int) -> None:
        assert self._crew is not None
        worker = self._crew.workers[0]
        while worker.asked > left:
            # Only the first failure counts, as where nothing goes on after it.
            self._failed = True
            answer = self._crew.answer(worker)
            if answer.error is not None:
                raise answer.error
            self._failed = False


def _settle(answer: Answer, found: Pass) -> None:
    if answer.noted is not None:
        found.merge(answer.noted)
    if answer.error is not None:
        raise answer.error
