"""What an export calls the files of assets whose own names no file may bear, and where it tells of that.

They are called as a download calls them, so that pictures and annotations of one version lie side by side by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self
from uuid import UUID

from headrace.formats.base import Writer
from headrace.formats.findings.collect import Severity
from headrace.model.names import MAX_NAME_BYTES, fits, id_name, placed, with_id
from headrace.model.sample import Sample
from headrace.transfer.state.name_map import NameMap

NAMES_FILE = "names.jsonl"

STEM_BYTES = 240
"""What a writer has left for a stem, when it has put a number and a suffix behind it."""


class ExportNames:
    """Wraps the writer of an export and chooses the file names that it is given.

    Enter and leave it in the place of the writer, and write through it. Where names change and the format is a
    folder, the target gets ``.headrace/names.jsonl`` too. A format of one file keeps every name as it is.
    """

    def __init__(self, writer: Writer, *, stem_bytes: int = STEM_BYTES) -> None:
        self._writer = writer
        self._stem_bytes = stem_bytes
        self._map: NameMap | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._writer)
            if self._writer.info.layout == "folder":
                self._map = NameMap(self._writer.work_path)
                stack.callback(self._map.close)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def name(self, id: UUID, filename: str) -> str:
        """Return the file name in the export; raises LossyWriteError where it changes and the writer is strict."""
        if self._map is None or (placed(filename) == filename and fits(filename, self._stem_bytes)):
            return filename
        local = with_id(placed(filename), id, most=self._stem_bytes)
        if len(local.encode()) > MAX_NAME_BYTES:
            local = id_name(id, filename)
        self._writer.found.add(
            "S01",
            "no file may bear the image's name: it has another, .headrace/names.jsonl tells which",
            severity=Severity.LOSS,
            detail=filename,
        )
        self._map.add(str(id), filename, local)
        return local

    def write(self, samples: Sequence[Sample]) -> None:
        """Write a batch, and the names that it changed."""
        self._writer.write(samples)
        if self._map is not None:
            self._map.write()
