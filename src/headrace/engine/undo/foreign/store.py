"""Removal files of a client, in the state folder: one folder for each platform, three files for each removal.

``ID.items`` holds what goes: gzip members of JSON lines, flushed to the disk before anything is removed. ``ID.json`` is the
header, written last: a removal without one was not begun. ``ID.written`` holds what was written in the place of what
went, or put back by an undo. All of them are readable by their owner only.
"""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.engine.versions.load import count_shapes
from headrace.errors import NotFoundError, RemovalNotRecordedError
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.settings import load_settings

_FOLDER = "removals"
_DAY_SECONDS = 86_400


class LocalRemoval(Struct, kw_only=True):
    """The header of a removal. ``items_bytes`` are the bytes of its items that count; times are seconds since 1970."""

    id: UUID
    kind: str
    address: str
    version: str
    version_id: UUID
    assets: int = 0
    annotations: int = 0
    shapes: int = 0
    items_bytes: int = 0
    created_at: float
    undone_at: float | None = None


class RemovedItem(Struct, kw_only=True, omit_defaults=True):
    """An asset and its annotations. ``removed`` says whether the asset itself went."""

    asset_id: UUID
    data_id: UUID
    filename: str
    removed: bool = False
    tags: list[str] = []
    annotations: list[LoadedAnnotation] = []


class WrittenNote(Struct, kw_only=True, omit_defaults=True):
    """An annotation that was written in the place of others, with its digest; or a removed one that was put back."""

    annotation_id: str
    digest: str = ""
    restored: bool = False


_item = msgspec.json.Decoder(RemovedItem)
_note = msgspec.json.Decoder(WrittenNote)
_header = msgspec.json.Decoder(LocalRemoval)


class RemovalStore:
    """The removals of one platform. All methods block."""

    def __init__(self, address: str) -> None:
        settings = load_settings()
        self._policy = settings.undo_policy()
        self._all = settings.state_folder() / _FOLDER
        self._address = address
        self._folder = self._all / blake2b(address.encode(), digest_size=8).hexdigest()

    def list(self) -> list[LocalRemoval]:
        """Return the removals that can be undone, newest first; deletes those that are too old."""
        self._expire()
        headers = [_header.decode(path.read_bytes()) for path in self._folder.glob("*.json")]
        return sorted(headers, key=lambda header: header.created_at, reverse=True)

    def get(self, id: UUID) -> LocalRemoval:
        """Return a removal; raises NotFoundError for an unknown id."""
        try:
            return _header.decode(self._path(id, "json").read_bytes())
        except FileNotFoundError:
            raise NotFoundError(f"there is no removal {id}") from None

    def append(self, removal: LocalRemoval, items: Iterable[RemovedItem]) -> int:
        """Add items to a removal and flush them to the disk; :meth:`commit` makes them count.

        Returns:
            How many items were added.

        Raises:
            RemovalNotRecordedError: They cannot be written, or exceed the limit.
        """
        found = list(items)
        if not found:
            return 0
        lines = b"\n".join(msgspec.json.encode(item) for item in found) + b"\n"
        packed = gzip.compress(lines, 1)
        if self._used() + len(packed) > self._policy.max_bytes:
            raise RemovalNotRecordedError(
                "the record of what is to be removed would exceed the limit",
                hint=RemovalNotRecordedError.limit_cure,
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._path(removal.id, "items")
            with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
                file.truncate(removal.items_bytes)
                file.seek(removal.items_bytes)
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise RemovalNotRecordedError(f"cannot write the removal file: {why}") from error
        removal.items_bytes += len(packed)
        for item in found:
            removal.assets += item.removed
            removal.annotations += len(item.annotations)
            removal.shapes += sum(map(count_shapes, item.annotations))
        return len(found)

    def commit(self, removal: LocalRemoval) -> None:
        """Write the header, so that what was appended counts; raises RemovalNotRecordedError."""
        path = self._path(removal.id, "json")
        draft = path.with_suffix(".new")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(removal))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise RemovalNotRecordedError(f"cannot write the removal file: {why}") from error

    def discard(self, removal: LocalRemoval) -> None:
        """Delete the items of a removal that was not committed."""
        with suppress(OSError):
            if not self._path(removal.id, "json").exists():
                self._path(removal.id, "items").unlink(missing_ok=True)

    def items(self, removal: LocalRemoval) -> Iterator[RemovedItem]:
        """Yield the items of a removal, one at a time."""
        with (
            open(self._path(removal.id, "items"), "rb") as file,
            gzip.GzipFile(fileobj=cast(BinaryIO, _Limited(file, removal.items_bytes))) as lines,
        ):
            for line in lines:
                yield _item.decode(line)

    def note(self, removal: LocalRemoval, notes: Iterable[WrittenNote]) -> None:
        """Add notes on what was written. Raises OSError."""
        lines = b"".join(msgspec.json.encode(note) + b"\n" for note in notes)
        path = self._path(removal.id, "written")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def notes(self, removal: LocalRemoval) -> Iterator[WrittenNote]:
        """Yield the notes of a removal; a last line that was cut off is left out."""
        try:
            content = self._path(removal.id, "written").read_bytes()
        except FileNotFoundError:
            return
        for line in content.splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield _note.decode(line)

    def expires_at(self, removal: LocalRemoval) -> float:
        """Return when a removal can no longer be undone."""
        return removal.created_at + self._policy.days * _DAY_SECONDS

    def _path(self, id: UUID, suffix: str) -> Path:
        return self._folder / f"{id}.{suffix}"

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self._all.rglob("*") if path.is_file())

    def _expire(self) -> None:
        if not self._folder.is_dir():
            return
        before = time.time() - self._policy.days * _DAY_SECONDS
        for path in list(self._folder.iterdir()):
            header = path.with_suffix(".json")
            try:
                old = (
                    _header.decode(header.read_bytes()).created_at < before
                    if header.exists()
                    else path.stat().st_mtime < before
                )
                if old:
                    for suffix in (".items", ".written", ".new", ".json"):
                        path.with_suffix(suffix).unlink(missing_ok=True)
            except FileNotFoundError:
                continue  # deleted with its header before


class _Limited:
    """The first bytes of a file, for a reader of gzip members."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        chunk = self._file.read(wanted)
        self._left -= len(chunk)
        return chunk
