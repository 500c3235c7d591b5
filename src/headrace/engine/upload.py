"""Uploading: files -> object names -> bytes -> registered data, in the order of the files."""

from __future__ import annotations

import errno
import hashlib
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import anyio
from anyio import to_thread
from msgspec import UNSET, Struct

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing, map_bounded
from headrace.errors import (
    BadRequestError,
    ConfigurationError,
    HeadraceError,
    UnprocessableEntityError,
    WaitTimeoutError,
)
from headrace.model.enums import DataType, DataUploadStatus, ObjectDataType
from headrace.model.records import DatalakeRecord, DataRecord
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    GET_DATA,
    LIST_DATA_BY_KEY,
    REGISTER_DATA,
    DataId,
    ListDataByKey,
    RegisterData,
)
from headrace.protocol.operations.storage import GENERATE_OBJECT_NAME, GenerateObjectName
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport

Metadata = dict[str, Any]

PAUSE, LOOKS = 5.0, 30
"""Seconds between looks, and looks, at a file that a platform takes its time to read."""


class UploadFile(Struct, kw_only=True):
    """A local file and the name that its data will have. ``size`` in bytes."""

    path: Path
    filename: str
    size: int = 0
    metadata: Metadata | None = None
    custom_metadata: Metadata | None = None

    @classmethod
    def each(
        cls,
        paths: Sequence[Path],
        metadata: Metadata | Sequence[Metadata] | None = None,
        custom_metadata: Metadata | Sequence[Metadata] | None = None,
    ) -> list[Self]:
        """One for each path, called by its last part."""
        metas = _for_each("metadata", metadata, len(paths))
        customs = _for_each("custom_metadata", custom_metadata, len(paths))
        return [
            cls(path=path, filename=path.name, metadata=meta, custom_metadata=custom)
            for path, meta, custom in zip(paths, metas, customs, strict=True)
        ]


class Uploaded(Struct, kw_only=True):
    """What came of an upload: the data of the files that worked, in order, and the report."""

    records: list[DataRecord]
    report: TransferReport


class Target(Struct, frozen=True, kw_only=True):
    """Where uploads go, and what every data gets."""

    organization_id: UUID
    lake: DatalakeRecord
    tag_ids: list[UUID]
    source_id: UUID | None = None
    upload_dir: str | None = None


async def upload_files(
    backend: Backend,
    organization_id: UUID,
    lake: DatalakeRecord,
    files: Sequence[UploadFile],
    *,
    tag_ids: Sequence[UUID] = (),
    source_id: UUID | None = None,
    upload_dir: str | None = None,
    max_workers: int | None = None,
    progress: OnProgress | None = None,
) -> Uploaded:
    """Upload files and register them; one that fails is in the report and does not stop the others.

    Raises FileNotFoundError before anything is sent where a path is no file.
    """
    target = Target(
        organization_id=organization_id,
        lake=lake,
        tag_ids=list(tag_ids),
        source_id=source_id,
        upload_dir=upload_dir,
    )
    await to_thread.run_sync(measure, files)
    report = TransferReport()
    with Progress("push", "files", progress, total=len(files)) as counting:
        records = await upload_batch(
            backend, target, files, report, counting, max_workers=max_workers
        )
    report.seconds = counting.seconds
    return Uploaded(records=[record for record in records if record], report=report)


async def upload_batch(
    backend: Backend,
    target: Target,
    files: Sequence[UploadFile],
    report: TransferReport,
    progress: Progress,
    *,
    max_workers: int | None = None,
) -> list[DataRecord | None]:
    """The data of the files in their order, None for one that failed and is in the report."""
    if not files:
        return []

    async def one(file: UploadFile) -> DataRecord | None:
        try:
            record = await _upload(backend, target, file)
        except (HeadraceError, OSError) as error:
            report.fail(file.filename, error)
            progress.add()
            return None
        report.moved += 1
        report.bytes += file.size
        progress.add(bytes=file.size)
        return record

    workers = backend.limits.concurrency if max_workers is None else max_workers
    if workers < 1:
        raise ConfigurationError(f"max_workers is {workers}", hint="give at least 1")
    return await map_bounded(one, files, concurrency=workers)


async def known(
    backend: Backend, lake_id: UUID, files: Sequence[UploadFile]
) -> dict[str, DataRecord]:
    """Which of these files the lake has already, by local path: same name, same size, same digest.

    Only files whose name and size are known are read for their digest.
    """
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
    digests = await to_thread.run_sync(_digests, likely)
    found = {}
    for file, digest in zip(likely, digests, strict=True):
        same = candidates[file.filename, file.size].get(digest)
        if same is not None:
            found[str(file.path)] = same
    return found


def measure(files: Sequence[UploadFile]) -> None:
    """Enter the sizes; FileNotFoundError where a path is no file."""
    for file in files:
        if not file.path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such file", str(file.path))
        file.size = file.path.stat().st_size


def content_type(name: str) -> str:
    """The media type by the name alone."""
    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


async def _upload(backend: Backend, target: Target, file: UploadFile) -> DataRecord:
    connector = target.lake.connector_id
    if connector is None:
        raise BadRequestError(f"the datalake {target.lake.name!r} has no storage behind it")
    kind = content_type(file.filename)
    named = await backend.call(
        GENERATE_OBJECT_NAME,
        GenerateObjectName(
            organization_id=target.organization_id,
            connector_id=connector,
            filename=file.path.name,
            type=ObjectDataType.DATA,
            upload_dir=target.upload_dir or UNSET,
        ),
    )
    await backend.upload(
        file.path, connector_id=connector, object_name=named.object_name, content_type=kind
    )
    record = await backend.call(
        REGISTER_DATA,
        RegisterData(
            datalake_id=target.lake.id,
            type=DataType.VIDEO if kind.startswith("video/") else DataType.IMAGE,
            filename=file.filename,
            object_name=named.object_name,
            content_type=kind,
            tags=target.tag_ids,
            data_source_id=target.source_id,
            metadata=file.metadata or UNSET,
            custom_metadata=UNSET if file.custom_metadata is None else file.custom_metadata,
        ),
    )
    return await _read_by_platform(backend, record)


async def _read_by_platform(backend: Backend, record: DataRecord) -> DataRecord:
    """The record once the platform has looked into the file; a file that it cannot read is taken out again."""
    looks = LOOKS
    while record.upload_status in (DataUploadStatus.PENDING, DataUploadStatus.COMPUTING):
        if not looks:
            raise WaitTimeoutError(
                f"the platform has not looked into {record.filename!r} yet", hint="look later"
            )
        looks -= 1
        await anyio.sleep(PAUSE)
        record = await backend.call(GET_DATA, DataId(data_id=record.id))
    if record.upload_status == DataUploadStatus.ERROR:
        await backend.call(DELETE_DATA, DataId(data_id=record.id))
        raise UnprocessableEntityError(
            f"{record.filename!r} cannot be read as {record.content_type}"
        )
    return record


def _digests(files: Sequence[UploadFile]) -> list[str]:
    found = []
    for file in files:
        with file.path.open("rb") as opened:
            found.append(hashlib.file_digest(opened, "sha256").hexdigest())
    return found


def _for_each(
    name: str, given: Metadata | Sequence[Metadata] | None, count: int
) -> Sequence[Metadata | None]:
    if given is None or isinstance(given, dict):
        return [given] * count
    if len(given) != count:
        raise BadRequestError(f"{len(given)} {name} for {count} files", hint="give one for each")
    return given
