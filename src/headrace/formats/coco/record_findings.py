"""Findings about single records, placed in the file: the place is looked up for the few that are shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace.formats.coco.schema import UndecodedRecord
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.json_stream import JsonStream


class RecordReporter:
    """Reports about the records of one file; :meth:`set_record` turns to one of them."""

    def __init__(self, stream: JsonStream, found: Pass) -> None:
        self.found = found
        self._stream = stream
        self._source: Callable[[], UndecodedRecord] = _nowhere
        self._name = ""

    @property
    def path(self) -> Path:
        """The file."""
        return self._stream.path

    def set_record(self, name: str, source: Callable[[], UndecodedRecord]) -> None:
        """Turn to a record: its name for people, and a way to its text."""
        self._name, self._source = name, source

    def __call__(
        self,
        code: str,
        message: str,
        *,
        severity: Severity = Severity.WARNING,
        detail: str | None = None,
        hint: str | None = None,
        dropped: int = 0,
        dropped_images: int = 0,
    ) -> None:
        """Add a finding about the record in hand, as :meth:`~headrace.formats.findings.collect.Pass.add` does."""
        offset = self._offset() if self.found.wants_location(code, message, severity) else None
        self.found.add(
            code,
            message,
            severity=severity,
            path=self.path,
            offset=offset,
            detail=self._name if detail is None else f"{self._name}: {detail}",
            hint=hint,
            dropped=dropped,
            dropped_images=dropped_images,
        )

    def _offset(self) -> int | None:
        source = self._source()
        if source.offset is None and source.text:
            return self._stream.locate(source.text)
        return source.offset


def _nowhere() -> UndecodedRecord:
    return UndecodedRecord(b"")
