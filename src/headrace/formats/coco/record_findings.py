"""Report findings about single records, with their position in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace.errors import ParseError
from headrace.formats.coco.schema import UndecodedRecord
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.json_stream import JsonStream


class RecordReporter:
    """Reports findings about the current record of a file; :meth:`set_record` chooses it.

    Finding a record's position may read the file again, so it is only done for the few findings that show it.
    """

    def __init__(self, stream: JsonStream, found: Pass) -> None:
        self.found = found
        self._stream = stream
        self._source: Callable[[], UndecodedRecord] = _nowhere
        self._name = ""

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self._stream.path

    def set_record(self, name: str, source: Callable[[], UndecodedRecord]) -> None:
        """Make a record the current one.

        Args:
            name: The record's name in messages.
            source: Returns the record's text and, where known, its offset.
        """
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
        """Add a finding about the current record; see :meth:`~headrace.formats.findings.collect.Pass.add`."""
        offset = self._offset() if self.found.wants_location(code, message, severity) else None
        # Counting the records up to this one takes as long as reading them, so only the last finding has a path.
        ends = offset is not None and self.found.ends_with(severity, dropped + dropped_images)
        self.found.add(
            code,
            message,
            severity=severity,
            path=self.path,
            offset=offset,
            json_path=self._json_path(offset) if ends and offset is not None else None,
            detail=self._name if detail is None else f"{self._name}: {detail}",
            hint=hint,
            dropped=dropped,
            dropped_images=dropped_images,
        )

    def _json_path(self, offset: int) -> str | None:
        try:
            return self._stream.path_of(offset)
        except ParseError:
            return None  # the file is damaged further up

    def _offset(self) -> int | None:
        source = self._source()
        if source.offset is None and source.text:
            return self._stream.locate(source.text)
        return source.offset


def _nowhere() -> UndecodedRecord:
    return UndecodedRecord(b"")
