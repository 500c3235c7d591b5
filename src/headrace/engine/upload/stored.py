"""Compare local files with data of a platform that reports no digests: by what the storage says of its files."""

from __future__ import annotations

import filecmp
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.settle import is_unread, settle
from headrace.errors import NotFoundError
from headrace.model.records import DataRecord
from headrace.tasks import map_bounded
from headrace.threads import in_thread


class Claims:
    """Which local file each data was taken for, where only name and size say that they are the same.

    Two different files of one name and size must not both be taken for the same data. ``track`` is False where no two
    files have one name; then nothing is kept.
    """

    def __init__(self, *, track: bool) -> None:
        self._track = track
        self._paths: dict[UUID, Path] = {}

    def note(self, data_id: UUID, path: Path) -> None:
        """Note that a data was made of a file."""
        if self._track:
            self._paths[data_id] = path

    async def claim(self, data_id: UUID, path: Path) -> bool:
        """Take a data for a file; False if it was taken for a file of other content."""
        other = self._paths.get(data_id)
        if other is None:
            self.note(data_id, path)
            return True
        return await in_thread(filecmp.cmp, other, path, False)


class StoredFile(Struct, frozen=True):
    """The size of a stored file in bytes, and its digests in hexadecimal; each as far as the storage says it."""

    size: int | None
    digests: Mapping[str, str]


async def find_stored(
    backend: Backend,
    lake_id: UUID,
    files: Sequence[UploadFile],
    candidates: Mapping[str, Sequence[DataRecord]],
    claims: Claims | None,
) -> dict[str, DataRecord]:
    """Return the data of the files that the lake has already, by local path.

    A file is the same if its digest is, or, where the storage reports none, its size.

    Args:
        backend: Backend of the lake.
        lake_id: The datalake.
        files: Local files, with their sizes.
        candidates: The data of these names, by name.
        claims: What equal sizes were taken for; None if they prove nothing.
    """

    async def find(file: UploadFile) -> DataRecord | None:
        for data in candidates[file.filename]:
            if await _is_same(backend, file, data, claims):
                return data
        return None

    matches = await map_bounded(find, files, concurrency=backend.limits.concurrency)
    unread = {data.id: data for data in matches if data is not None and is_unread(data)}
    settled = await settle(backend, lake_id, unread)
    found: dict[str, DataRecord] = {}
    for file, match in zip(files, matches, strict=True):
        data = None if match is None else settled.get(match.id, match)
        if isinstance(data, DataRecord):
            found[str(file.path)] = data
    return found


async def compare_stored(backend: Backend, path: Path, size: int, data: DataRecord) -> bool | None:
    """Compare a local file with that of a data: by its digest, or else by its size.

    Args:
        backend: Backend of the data.
        path: The local file.
        size: Its size in bytes.
        data: The data.

    Returns:
        Whether they are the same; None if their sizes are and the storage reports no digest.
    """
    if data.size not in (None, size):
        return False
    try:
        stored = await _ask(backend, data, size)
    except NotFoundError:
        return False
    if stored.size != size:
        return False
    for algorithm in ("sha256", "md5"):
        if algorithm in stored.digests:
            return await in_thread(_digest, path, algorithm) == stored.digests[algorithm]
    return None


async def _is_same(
    backend: Backend, file: UploadFile, data: DataRecord, claims: Claims | None
) -> bool:
    same = await compare_stored(backend, file.path, file.size, data)
    if same is None:
        return claims is not None and await claims.claim(data.id, file.path)
    return same


async def _ask(backend: Backend, data: DataRecord, size: int) -> StoredFile:
    """Return what the storage says of a file. From one of ``size`` bytes it reads the last byte only."""
    start = max(0, size - 1)
    async with backend.file(data).open(start) as stream:
        if stream.start == start and stream.length is not None and stream.length <= 1:
            async for _ in stream.chunks():  # so that the connection stays open
                pass
        return StoredFile(stream.total, stream.digests)


def _digest(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, algorithm).hexdigest()
    except OSError:
        return ""  # sending it raises
