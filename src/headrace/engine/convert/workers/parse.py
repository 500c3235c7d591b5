"""The job of parsing: chunks of files that the other side found become samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from headrace import formats
from headrace.engine.convert.workers.sample_codec import PackedChunk, pack, unpack_chunk
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Findings, OnError, PassDelta
from headrace.formats.options import ReadOptions


class Parsing(Struct, frozen=True, kw_only=True):
    """The job to parse chunks of a source. ``every``: somebody hears of every single finding."""

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
    def __init__(self, told: Parsing) -> None:
        findings = Findings(told.on_error, strict=told.strict)
        self._notes = findings.deferred("read", every=told.every)
        reader = formats.get(told.format).open(told.path, options=told.options, findings=findings)
        assert isinstance(reader, ChunkedReader)
        self._reader = reader
        reader.__enter__()
        reader.begin_parsing(self._notes)
        # The other side says all this of the source itself.
        self._notes.take()

    def do(self, message: PackedChunk) -> tuple[bytes, Any]:
        """Parse a chunk: packed samples, and what was learnt."""
        samples = self._reader.parse(unpack_chunk(message), self._notes)
        return pack(samples), self._reader.take_learned()

    def noted(self) -> PassDelta:
        return self._notes.take()
