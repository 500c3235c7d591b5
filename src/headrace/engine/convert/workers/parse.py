"""The job of parsing chunks of files. Workers import this module, so it imports no more than they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from headrace import formats
from headrace.engine.convert.workers.sample_codec import (
    PackedChunk,
    pack,
    unpack_chunk,
)
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Findings, OnError, PassDelta
from headrace.formats.options import ReadOptions


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
