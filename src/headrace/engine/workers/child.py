"""The worker's side: it does one job, message by message, until nobody asks any more."""

from __future__ import annotations

import gc
import os
import pickle
import socket
from typing import Any, Protocol

from headrace import formats
from headrace.engine.workers.channel import Channel
from headrace.engine.workers.messages import Answer, Parsing, Writing
from headrace.engine.workers.packing import pack, unpack, unpack_chunk
from headrace.errors import HeadraceError
from headrace.formats.chunked import ChunkedReader
from headrace.formats.findings import Findings, Notes
from headrace.model.sample import LabelInfo


class Job(Protocol):
    """What a worker does with each message."""

    notes: Notes

    def do(self, message: Any) -> tuple[bytes, Any]:
        """Packed samples, and what was learnt."""


class ParsingJob:
    """Parses chunks of files that the other side found."""

    def __init__(self, told: Parsing) -> None:
        findings = Findings(told.on_error, strict=told.strict)
        self.notes = findings.notes("read", every=told.every)
        reader = formats.get(told.format).open(told.path, options=told.options, findings=findings)
        assert isinstance(reader, ChunkedReader)
        self._reader = reader
        reader.__enter__()
        reader.begin_parsing(self.notes)
        # The other side says all this of the source itself.
        self.notes.take()

    def do(self, message: Any) -> tuple[bytes, Any]:
        """Parse a chunk."""
        samples = self._reader.parse(unpack_chunk(message), self.notes)
        return pack(samples), self._reader.learnt()


class WritingJob:
    """Writes samples, and takes in labels, in the order in which they come."""

    def __init__(self, told: Writing) -> None:
        findings = Findings(told.on_error, strict=told.strict)
        self._writer = formats.get(told.format).create(
            told.temp, told.labels, options=told.options, findings=findings
        )
        self.notes = self._writer.found = findings.notes("write", every=told.every)
        self._writer.start(told.temp)

    def do(self, message: Any) -> tuple[bytes, Any]:
        """Write a batch, add a label, or finish where the message is None."""
        if isinstance(message, bytes):
            self._writer.put(unpack(message))
        elif isinstance(message, LabelInfo):
            self._writer.add_label(message)
        else:
            self._writer.complete()
        return b"", None


def main() -> None:
    """Serve the socket that is this process's standard input, until it closes."""
    ours = socket.socket(fileno=os.dup(0))
    # Records hold no cycles, see formats.collector; what libraries leave behind is looked for now and then.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        serve(Channel(ours))
    except (EOFError, OSError):
        # Nobody is there any more: what was begun is theirs, or the next run's, to remove.
        os._exit(0)


def serve(channel: Channel) -> None:
    """Take a job, then answer every message. Raises EOFError when the other side is gone."""
    told = channel.receive()
    findings = Findings("skip").notes("none", every=True)
    job: Job | None = None
    error: Exception | None = None
    try:
        job = ParsingJob(told) if isinstance(told, Parsing) else WritingJob(told)
    except Exception as failure:  # noqa: BLE001  raised where it belongs, in the other process
        error = failure
    channel.send(Answer(noted=(job.notes if job else findings).take(), error=_portable(error)))
    while True:
        message = channel.receive()
        assert job is not None
        samples, learnt, error = b"", None, None
        try:
            samples, learnt = job.do(message)
        except Exception as failure:  # noqa: BLE001
            error = failure
        channel.send(
            Answer(samples=samples, learnt=learnt, noted=job.notes.take(), error=_portable(error))
        )


def _portable(error: Exception | None) -> Exception | None:
    """An error as it can cross: one that cannot be pickled is told in words."""
    if error is None:
        return None
    try:
        pickle.loads(pickle.dumps(error, 5))
    except Exception:  # noqa: BLE001  whatever its class does
        return HeadraceError(f"{type(error).__name__}: {error}")
    return error.with_traceback(None)
