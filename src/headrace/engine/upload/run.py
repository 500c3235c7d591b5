"""Upload files: request object names, send the bytes, register the data, in the order of the files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec import UNSET, Struct, structs

from headrace.backend.base import Backend, FileUpload
from headrace.engine.paging import batched
from headrace.engine.upload.file import UploadFile, measure
from headrace.engine.upload.group import UploadOutcome, upload_group
from headrace.engine.upload.reuse import digests_of, find_in_lake, find_repeated
from headrace.engine.upload.settle import is_unread, settle
from headrace.engine.upload.target import (
    ReusedData,
    UploadTarget,
    add_sizes,
    checked,
    description,
)
from headrace.errors import AuthenticationError, ConfigurationError, ConflictError, HeadraceError
from headrace.model.enums import ObjectDataType
from headrace.model.records import DatalakeRecord, DataRecord
from headrace.protocol.operations.datalake import REGISTER_DATA, RegisterData
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.operations.storage import GENERATE_OBJECT_NAME, GenerateObjectName
from headrace.protocol.operations.tags import ATTACH_TAG, TagTargets
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport

SMALL_BYTES = 1 << 20
"""Files of up to this size, in bytes, are uploaded in groups where the server supports that."""


class UploadResult(Struct, kw_only=True):
    """The outcome of an upload: the data of the files that succeeded, in order, and the report."""

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
    """Upload files to a datalake and register them.

    A file that the lake has already, with the same name, content and description, is not sent again; where neither
    the platform nor its storage reports digests, all files are sent. A file that fails is in the report and does not
    stop the others.

    Args:
        backend: Backend of the lake.
        organization_id: Organization of the lake.
        lake: Datalake for the files.
        files: Files to upload.
        tag_ids: Tags for all data, also for those that the lake has already.
        source_id: Data source of all data.
        upload_dir: Folder in the storage.
        max_workers: Number of concurrent uploads. Default: the backend's limit.
        progress: Called with a progress event from time to time.

    Returns:
        The data of the files that succeeded, in order, and the report.

    Raises:
        FileNotFoundError: A path is not a file; nothing was sent.
        AuthenticationError: The token is not valid, or expired during the upload.
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
    with Progress("push", "files", progress, total=len(files), phase="move") as counting:
        have = await _have(backend, target, files)
        report.skipped += len(have)
        counting.add(len(have))
        missing = [index for index in range(len(files)) if index not in have]
        uploaded = await upload_batch(
            backend,
            target,
            [files[index] for index in missing],
            report,
            counting,
            max_workers=max_workers,
        )
        found: dict[int, DataRecord | None] = {**have, **dict(zip(missing, uploaded, strict=True))}
    report.seconds = counting.seconds
    records = (found[index] for index in range(len(files)))
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
    """Upload files; return their data in order, None for a file that failed and is in the report.

    A file that occurs twice is sent once, unless the target is not to reuse data. Raises AuthenticationError for the whole call.
    """
    workers = backend.limits.concurrency if max_workers is None else max_workers
    if workers < 1:
        raise ConfigurationError(f"max_workers={workers} is too small", hint="give at least 1")
    if not files:
        return []
    same = await find_repeated(files) if target.reuse else {}
    sent = _SentFiles(files, report, progress)

    async def upload_one(index: int) -> None:
        try:
            sent.record(index, await _upload(backend, target, files[index]))
        except AuthenticationError:
            raise
        except (HeadraceError, OSError) as error:
            sent.record(index, error)

    small, large = _by_size(backend, files, same)
    step = backend.limits.uploads
    for start in range(0, len(small), step or 1):
        group = small[start : start + step]
        outcomes = await upload_group(
            backend, target, [files[index] for index in group], workers=workers
        )
        for index, outcome in zip(group, outcomes, strict=True):
            sent.record(index, outcome)
    await map_bounded(upload_one, large, concurrency=workers)
    found = await sent.settle(backend, target)
    for index, first in same.items():
        found[index] = found[first]
        if found[first] is None:
            report.failed += 1
        else:
            report.skipped += 1
    progress.add(len(same))
    return [found[index] for index in range(len(files))]


