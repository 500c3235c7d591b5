"""Which files need not be sent: the lake has them already, or the same run sends them anyway.

Files are the same that have the same name and the same content. Only files that may be the same by name and size are
read for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing
from headrace.engine.upload.file import UploadFile
from headrace.model.enums import DataUploadStatus
from headrace.model.records import DataRecord
from headrace.protocol.operations.datalake import LIST_DATA_BY_KEY, ListDataByKey
from headrace.threads import in_thread


async def known(
    backend: Backend, lake_id: UUID, files: Sequence[UploadFile]
) -> dict[str, DataRecord]:
    """Which of these files the lake has already, by local path; none of a platform that tells no digests."""
    candidates: dict[tuple[str, int], dict[str, DataRecord]] = {}
    query = ListDataByKey(datalake_id=lake_id)
    names = [file.filename for file in files]
    async for page in KeyListing(backend, LIST_DATA_BY_KEY, query, "filenames", names).pages():
        for data in page:
            done = data.upload_status == DataUploadStatus.DONE
            if done and data.size is not None and data.sha256 is not None:
                candidates.setdefault((data.filename, data.size), {})[data.sha256] = data
    likely = [file for file in files if (file.filename, file.size) in candidates]
    if not likely:
        return {}
    digests = await in_thread(digests_of, likely)
    found = {}
    for file, digest in zip(likely, digests, strict=True):
        same = candidates[file.filename, file.size].get(digest)
        if same is not None:
            found[str(file.path)] = same
    return found


async def repeated(files: Sequence[UploadFile]) -> dict[int, int]:
    """Which files are the same as one before them: the place of each, and that of the first."""
    alike: dict[tuple[str, int], list[int]] = {}
    for place, file in enumerate(files):
        alike.setdefault((file.filename, file.size), []).append(place)
    places = [place for same in alike.values() if len(same) > 1 for place in same]
    if not places:
        return {}
    digests = await in_thread(digests_of, [files[place] for place in places])
    firsts: list[tuple[UploadFile, str, int]] = []
    found: dict[int, int] = {}
    for place, digest in zip(places, digests, strict=True):
        file = files[place]
        for other, its_digest, first in firsts:
            if digest == its_digest and _described_alike(file, other):
                found[place] = first
                break
        else:
            firsts.append((file, digest, place))
    return found


def _described_alike(one: UploadFile, other: UploadFile) -> bool:
    return (one.filename, one.metadata, one.custom_metadata) == (
        other.filename,
        other.metadata,
        other.custom_metadata,
    )


def digests_of(files: Sequence[UploadFile]) -> list[str]:
    """The digests of files; of one that cannot be read none, for whoever sends it will say why."""
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
