"""Uploading: files -> object names -> bytes -> registered data, in the order of the files."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import anyio
from msgspec import UNSET, Struct

from headrace.backend.base import Backend, Sending
from headrace.engine.reusing import known, repeated
from headrace.engine.uploadfile import UploadFile, content_type, measure
from headrace.errors import (
    AuthenticationError,
    BadRequestError,
    ChecksumError,
    ConfigurationError,
    ConflictError,
    HeadraceError,
    UnprocessableEntityError,
    WaitTimeoutError,
)
from headrace.model.enums import DataType, DataUploadStatus, ObjectDataType
from headrace.model.records import DatalakeRecord, DataRecord
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    GET_DATA,
    REGISTER_DATA,
    DataId,
    RegisterData,
)
from headrace.protocol.operations.storage import GENERATE_OBJECT_NAME, GenerateObjectName
from headrace.protocol.operations.tags import ATTACH_TAG, TagTargets
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport

PAUSE, LOOKS = 5.0, 30
"""Seconds between looks, and looks, at a file that a platform takes its time to read."""


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

    What the lake has already, by the same name and described alike, is not sent again.
    Raises FileNotFoundError before anything is sent where a path is no file.
    """
    target = Target(
        organization_id=organization_id,
        lake=lake,
        tag_ids=list(tag_ids),
        source_id=source_id,
        upload_dir=upload_dir,
    )
    await in_thread(measure, files)
    report = TransferReport()
    with Progress("push", "files", progress, total=len(files)) as counting:
        have = await _have(backend, target, files)
        report.skipped += len(have)
        counting.add(len(have))
        missing = [place for place in range(len(files)) if place not in have]
        made = await upload_batch(
            backend,
            target,
            [files[place] for place in missing],
            report,
            counting,
            max_workers=max_workers,
        )
        found: dict[int, DataRecord | None] = {**have, **dict(zip(missing, made, strict=True))}
    report.seconds = counting.seconds
    records = (found[place] for place in range(len(files)))
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
    """The data of the files in their order, None for one that failed and is in the report.

    A file that is among them twice is sent once; a token that is no longer good ends everything.
    """
    workers = backend.limits.concurrency if max_workers is None else max_workers
    if workers < 1:
        raise ConfigurationError(f"max_workers is {workers}", hint="give at least 1")
    if not files:
        return []
    same = await repeated(files)

    async def one(place: int) -> DataRecord | None:
        file = files[place]
        try:
            record = await _upload(backend, target, file)
        except AuthenticationError:
            raise
        except (HeadraceError, OSError) as error:
            report.fail(file.filename, error)
            progress.add()
            return None
        report.moved += 1
        report.bytes += file.size
        progress.add(bytes=file.size)
        return record

    sent = [place for place in range(len(files)) if place not in same]
    made = await map_bounded(one, sent, concurrency=workers)
    found = dict(zip(sent, made, strict=True))
    for place, first in same.items():
        found[place] = found[first]
        if found[first] is None:
            report.failed += 1
        else:
            report.skipped += 1
    progress.add(len(same))
    return [found[place] for place in range(len(files))]


async def _have(
    backend: Backend, target: Target, files: Sequence[UploadFile]
) -> dict[int, DataRecord]:
    """What is in the lake already and described as it is here, by the file's place; it gets the tags."""
    if not files or target.source_id is not None:
        return {}
    there = await known(backend, target.lake.id, files)
    found = {}
    for place, file in enumerate(files):
        record = there.get(str(file.path))
        if record is not None and _is_described(record, file):
            found[place] = record
    if found:
        ids = list({record.id: None for record in found.values()})
        for tag_id in target.tag_ids:
            await backend.call(ATTACH_TAG, TagTargets(tag_id=tag_id, ids=ids))
    return found


def _is_described(record: DataRecord, file: UploadFile) -> bool:
    told = (file.metadata or None, file.custom_metadata)
    return told == (record.metadata or None, record.custom_metadata)


async def _upload(backend: Backend, target: Target, file: UploadFile) -> DataRecord:
    connector = target.lake.connector_id
    if connector is None:
        raise BadRequestError(f"the datalake {target.lake.name!r} has no storage behind it")
    async with backend.sending(file.path, connector_id=connector) as sending:
        if sending.object_name is not None:
            try:
                return await _send(backend, target, file, sending, sending.object_name)
            except ConflictError:
                # An earlier run registered it, and said something else of it.
                await sending.settle()
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
        return await _send(backend, target, file, sending, named.object_name)


async def _send(
    backend: Backend, target: Target, file: UploadFile, sending: Sending, object_name: str
) -> DataRecord:
    kind = content_type(file.filename)
    sent = await sending.send(object_name, kind)
    record = await backend.call(
        REGISTER_DATA,
        RegisterData(
            datalake_id=target.lake.id,
            type=DataType.VIDEO if kind.startswith("video/") else DataType.IMAGE,
            filename=file.filename,
            object_name=object_name,
            content_type=kind,
            tags=target.tag_ids,
            data_source_id=target.source_id,
            metadata=file.metadata or UNSET,
            custom_metadata=UNSET if file.custom_metadata is None else file.custom_metadata,
        ),
    )
    if sent.sha256 is not None and record.sha256 not in (None, sent.sha256):
        await backend.call(DELETE_DATA, DataId(data_id=record.id))
        raise ChecksumError(f"{file.path} is not in the lake as it was sent", hint="run it again")
    record = await _read_by_platform(backend, record)
    await sending.settle()
    return record


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
