"""Push files from disk into a version: data in the lake, then assets of the version, batch by batch.

Each batch is compared with the lake, uploaded where missing, and added to the version. An interrupted push leaves
complete batches, which the next run finds.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import anyio

from headrace.backend.base import Backend
from headrace.engine.name_filter import NameFilter
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.folders import FilesToPush
from headrace.engine.upload.push_batch import PushReport, count_unusable, plan_batch, push_batch
from headrace.engine.upload.push_version import ensure_version, find_version
from headrace.engine.upload.stored import Claims
from headrace.engine.upload.target import UploadTarget
from headrace.engine.upload.urls import UrlList
from headrace.errors import (
    ConfigurationError,
    NoDataError,
)
from headrace.model.enums import InferenceType
from headrace.model.records import DatalakeRecord
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.state.failed import read_failures, write_failures
from headrace.transfer.state.workspace import FOLDER

if TYPE_CHECKING:
    from headrace.engine.upload.fetch import FetchOptions, UrlFetcher


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
        found = await find_version(backend, organization_id, dataset, version, report)
        report.files = report.uploaded = report.assets = url_count
        with Progress("push", "files", progress, total=total, phase="plan") as counting:
            counting.add(url_count)
            async for batch in files.batches():
                count_unusable(batch, report)
                await plan_batch(backend, lake, found, batch.files, report, claims)
                counting.add(len(batch))
        return _checked(report, counting, on_error)
    record = await ensure_version(backend, organization_id, dataset, version, type, report)
    target = UploadTarget(organization_id=organization_id, lake=lake, tag_ids=list(tag_ids))
    with Progress("push", "files", progress, total=total, phase="list") as counting:
        async for batch in files.batches():
            count_unusable(batch, report)
            counting.add(len(batch.unusable))
            await push_batch(
                backend, target, record, batch.files, report, counting, claims, max_workers
            )
        if fetch is not None and url_count:
            from headrace.engine.upload.fetch import UrlFetcher  # loads an HTTP client

            push_files = partial(
                push_batch,
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
            count_unusable(batch, report)
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
