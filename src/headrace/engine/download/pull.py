"""Download pages of assets or data into a folder."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.cluster.executor import Executor
from headrace.engine.download.names import NamedFile
from headrace.engine.name_filter import NameFilter
from headrace.engine.paging import KeyListing, batched
from headrace.engine.versions.chosen import ChosenAssets
from headrace.errors import ConfigurationError
from headrace.folders.lakes import check_no_lake
from headrace.model.records import DataRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.protocol.operations.listing import PAGE_SIZE
from headrace.tasks import first_error
from headrace.threads import in_thread
from headrace.transfer.download.by_workers import BatchWorkers
from headrace.transfer.download.preview import preview
from headrace.transfer.download.run import run
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state.copier import LocalMedia
from headrace.transfer.state.failed import read_failures

_log = logging.getLogger("headrace.engine")


async def pull(
    backend: Backend,
    files: AsyncIterable[list[NamedFile]],
    folder: Path,
    *,
    force_replace: bool = False,
    durable: bool = False,
    dry_run: bool = False,
    max_workers: int | None = None,
    total: int | None = None,
    progress: OnProgress | None = None,
    some_files: bool = False,
    search_lakes: bool = True,
    media: LocalMedia = LocalMedia.COPY,
    executor: Executor | None = None,
) -> TransferReport:
    """Download files into a folder; files that are there and complete are skipped.

    A file that headrace did not write, or that was changed since, is kept.

    Args:
        backend: Backend of the files.
        files: Pages of files with their local names.
        folder: Folder to write to; it is created if missing.
        force_replace: Download all files: complete ones again, and others in place of what has their names.
        durable: Flush every file to the disk before it appears under its name.
        dry_run: Only compare the files with the folder, and write nothing.
        max_workers: Number of concurrent downloads. Default: the backend's limit.
        total: Number of files, for the progress.
        progress: Called with a progress event from time to time.
        some_files: The files are only some of those that belong into the folder.
        search_lakes: Refuse a folder that contains a lake, not only one that is a lake or lies in one.
        media: Whether the files of a lake are copied or linked.
        executor: What fetches small files in place of this process.

    Returns:
        The report. It lists the first 1,000 files whose local name is not their own, and names a file that lists all.

    Raises:
        ConfigurationError: Files of a server are to be linked.
        LakeError: The folder is a lake, contains one, or lies in one.
        PartialTransferError: Some files failed. It holds the report, and the failures are recorded in the folder.
    """
    if media is not LocalMedia.COPY and not backend.limits.local_files:
        raise ConfigurationError(
            f"media={media.value!r}: only the files of a lake can be linked",
            hint="download them with media='copy'",
        )
    await in_thread(check_no_lake, folder, below=search_lakes)
    with Progress("pull", "files", progress, total=total, phase="list") as counting:
        items = _items(backend, files, counting if total is None else None)
        if dry_run:
            counting.enter("plan")
            return await preview(items, folder, force_replace=force_replace, progress=counting)
        try:
            report = await run(
                items,
                folder,
                force_replace=force_replace,
                durable=durable,
                some_files=some_files,
                max_workers=backend.limits.max_workers if max_workers is None else max_workers,
                media=media,
                batch_workers=None if executor is None else _workers(executor, backend),
                progress=counting,
            )
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
    if report.kept:
        _log.warning(
            "%d files were not downloaded into %s: other files have their names, such as %s",
            report.kept,
            folder,
            report.kept_files[0],
        )
    report.check("downloaded")
    return report


def _workers(executor: Executor, backend: Backend) -> BatchWorkers:
    # Imported here, since the HTTP client that workers use is not loaded before something is opened.
    from headrace.engine.download.workers import DownloadWorkers

    return DownloadWorkers(executor, backend)


async def pull_files(
    backend: Backend,
    files: Sequence[NamedFile],
    folder: Path,
    *,
    force_replace: bool = False,
    max_workers: int | None = None,
    progress: OnProgress | None = None,
) -> TransferReport:
    """:func:`pull` for a list of files. Lakes below the folder are not searched for."""

    async def pages() -> AsyncIterator[list[NamedFile]]:
        for page in batched(files, PAGE_SIZE):
            yield page

    return await pull(
        backend,
        pages(),
        folder,
        force_replace=force_replace,
        max_workers=max_workers,
        total=len(files),
        progress=progress,
        some_files=True,
        search_lakes=False,
    )


async def pull_export(
    backend: Backend, file: DataRecord, folder: Path, renew: Callable[[], Awaitable[str]]
) -> None:
    """Download a file that the platform exported, which is no data of a lake, in place of one that is there.

    Args:
        backend: Backend of the file.
        file: Its name and its URL, which has just been received.
        folder: Folder to write to; it is created if missing.
        renew: Returns a new URL, where that one has expired.

    Raises:
        PartialTransferError: The file could not be downloaded.
    """

    async def items() -> AsyncIterator[list[Item]]:
        yield [Item(name=file.filename, source=backend.file(file, renew=renew))]

    await in_thread(check_no_lake, folder, below=False)
    with Progress("pull", "files", None, total=1) as counting:
        try:
            report = await run(
                items(), folder, force_replace=True, some_files=True, progress=counting
            )
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
    report.check("downloaded")


async def failed_before(
    backend: Backend, version_id: UUID, folder: Path, chosen: NameFilter
) -> AsyncIterator[list[NamedFile]]:
    """Yield the chosen files that failed in the last download into ``folder``, with the names they had then.

    Raises ConfigurationError if there is no record of failures, or if it is incomplete.
    """
    failures = await read_failures(folder)
    names = {UUID(failure.id): failure.name for failure in failures if failure.id}
    query = ListAssetsByKey(version_id=version_id)
    listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "ids", list(names))
    async for page in ChosenAssets(listed, chosen).pages():
        yield [NamedFile(id=asset.id, data=asset.data, name=names[asset.id]) for asset in page]


async def _items(
    backend: Backend, files: AsyncIterable[list[NamedFile]], counting: Progress | None
) -> AsyncIterator[list[Item]]:
    """Yield the files page by page; ``counting`` counts them where their number is not known before."""
    async for page in files:
        if counting is not None:
            counting.expect(len(page))
        yield [_item(backend, file) for file in page]
    if counting is not None:
        counting.listed()


def _item(backend: Backend, file: NamedFile) -> Item:
    data = file.data
    # With use_id every file is named by its id: there is nothing to look up.
    renamed = file.name != data.filename and not file.name.startswith(str(file.id))
    return Item(
        name=file.name,
        source=backend.file(data),
        size=data.size,
        sha256=data.sha256,
        id=str(file.id),
        own_name=data.filename if renamed else None,
    )
