"""``.headrace/names.jsonl``: the local names of files that differ from the names of their data."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO

import msgspec

from headrace.transfer.state.workspace import FOLDER


class NameMap:
    """Collects the names of one run; :meth:`close` replaces the file of an earlier run."""

    def __init__(self, target: Path) -> None:
        self._path = target / FOLDER / "names.jsonl"
        self._temp = self._path.with_name(f"names-{secrets.token_hex(4)}.tmp")
        self._lines: list[bytes] = []
        self._file: BinaryIO | None = None

    def add(self, id: str, filename: str, local: str) -> None:
        """Add the local name of a file; ``id`` is that of its asset or data."""
        self._lines.append(msgspec.json.encode({"id": id, "filename": filename, "local": local}))

    def write(self) -> None:
        """Write what was added to a temporary file. Blocks."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._temp.open("wb")
        self._file.write(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        """Write, sync and rename the file. Blocks."""
        self.write()
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
            self._temp.replace(self._path)
