"""Uploading: files -> object names -> bytes -> registered data, in the order of the files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec import UNSET, Struct, structs

from headrace.backend.base import Backend, Sending
from headrace.engine.upload.file import UploadFile, content_type, measure
from headrace.engine.upload.group import UploadOutcome, upload_group
from headrace.engine.upload.reuse import known, repeated
from headrace.engine.upload.target import UploadTarget, checked, description
from headrace.errors import AuthenticationError, ConfigurationError, ConflictError, HeadraceError
from headrace.model.enums import ObjectDataType
from headrace.model.records import DatalakeRecord, DataRecord
from headrace.protocol.operations.datalake import REGISTER_DATA, RegisterData
from headrace.protocol.operations.storage import GENERATE_OBJECT_NAME, GenerateObjectName
from headrace.protocol.operations.tags import ATTACH_TAG, TagTargets
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport

SMALL_BYTES = 1 << 20
"""Files up to this size go by the group, where the other side takes groups."""


class UploadResult(Struct, kw_only=True):
    """What came of an upload: the data of the files that worked, in order, and the report."""

    records: list[DataRecord]
    report: TransferReport


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
) -> UploadResult:
    """Upload files and register them; one that fails is in the report and does not stop the others.

    What the lake has already, by the same name and described alike, is not sent again.
    Raises FileNotFoundError before anything is sent where a path is no file.
    """
    target = UploadTarget(
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
    return UploadResult(records=[record for record in records if record], report=report)


async def upload_batch(
    backend: Backend,
    target: UploadTarget,
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
    found: dict[int, DataRecord | None] = {}

    def enter(place: int, outcome: UploadOutcome) -> None:
        file = files[place]
        if isinstance(outcome, DataRecord):
            found[place] = outcome
            report.moved += 1
            report.bytes += file.size
            progress.add(bytes=file.size)
        else:
            found[place] = None
            report.fail(file.filename, outcome)
            progress.add()

    async def one(place: int) -> None:
        try:
            enter(place, await _upload(backend, target, files[place]))
        except AuthenticationError:
            raise
        except (HeadraceError, OSError) as error:
            enter(place, error)

    small, large = _by_size(backend, files, same)
    step = backend.limits.uploads
    for start in range(0, len(small), step or 1):
        group = small[start : start + step]
        outcomes = await upload_group(
            backend, target, [files[place] for place in group], workers=workers
        )
        for place, outcome in zip(group, outcomes, strict=True):
            enter(place, outcome)
    await map_bounded(one, large, concurrency=workers)
    for place, first in same.items():
        found[place] = found[first]
        if found[first] is None:
            report.failed += 1
        else:
            report.skipped += 1
    progress.add(len(same))
    return [found[place] for place in range(len(files))]


def _by_size(
    backend: Backend, files: Sequence[UploadFile], same: Collection[int]
) -> tuple[list[int], list[int]]:
    """The places of the files that go by the group, and of those that go one by one."""
    most = SMALL_BYTES if backend.limits.uploads else -1
    sent = [place for place in range(len(files)) if place not in same]
    return (
        [place for place in sent if files[place].size <= most],
        [place for place in sent if files[place].size > most],
    )


async def _have(
    backend: Backend, target: UploadTarget, files: Sequence[UploadFile]
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


async def _upload(backend: Backend, target: UploadTarget, file: UploadFile) -> DataRecord:
    connector = target.connector
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
    backend: Backend, target: UploadTarget, file: UploadFile, sending: Sending, object_name: str
) -> DataRecord:
    sent = await sending.send(object_name, content_type(file.filename))
    described = description(target, file, object_name)
    record = await backend.call(
        REGISTER_DATA, RegisterData(datalake_id=target.lake.id, **structs.asdict(described))
    )
    record = await checked(backend, file, sent, record)
    await sending.settle()
    return record