class _SentFiles:
    """What became of each file; those that the platform has still to read wait for :meth:`settle`."""

    def __init__(
        self, files: Sequence[UploadFile], report: TransferReport, progress: Progress
    ) -> None:
        self._files = files
        self._report = report
        self._progress = progress
        self._found: dict[int, DataRecord | None] = {}
        self._unread: dict[int, DataRecord | ReusedData] = {}

    def record(self, index: int, outcome: UploadOutcome) -> None:
        """Enter the outcome of a file into the report, unless the platform has still to read it."""
        file = self._files[index]
        record = _record_of(outcome)
        if record is None:
            assert isinstance(outcome, Exception)
            self._report.fail(file.filename, outcome)
            self._progress.fail()
        elif is_unread(record):
            assert not isinstance(outcome, Exception)
            self._unread[index] = outcome
            return
        elif isinstance(outcome, ReusedData):
            self._report.skipped += 1
            self._progress.add()
        else:
            self._report.moved += 1
            self._report.bytes += file.size
            self._progress.add(bytes=file.size)
        self._found[index] = record

    async def settle(self, backend: Backend, target: UploadTarget) -> dict[int, DataRecord | None]:
        """Wait for the files that are still to be read; return all data by index, None for a file that failed."""
        unread = {index: _record_of(outcome) for index, outcome in self._unread.items()}
        settled = await settle(
            backend, target.lake.id, {record.id: record for record in unread.values() if record}
        )
        for index, record in unread.items():
            assert record is not None
            outcome: UploadOutcome = settled[record.id]
            if isinstance(outcome, DataRecord) and isinstance(self._unread[index], ReusedData):
                outcome = ReusedData(outcome)
            self.record(index, outcome)
        return self._found


def _record_of(outcome: UploadOutcome) -> DataRecord | None:
    if isinstance(outcome, ReusedData):
        return outcome.record
    return outcome if isinstance(outcome, DataRecord) else None


def _by_size(
    backend: Backend, files: Sequence[UploadFile], same: Collection[int]
) -> tuple[list[int], list[int]]:
    """Return the indices of the files to upload in groups, and of those to upload one by one."""
    most = SMALL_BYTES if backend.limits.uploads else -1
    sent = [index for index in range(len(files)) if index not in same]
    return (
        [index for index in sent if files[index].size <= most],
        [index for index in sent if files[index].size > most],
    )


async def _have(
    backend: Backend, target: UploadTarget, files: Sequence[UploadFile]
) -> dict[int, DataRecord]:
    """Return the data that the lake has already with the same description, by index, and tag them."""
    if not files or target.source_id is not None:
        return {}
    in_lake = await find_in_lake(backend, target.lake.id, files)
    found = {}
    for index, file in enumerate(files):
        record = in_lake.get(str(file.path))
        if record is not None and _has_same_description(record, file):
            found[index] = record
    if found:
        ids = list({record.id: None for record in found.values()})
        for tag_id in target.tag_ids:
            for piece in batched(ids, IDS_PER_CALL):
                await backend.call(ATTACH_TAG, TagTargets(tag_id=tag_id, ids=piece))
    return found


def _has_same_description(record: DataRecord, file: UploadFile) -> bool:
    described = (file.metadata or None, file.custom_metadata)
    return described == (record.metadata or None, record.custom_metadata)


async def _upload(
    backend: Backend, target: UploadTarget, file: UploadFile
) -> DataRecord | ReusedData:
    connector = target.connector
    async with backend.upload(file.path, connector_id=connector) as upload:
        if upload.object_name is not None:
            try:
                return await _send(backend, target, file, upload, upload.object_name)
            except ConflictError:
                # An earlier run registered it with another description.
                await upload.finish()
        named = await backend.call(
            GENERATE_OBJECT_NAME,
            GenerateObjectName(
                organization_id=target.organization_id,
                connector_id=connector,
                filename=file.basename,
                type=ObjectDataType.DATA,
                upload_dir=target.upload_dir or UNSET,
            ),
        )
        return await _send(backend, target, file, upload, named.object_name)


async def _send(
    backend: Backend, target: UploadTarget, file: UploadFile, upload: FileUpload, object_name: str
) -> DataRecord | ReusedData:
    sent = await upload.send(object_name, file.media_type)
    described = description(backend, target, file, object_name, sent)
    if sent.direct and backend.limits.extensions:
        await in_thread(add_sizes, [(file, described)])
        if sent.sha256 is None:
            (digest,) = await in_thread(digests_of, [file])
            described.sha256 = digest or UNSET
    record = await backend.call(
        REGISTER_DATA, RegisterData(datalake_id=target.lake.id, **structs.asdict(described))
    )
    outcome = await checked(backend, file, sent, object_name, record)
    await upload.finish()
    return outcome
