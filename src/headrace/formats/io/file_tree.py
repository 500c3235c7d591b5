"""Creates many small files below one new folder, never overwriting a file or leaving the folder."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import IO

from headrace.errors import BadRequestError, FormatError
from headrace.formats.io.deferred_writes import DeferredFiles, FileSink
from headrace.model.names import MAX_PART_BYTES, safe_parts
from headrace.newfile import create_file

_REMEMBERED = 50_000
# Reserved for a distinguishing number and the suffix .txt or .xml.
_TAIL_BYTES = 12
# Names that need no further check: no Windows device name begins with a digit or a letter outside this list.
_PLAIN = re.compile(r"(?![aclnpACLNP])[A-Za-z0-9_][A-Za-z0-9_-]{0,200}(?:\.[A-Za-z0-9_-]{1,20})?")


class FileTree:
    """Creates files below a folder, and their parent folders on demand.

    Args:
        root: An empty folder that nothing else writes to.
        file_sink: Creates the files instead, under the same names.
    """

    def __init__(self, root: Path, file_sink: FileSink | None = None) -> None:
        self._root = f"{root}{os.sep}"
        self._deferred = None if file_sink is None else DeferredFiles(file_sink)
        self._folders: set[str] = set()
        self._checked: set[str] = set()
        self._next: dict[tuple[str, str], int] = {}
        self._reserved: IO[str] | None = None

    def folder_stem_suffix(self, filename: str) -> tuple[str, str, str]:
        """Like :meth:`folder_and_stem`, with the suffix and its dot, which may be empty."""
        folder, stem = self.folder_and_stem(filename)
        suffix = filename[filename.rfind(".") :]
        return folder, stem, suffix if filename.endswith(f"{stem}{suffix}") else ""

    def folder_and_stem(self, filename: str) -> tuple[str, str]:
        """Split a source's file name into its folder (ending in ``/``, or empty) and its stem.

        Raises:
            FormatError: The name leads outside the tree, or is not a valid file name.
        """
        cut = filename.rfind("/") + 1
        folder, base = filename[:cut], filename[cut:]
        # Folders repeat and most names are plain, so most need no full check.
        if (folder and folder not in self._checked) or not _PLAIN.fullmatch(base):
            folder, base = self._check(filename)
        stem, _, suffix = base.rpartition(".")
        return folder, stem or suffix

    def _check(self, filename: str) -> tuple[str, str]:
        try:
            *folders, base = safe_parts(filename)
        except BadRequestError as error:
            raise FormatError(error.message, hint=error.hint) from None
        stem, _, suffix = base.rpartition(".")
        if len((stem or suffix).encode()) > MAX_PART_BYTES - _TAIL_BYTES:
            raise FormatError(f"the name {base[:40]!r}… is too long", hint="rename the file")
        folder = "".join([f"{each}/" for each in folders])
        if filename.startswith(folder) and len(self._checked) < _REMEMBERED:
            self._checked.add(folder)
        return folder, base

    def create(self, folder: str, stem: str, suffix: str, content: bytes) -> str:
        """Create ``stem+suffix`` in ``folder`` (which ends in ``/``), or ``stem-2``, ``stem-3`` … where it exists.

        Returns the stem that was used. The file system decides what exists, so on a case-insensitive one names that
        differ only in letter case count as equal.
        """
        self.make_folder(folder)
        if self._deferred is not None and self._deferred.put(folder, f"{stem}{suffix}", content):
            return stem
        return self._create(folder, stem, suffix, content)

    def reserve(self, folder: str, stem: str, suffix: str) -> str:
        """Like :meth:`create`, for a name of which no file is to remain: :meth:`remove_reserved` deletes the file."""
        used = self.create(folder, stem, suffix, b"")
        if self._reserved is None:
            self._reserved = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115
        self._reserved.write(f"{folder}{used}{suffix}\n")
        return used

    def remove_reserved(self) -> None:
        """Delete the files of reserved names."""
        if self._reserved is None:
            return
        if self._deferred is not None:
            self._deferred.flush()
        self._reserved.seek(0)
        for path in self._reserved:
            os.unlink(f"{self._root}{path[:-1]}")
        self.close()

    def close(self) -> None:
        """Release the list of reserved names."""
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def link(self, folder: str, stem: str, suffix: str, source: str) -> str:
        """Like :meth:`create`, with the content of the file ``source``: a hard link where possible, else a copy."""
        self.make_folder(folder)
        used = self._create(folder, stem, suffix, b"")
        path = f"{self._root}{folder}{used}{suffix}"
        try:
            os.link(source, f"{path}~")
        except OSError:
            shutil.copyfile(source, path)
        else:
            os.replace(f"{path}~", path)
        return used

    def make_folder(self, folder: str) -> None:
        """Create a folder and its parents where they are missing."""
        if folder not in self._folders:
            if self._deferred is not None:
                self._claim_parents(folder)
            Path(f"{self._root}{folder}").mkdir(parents=True, exist_ok=True)
            self._remember_folder(folder)

    def _claim_parents(self, folder: str) -> None:
        """Wait for pending files where one may have the name of a folder to create."""
        assert self._deferred is not None
        for end in [at for at, letter in enumerate(folder) if letter == "/"]:
            if folder[: end + 1] not in self._folders:
                if not self._deferred.claim(folder[:end]):
                    self._deferred.flush()
                self._remember_folder(folder[: end + 1])

    def _remember_folder(self, folder: str) -> None:
        if len(self._folders) >= _REMEMBERED:
            self._folders.clear()
        self._folders.add(folder)

    def _create(self, folder: str, stem: str, suffix: str, content: bytes) -> str:
        """Create a file immediately, under its first free name."""
        if self._deferred is not None:
            self._deferred.flush()
        name, number = stem, self._next.get((folder, stem), 1) if self._next else 1
        while True:
            if number > 1:
                name = f"{stem}-{number}"
            try:
                create_file(f"{self._root}{folder}{name}{suffix}", content)
            except FileExistsError:
                number += 1
                self._remember_number(folder, stem, number)
            else:
                break
        if self._deferred is not None:
            self._deferred.claim(f"{folder}{name}{suffix}")
        return name

    def append(self, path: str, content: bytes) -> None:
        """Append to ``path``, a plain name below the root; creates the file if needed."""
        self.make_folder(path[: path.rfind("/") + 1])
        with Path(f"{self._root}{path}").open("ab") as file:
            file.write(content)

    def _remember_number(self, folder: str, stem: str, number: int) -> None:
        if len(self._next) >= _REMEMBERED:
            self._next.clear()
        self._next[folder, stem] = number
