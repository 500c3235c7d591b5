"""Lists of the local names of files that differ from the names of their data, one JSON object a line."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from headrace.model.names import STATE_FOLDER
from headrace.transfer.state.journal import MarkSet

_merging = threading.Lock()


class NameMap:
    """Collects the names of one run; :meth:`close` replaces the file of an earlier run, or extends it.

    Args:
        target: The target folder.
        name: Name of the file, in ``.headrace``.
        extend: Keep the names of files that this run does not have.
    """

    def __init__(self, target: Path, name: str = "names.jsonl", *, extend: bool = False) -> None:
        self._path = target / STATE_FOLDER / name
        self._temp = self._path.with_name(f"{self._path.stem}-{secrets.token_hex(4)}.tmp")
        self._extend = extend
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
        file, self._file = self._file, None
        if file is not None:
            with file:
                file.flush()
                os.fsync(file.fileno())
            with _merging:
                if self._extend:
                    extend_names(self._path, self._temp)
                self._temp.replace(self._path)


def extend_names(old: Path, new: Path) -> None:
    """Append to the list ``new`` the lines of ``old`` about files that it does not have. Raises OSError."""
    if not old.exists():
        return
    known = MarkSet()
    known.update(mark for mark, _ in _lines(new))
    with new.open("ab") as out:
        out.writelines(line for mark, line in _lines(old) if mark not in known)


class _Line(Struct):
    id: str


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line with a hash of its id; a line that a crash has torn is left out."""
    decoder = msgspec.json.Decoder(_Line)
    with path.open("rb") as file:
        for line in file:
            try:
                key = decoder.decode(line).id.encode()
            except msgspec.MsgspecError:
                continue
            yield int.from_bytes(blake2b(key, digest_size=8).digest()) or 1, line
