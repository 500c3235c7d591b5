"""What an export calls the files of assets whose own names no file may bear, and where it tells of that.

They are called as a download calls them, so that pictures and annotations of one version lie side by side by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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
    """Stands before the writer of an export, and has it write ``.headrace/names.jsonl`` too where a name is changed.

    A format that keeps all in one file has no names to give: there every image is called as it is.
    """

    def __init__(self, writer: Writer, *, stem_bytes: int = STEM_BYTES) -> None:
        self._writer = writer
        self._stem_bytes = stem_bytes
        self._map: NameMap | None = None
        if writer.info.layout == "folder":
            writer.elsewhere = self

    def name(self, id: UUID, filename: str) -> str:
        """What the export calls a file; raises LossyWriteError where the writer is strict and that is another name."""
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

    # --- in the writer's place ----------------------------------------------------------------------------

    def start(self, temp: Path) -> None:
        """Begin to write at ``temp``."""
        self._map = NameMap(temp)
        self._writer.start(temp)

    def put(self, samples: Sequence[Sample]) -> None:
        """Write a batch."""
        self._writer.put(samples)
        assert self._map is not None
        self._map.write()

    def complete(self) -> None:
        """Complete what is there."""
        self._writer.complete()
        assert self._map is not None
        self._map.close()

    def abandon(self) -> None:
        """Close what is open."""
        if self._map is not None:
            self._map.close()
        self._writer.abandon()
