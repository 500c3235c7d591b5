"""Choose file names in exports for assets whose names are not valid file names, and record the changes.

The names are those that a download chooses, so the images and annotations of a version match by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self
from uuid import UUID

from headrace.formats.base import Writer
from headrace.formats.findings.collect import Severity
from headrace.model.names import MAX_NAME_BYTES, id_name, repair_file_name, stem_fits, with_id
from headrace.model.sample import Sample
from headrace.transfer.state.name_map import NameMap

NAMES_FILE = "names.jsonl"

STEM_BYTES = 240
"""Maximum bytes of a stem, which leaves a writer room for a number and a suffix."""


class ExportNames:
    """Wraps the writer of an export and chooses the file names that it receives.

    Use it as the context manager in place of the writer, and write through it. Where the format is a folder and names
    change, the target also gets ``.headrace/names.jsonl``. A format with a single file keeps all names unchanged.
    """

    def __init__(self, writer: Writer, *, stem_bytes: int = STEM_BYTES) -> None:
        self._writer = writer
        self._stem_bytes = stem_bytes
        self._map: NameMap | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._writer)
            if self._writer.layout == "folder":
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
        if self._map is None or (
            repair_file_name(filename) == filename and stem_fits(filename, self._stem_bytes)
        ):
            return filename
        local = with_id(repair_file_name(filename), id, most=self._stem_bytes)
        if len(local.encode()) > MAX_NAME_BYTES:
            local = id_name(id, filename)
        self._writer.found.add(
            "S01",
            "the name of the image is not a valid file name: .headrace/names.jsonl records the new one",
            severity=Severity.LOSS,
            detail=filename,
        )
        self._map.add(str(id), filename, local)
        return local

    def write(self, samples: Sequence[Sample]) -> None:
        """Write a batch, and record the names that it changed."""
        self._writer.write(samples)
        if self._map is not None:
            self._map.write()
