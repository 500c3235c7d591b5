"""Push one batch of files, and count it: find them in the lake, upload what is missing, and add all to the version."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.folders import FileBatch
from headrace.engine.upload.reuse import find_in_lake, find_repeated
from headrace.engine.upload.run import upload_batch
from headrace.engine.upload.stored import Claims
from headrace.engine.upload.target import UploadTarget
from headrace.engine.versions.jobs import add_data, wait_for
from headrace.errors import (
    locked_version,
)
from headrace.model.records import DatalakeRecord, DatasetVersionRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport


class PushReport(Struct, kw_only=True):
    """The outcome of a push.

    Attributes:
        version: The version, as ``dataset/version``.
        files: Images and videos that were found.
        uploaded: Files that are new in the lake.
        reused: Files that the lake had already.
        assets: Assets that are new in the version.
        ignored: Other files in the folders.
        masks: Images in folders of masks (Pascal VOC, panoptic COCO), which are left out.
        links: Links to folders outside, which were not searched.
        created_dataset: True if the dataset was created.
        created_version: True if the version was created.
        dry_run: True if nothing was written; the counts are those that a push would have.
        transfer: Bytes, seconds and failures of the upload.
    """

    version: str
    files: int = 0
    uploaded: int = 0
    reused: int = 0
    assets: int = 0
    ignored: int = 0
    masks: int = 0
    links: int = 0
    created_dataset: bool = False
    created_version: bool = False
    dry_run: bool = False
    transfer: TransferReport = field(default_factory=TransferReport)


def count_unusable(batch: FileBatch, report: PushReport) -> None:
    """Count the files of a batch that cannot be read."""
    report.files += len(batch.unusable)
    for file, error in batch.unusable:
        report.transfer.fail(file.filename, error)


async def plan_batch(
    backend: Backend,
    lake: DatalakeRecord,
    version: DatasetVersionRecord | None,
    batch: list[UploadFile],
    report: PushReport,
    claims: Claims,
) -> None:
    """Count what a push would do with a batch."""
    have = await find_in_lake(backend, lake.id, batch, claims=claims)
    missing = [file for file in batch if str(file.path) not in have]
    uploaded = len(missing) - len(await find_repeated(missing))
    report.files += len(batch)
    report.uploaded += uploaded
    report.reused += len(batch) - uploaded
    report.transfer.moved, report.transfer.skipped = report.uploaded, report.reused
    ids = list({record.id for record in have.values()})
    there = set() if version is None else await _data_there(backend, version.id, ids)
    report.assets += uploaded + len(ids) - len(there)


async def push_batch(
    backend: Backend,
    target: UploadTarget,
    version: DatasetVersionRecord,
    batch: list[UploadFile],
    report: PushReport,
    progress: Progress,
    claims: Claims,
    max_workers: int | None,
) -> None:
    """Push a batch, and count it.

    Raises:
        LockedError: Files are missing in the lake, and the version is locked.
    """
    have = await find_in_lake(backend, target.lake.id, batch, claims=claims)
    missing = [file for file in batch if str(file.path) not in have]
    if missing and version.is_locked is True:
        # The version would refuse the files, so say it before they are sent.
        raise locked_version(f"{version.origin_name}/{version.version}")
    progress.add(len(batch) - len(missing))
    progress.enter("move" if missing else "register")
    uploaded = await upload_batch(
        backend, target, missing, report.transfer, progress, max_workers=max_workers
    )
    fresh = {str(file.path): record for file, record in zip(missing, uploaded, strict=True)}
    for file, data in zip(missing, uploaded, strict=True):
        if data is not None:
            claims.note(data.id, file.path)
    there = await _data_there(backend, version.id, {record.id for record in have.values()})
    records = [have.get(str(file.path)) or fresh.get(str(file.path)) for file in batch]
    report.files += len(batch)
    report.transfer.skipped += len(have)
    report.reused = report.transfer.skipped
    report.uploaded = report.transfer.moved
    progress.enter("register")
    # What was uploaded just now is in no version; what was found in the lake may be in this one.
    ids = dict.fromkeys(record.id for record in records if record and record.id not in there)
    report.assets += await _add(backend, version.id, list(ids))


async def _add(backend: Backend, version_id: UUID, wanted: list[UUID]) -> int:
    """Add data to the version; return the number of new assets."""
    jobs = [await wait_for(backend, job) for job in await add_data(backend, version_id, wanted)]
    # Another push may have added some of them meanwhile. Not every platform counts what a job has added.
    counts = [job.done for job in jobs if isinstance(job.done, int)]
    return sum(counts) if jobs and len(counts) == len(jobs) else len(wanted)


async def _data_there(backend: Backend, version_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Return those of the data that the version has as assets."""
    if not ids:
        return set()
    query = ListAssetsByKey(version_id=version_id)
    listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "data_ids", ids)
    return {asset.data.id async for page in listed.pages() for asset in page}
