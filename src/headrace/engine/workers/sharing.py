"""What workers do of a conversion: the parsing of many files, or the writing beside the reading."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from headrace.engine.threads import Stop
from headrace.engine.workers.messages import Answer, Parsing, Writing
from headrace.engine.workers.packing import pack, pack_chunk, unpack
from headrace.engine.workers.process import Crew, WorkerProcess
from headrace.errors import ConfigurationError
from headrace.formats.base import Reader, Writer
from headrace.formats.chunked import ChunkedReader
from headrace.formats.findings import Noted, Pass
from headrace.model.sample import LabelInfo, Sample

# So much is under way with each worker: enough that none waits, little enough that memory stays flat.
_AHEAD: Final = 3
# Starting processes costs some tenths of a second: smaller sources are converted sooner without.
_LEAST_FILES: Final = 4000


def worker_count(asked: int | None, source: Path) -> int:
    """How many workers to have: as many as asked for; else one a processor where there are many files to parse, or one.

    For a file that is read here a worker could only write, and that takes no less time: handing it the samples costs
    what writing them does (``bench/run formats/coco-yolo``).

    Raises :class:`~headrace.errors.ConfigurationError` for a number below 1.
    """
    if asked is not None and asked < 1:
        raise ConfigurationError(f"{asked} workers", hint="give 1 or more")
    if sys.platform == "win32" or not sys.executable or getattr(sys, "frozen", False):
        return 1  # no Python to start, or no way to hand it our handles
    if "python" not in Path(sys.executable).name.lower():
        return 1  # a program that only holds a Python
    if asked is not None:
        return asked
    return len(os.sched_getaffinity(0)) if _has_many_files(source) else 1


def _has_many_files(source: Path) -> bool:
    left = _LEAST_FILES
    for _, _, files in os.walk(source):
        left -= len(files)
        if left <= 0:
            return True
    return False


def share(
    reader: Reader, writer: Writer, format: str, target: str, workers: int, stop: Stop
) -> None:
    """Have workers parse the source where it is many files, else write the target where that is."""
    if workers < 2:
        return
    if isinstance(reader, ChunkedReader):
        reader.elsewhere = _Parsers(format, workers, stop).parsed
    elif writer.info.layout == "folder":
        writer.elsewhere = WriterElsewhere(writer, target, stop)


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
        pending: deque[tuple[Noted, WorkerProcess]] = deque()
        while True:
            while len(pending) < _AHEAD * self._workers and (worker := walk.post(crew)):
                pending.append((walk.noted, worker))
            if not pending:
                break
            noted, worker = pending.popleft()
            found.take_over(noted)
            answer = crew.answer(worker)
            _settle(answer, found)
            reader.learn(answer.learnt)
            yield unpack(answer.samples)
        found.take_over(walk.noted)
        if walk.error is not None:
            raise walk.error


class _Walk:
    """The walk over the files, ahead of the parsing; what it finds is told in its turn, and so is its end."""

    def __init__(self, reader: ChunkedReader) -> None:
        self._notes = reader.findings.notes("read", every=reader.findings.on_finding is not None)
        self._chunks = reader.chunks(self._notes)
        self._ended = False
        self.noted: Noted = self._notes.take()
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


class WriterElsewhere:
    """Writes for a writer in a worker process, while the next samples are read here.

    One process writes everything, in order, so that it writes what the writer itself would have written.
    """

    def __init__(self, writer: Writer, format: str, stop: Stop) -> None:
        self._writer = writer
        self._format = format
        self._stop = stop
        self._crew: Crew | None = None
        self._failed = False

    def start(self, temp: Path) -> None:
        """Begin to write at ``temp``."""
        writer, policy = self._writer, self._writer.findings
        job = Writing(
            format=self._format,
            temp=temp,
            labels=list(writer.labels.values()),
            options=writer.options,
            on_error=policy.on_error,
            strict=policy.strict,
            every=policy.on_finding is not None,
        )
        # While the worker lives, nobody else may write there, even where this process was killed.
        self._crew = Crew(1, job, self._stop, keep=[writer.lock])
        self.settle()

    def add_label(self, label: LabelInfo) -> None:
        """Declare a label, after the samples so far."""
        if self._crew is not None:
            self._post(label)

    def put(self, samples: Sequence[Sample]) -> None:
        """Write a batch, later; raises what an earlier batch could not do."""
        self._post(pack(samples))

    def settle(self) -> None:
        """Wait for everything so far, and raise what of it could not be done, unless that was raised before."""
        if not self._failed:
            self._wait(0)

    def complete(self) -> None:
        """Complete what is there, and end the process."""
        self._post(None)
        self.settle()
        self.abandon()

    def abandon(self) -> None:
        """End the process, whatever it does."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.kill()

    def _post(self, message: object) -> None:
        self._wait(_AHEAD - 1)
        assert self._crew is not None
        self._crew.workers[0].post(message)

    def _wait(self, left: int) -> None:
        assert self._crew is not None
        worker = self._crew.workers[0]
        while worker.asked > left:
            # Only the first failure counts, as where nothing goes on after it.
            self._failed = True
            _settle(self._crew.answer(worker), self._writer.found)
            self._failed = False


def _settle(answer: Answer, found: Pass) -> None:
    found.take_over(answer.noted)
    if answer.error is not None:
        raise answer.error
