"""Find files that need not be sent: the lake has them already, or the same run sends them anyway.

Two files are the same if they have the same name and content. Only files of equal name and size are read to compare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.stored import Claims, find_stored
from headrace.model.enums import DataUploadStatus
from headrace.model.records import DataRecord
from headrace.protocol.operations.datalake import LIST_DATA_BY_KEY, ListDataByKey
from headrace.threads import in_thread


async def find_in_lake(
    backend: Backend, lake_id: UUID, files: Sequence[UploadFile], *, claims: Claims | None = None
) -> dict[str, DataRecord]:
    """Return the data of the files that the lake has already, by local path.

    Where the platform reports no digests, the storage is asked for size and digest of each data of the same name.

    Args:
        backend: Backend of the lake.
        lake_id: The datalake.
        files: Local files, with their sizes.
        claims: If given, name and size suffice where the storage reports no digest either.
    """
    candidates: dict[tuple[str, int], dict[str, DataRecord]] = {}
    undigested: dict[str, list[DataRecord]] = {}
    query = ListDataByKey(datalake_id=lake_id)
    names = [file.filename for file in files]
    async for page in KeyListing(backend, LIST_DATA_BY_KEY, query, "filenames", names).pages():
        for data in page:
            if data.upload_status == DataUploadStatus.ERROR:
                continue
            if data.sha256 is None:
                undigested.setdefault(data.filename, []).append(data)
            elif data.upload_status == DataUploadStatus.DONE and data.size is not None:
                candidates.setdefault((data.filename, data.size), {})[data.sha256] = data
    found = {}
    likely = [file for file in files if (file.filename, file.size) in candidates]
    digests = await in_thread(digests_of, likely) if likely else []
    for file, digest in zip(likely, digests, strict=True):
        same = candidates[file.filename, file.size].get(digest)
        if same is not None:
            found[str(file.path)] = same
    rest = [file for file in files if file.filename in undigested and str(file.path) not in found]
    return found | await find_stored(backend, lake_id, rest, undigested, claims)


async def find_repeated(files: Sequence[UploadFile]) -> dict[int, int]:
    """Return, for each file that repeats an earlier one, the indices of both."""
    by_key: dict[tuple[str, int], list[int]] = {}
    for index, file in enumerate(files):
        by_key.setdefault((file.filename, file.size), []).append(index)
    candidates = [index for same in by_key.values() if len(same) > 1 for index in same]
    if not candidates:
        return {}
    digests = await in_thread(digests_of, [files[index] for index in candidates])
    firsts: list[tuple[UploadFile, str, int]] = []
    found: dict[int, int] = {}
    for index, digest in zip(candidates, digests, strict=True):
        file = files[index]
        for other, its_digest, first in firsts:
            if digest == its_digest and _has_same_description(file, other):
                found[index] = first
                break
        else:
            firsts.append((file, digest, index))
    return found


def _has_same_description(one: UploadFile, other: UploadFile) -> bool:
    return (one.filename, one.metadata, one.custom_metadata) == (
        other.filename,
        other.metadata,
        other.custom_metadata,
    )


def digests_of(files: Sequence[UploadFile]) -> list[str]:
    """Return the SHA-256 of each file. An unreadable one gets a text that matches nothing; sending it raises."""
    known: dict[Path, str] = {}
    for file in files:
        if file.path not in known:
            known[file.path] = _digest(file.path)
    return [known[file.path] for file in files]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return f"unreadable {path}"
