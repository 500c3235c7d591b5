"""``.headrace/names.jsonl``: which files of a folder are not called as their data are, and how they are called."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO

import msgspec

from headrace.transfer.state.workspace import FOLDER


class NameMap:
    """Gathers the names of one run; :meth:`close` puts them in place of an earlier run's."""

    def __init__(self, target: Path) -> None:
        self._path = target / FOLDER / "names.jsonl"
        self._temp = self._path.with_name(f"names-{secrets.token_hex(4)}.tmp")
        self._lines: list[bytes] = []
        self._file: BinaryIO | None = None

    def add(self, id: str, filename: str, local: str) -> None:
        """The file ``filename`` of the thing ``id`` is here under the name ``local``."""
        self._lines.append(msgspec.json.encode({"id": id, "filename": filename, "local": local}))

    def write(self) -> None:
        """Bring what was added to the disk. Blocks."""
        lines, self._lines = self._lines, []
        if not lines:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._temp.open("wb")
        self._file.write(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        """Show it. Blocks."""
        self.write()
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None
            self._temp.replace(self._path)
