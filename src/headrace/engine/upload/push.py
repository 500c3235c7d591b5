"""Push files from disk into a version: data in the lake, then assets of the version, batch by batch.

Each batch is compared with the lake, uploaded where missing, and added to the version. An interrupted push leaves
complete batches, which the next run finds.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import anyio
from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.name_filter import NameFilter
from headrace.engine.paging import KeyListing
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.folders import FileBatch, FilesToPush
from headrace.engine.upload.reuse import find_in_lake, find_repeated
from headrace.engine.upload.run import upload_batch
from headrace.engine.upload.stored import Claims
from headrace.engine.upload.target import UploadTarget
from headrace.engine.upload.urls import UrlList
from headrace.engine.versions.jobs import add_data, wait_for
from headrace.errors import (
    ConfigurationError,
    ConflictError,
    NoDataError,
    NotFoundError,
    locked_version,
)
from headrace.model.enums import InferenceType
from headrace.model.records import DatalakeRecord, DatasetVersionRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.protocol.operations.datasets import (
    CREATE_DATASET,
    CREATE_VERSION,
    FIND_DATASET,
    FIND_VERSION,
    CreateDataset,
    CreateVersion,
    FindDataset,
    FindVersion,
)
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.state.failed import read_failures, write_failures
from headrace.transfer.state.workspace import FOLDER

if TYPE_CHECKING:
    from headrace.engine.upload.fetch import FetchOptions, UrlFetcher


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


async def push(
    backend: Backend,
    organization_id: UUID,
    lake: DatalakeRecord,
    dataset: str,
    version: str,
    paths: Sequence[Path],
    *,
    type: InferenceType = InferenceType.NOT_CONFIGURED,
    tag_ids: Sequence[UUID] = (),
    max_workers: int | None = None,
    state: Path | None = None,
    retry_failed: bool = False,
    chosen: NameFilter | None = None,
    follow_links: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
    urls: Sequence[str] = (),
    fetch: FetchOptions | None = None,
    dry_run: bool = False,
    progress: OnProgress | None = None,
) -> PushReport:
    """Upload images and videos and add them to a version. The dataset and the version are created if missing.

    Args:
        backend: Backend to push to.
        organization_id: Organization of the dataset.
        lake: Datalake for the files.
        dataset: Name of the dataset.
        version: Name of the version.
        paths: Files and folders.
        type: Type of the version, if it is created.
        tag_ids: Tags for new data.
        max_workers: Number of concurrent uploads. Default: the backend's limit.
        state: Folder in which the failures of each push are recorded.
        retry_failed: Push only the files that failed in the last push.
        chosen: Chooses files by their names.
        follow_links: Read links that lead out of a folder.
        urls: URLs of images; those in the list of names of ``chosen`` are pushed too.
        fetch: How to fetch URLs. Default: they are refused.
        on_error: Whether files that fail raise in the end (``raise``), or are only reported (``skip``).
        dry_run: Only report what would be uploaded and added.
        progress: Called with a progress event from time to time.

    Returns:
        What was uploaded and added.

    Raises:
        FileNotFoundError: A path does not exist; nothing was created.
        NoDataError: There are no images or videos; nothing was created.
        ConfigurationError: ``retry_failed``, and the last push recorded no failures.
        PartialTransferError: Some files failed; the others were pushed.
        RefusedUrlError: There are URLs, and ``fetch`` is not given; nothing was created.
    """
    failures_folder = None if state is None else state / "pushes" / _key(backend, dataset, version)
    only = None
    if retry_failed:
        only = await _failed_before(failures_folder, f"{dataset}/{version}")
    chosen = chosen or NameFilter()
    files = FilesToPush(paths, chosen, only, follow_links, skip=on_error == "skip")
    with Progress("push", "files", progress, phase="list"):
        counts = await in_thread(files.count)
    listed = UrlList(urls, chosen, only)
    url_count = await in_thread(listed.count)
    if url_count and fetch is None:
        await in_thread(listed.refuse, url_count)
    if counts.media + url_count == 0:
        chosen.check_any(0, "the files")
        names = ", ".join(str(path) for path in paths[:3])
        raise NoDataError(f"no images or videos in {names}", hint="give images, videos or folders")
    report = PushReport(
        version=f"{dataset}/{version}",
        ignored=counts.others,
        masks=counts.masks,
        links=counts.links,
        dry_run=dry_run,
    )
    total = counts.media + url_count
    claims = Claims(track=len(paths) > 1)
    if dry_run:
        found = await _find_version(backend, organization_id, dataset, version, report)
        report.files = report.uploaded = report.assets = url_count
        with Progress("push", "files", progress, total=total, phase="plan") as counting:
            counting.add(url_count)
            async for batch in files.batches():
                _count_unusable(batch, report)
                await _plan_batch(backend, lake, found, batch.files, report, claims)
                counting.add(len(batch))
        return _checked(report, counting, on_error)
    record = await _ensure_version(backend, organization_id, dataset, version, type, report)
    target = UploadTarget(organization_id=organization_id, lake=lake, tag_ids=list(tag_ids))
    with Progress("push", "files", progress, total=total, phase="list") as counting:
        async for batch in files.batches():
            _count_unusable(batch, report)
            counting.add(len(batch.unusable))
            await _push_batch(
                backend, target, record, batch.files, report, counting, claims, max_workers
            )
        if fetch is not None and url_count:
            from headrace.engine.upload.fetch import UrlFetcher  # loads an HTTP client

            push_files = partial(
                _push_batch,
                backend,
                target,
                record,
                report=report,
                progress=counting,
                claims=claims,
                max_workers=max_workers,
            )
            folder = None if state is None else state / "fetches" / _key(backend, dataset, version)
            async with _staging(folder) as staging:
                await _push_urls(listed, UrlFetcher(staging, fetch, progress), push_files, report)
    if failures_folder is not None:
        await in_thread(_record_failures, failures_folder, report.transfer)
    return _checked(report, counting, on_error)


@asynccontextmanager
async def _staging(folder: Path | None) -> AsyncIterator[Path]:
    """Yield a folder for what is fetched: the given one, or a temporary one."""
    if folder is not None:
        yield folder
        return
    temporary = await in_thread(tempfile.mkdtemp, prefix="headrace-")
    try:
        yield Path(temporary)
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(shutil.rmtree, temporary, ignore_errors=True)


async def _push_urls(
    urls: UrlList,
    fetcher: UrlFetcher,
    push_files: Callable[[list[UploadFile]], Awaitable[None]],
    report: PushReport,
) -> None:
    """Fetch images batch by batch, and push each batch."""
    transfer = report.transfer
    async with fetcher:
        async for images in urls.batches():
            wanted = [image for image in images if not fetcher.is_done(image)]
            report.files += len(images) - len(wanted)
            transfer.skipped += len(images) - len(wanted)
            batch = await fetcher.fetch(wanted)
            _count_unusable(batch, report)
            before = len(transfer.failures)
            await push_files(batch.files)
            failed = {each.name for each in transfer.failures[before:]}
            if transfer.failed == len(transfer.failures):  # else not all of them are listed
                done = [file for file in batch.files if file.filename not in failed]
                await fetcher.pushed(wanted, done)


def _checked(report: PushReport, counting: Progress, on_error: str) -> PushReport:
    report.transfer.seconds = counting.seconds
    if on_error == "raise":
        report.transfer.check("uploaded")
    return report


def _count_unusable(batch: FileBatch, report: PushReport) -> None:
    report.files += len(batch.unusable)
    for file, error in batch.unusable:
        report.transfer.fail(file.filename, error)


async def _plan_batch(
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


async def _push_batch(
    backend: Backend,
    target: UploadTarget,
    version: DatasetVersionRecord,
    batch: list[UploadFile],
    report: PushReport,
    progress: Progress,
    claims: Claims,
    max_workers: int | None,
) -> None:
    have = await find_in_lake(backend, target.lake.id, batch, claims=claims)
    missing = [file for file in batch if str(file.path) not in have]
    if missing and version.is_locked is True:
        # Told before the files are sent, which the version would then refuse.
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


async def _find_version(
    backend: Backend, organization_id: UUID, dataset: str, version: str, report: PushReport
) -> DatasetVersionRecord | None:
    """Return the version; None, and what would be created in the report, if it does not exist."""
    report.created_dataset = report.created_version = True
    with contextlib.suppress(NotFoundError):
        found = await backend.call(
            FIND_DATASET, FindDataset(organization_id=organization_id, name=dataset)
        )
        report.created_dataset = False
        record = await backend.call(FIND_VERSION, FindVersion(dataset_id=found.id, version=version))
        report.created_version = False
        return record
    return None


async def _ensure_version(
    backend: Backend,
    organization_id: UUID,
    dataset: str,
    version: str,
    type: InferenceType,
    report: PushReport,
) -> DatasetVersionRecord:
    find = FindDataset(organization_id=organization_id, name=dataset)
    try:
        found = await backend.call(FIND_DATASET, find)
    except NotFoundError:
        try:
            create = CreateDataset(organization_id=organization_id, name=dataset)
            found = await backend.call(CREATE_DATASET, create)
            report.created_dataset = True
        except ConflictError:
            found = await backend.call(FIND_DATASET, find)
    wanted = FindVersion(dataset_id=found.id, version=version)
    try:
        return await backend.call(FIND_VERSION, wanted)
    except NotFoundError:
        try:
            request = CreateVersion(dataset_id=found.id, version=version, type=type)
            created = await backend.call(CREATE_VERSION, request)
        except ConflictError:
            return await backend.call(FIND_VERSION, wanted)
        report.created_version = True
        return created


def _key(backend: Backend, dataset: str, version: str) -> str:
    """Return the name of the folder for the failures of pushes into one version."""
    name = f"{backend.name}\0{dataset}\0{version}"
    return blake2b(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def _record_failures(folder: Path, report: TransferReport) -> None:
    """Record the failures for the next run. If that is impossible, the next run checks all files."""
    with contextlib.suppress(OSError):
        if report.failed:
            (folder / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / FOLDER).is_dir():
            write_failures(folder, report)


async def _failed_before(folder: Path | None, version: str) -> set[str]:
    try:
        return set() if folder is None else {each.name for each in await read_failures(folder)}
    except ConfigurationError as error:
        raise ConfigurationError(
            f"the last push into {version} recorded no failures", hint=error.hint
        ) from None
