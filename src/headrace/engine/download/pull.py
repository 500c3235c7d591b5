"""Downloading: pages of assets or data -> files in a folder."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

from anyio import CancelScope

from headrace.backend.base import Backend
from headrace.engine.download.names import NamedFile
from headrace.engine.paging import KeyListing, batched
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.protocol.operations.listing import PAGE_SIZE
from headrace.tasks import first_error
from headrace.threads import in_thread
from headrace.transfer.download.run import run
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state.failed import read_failures, write_failures
from headrace.transfer.state.name_map import NameMap

MAX_RENAMED = 1_000


async def pull(
    backend: Backend,
    wanted: AsyncIterable[list[NamedFile]],
    folder: Path,
    *,
    force_replace: bool = False,
    durable: bool = False,
    max_workers: int | None = None,
    total: int | None = None,
    progress: OnProgress | None = None,
) -> TransferReport:
    """Bring files into ``folder``; what is there and complete stays.

    Which file got another name than its own is told in full by ``folder/.headrace/names.jsonl``; the report names the
    first 1,000. Raises PartialTransferError that holds the report where files failed.
    """
    renamed: dict[str, str] = {}
    names = NameMap(folder)

    async def items() -> AsyncIterator[list[Item]]:
        async for batch in wanted:
            for one in batch:
                # With use_id every file is called by its id: nothing to look up.
                if one.name != one.data.filename and not one.name.startswith(str(one.id)):
                    names.add(str(one.id), one.data.filename, one.name)
                    if len(renamed) < MAX_RENAMED:
                        renamed[str(one.id)] = one.name
            await in_thread(names.write)
            yield [_item(backend, one) for one in batch]

    with Progress("pull", "files", progress, total=total) as counting:
        try:
            report = await run(
                items(),
                folder,
                force_replace=force_replace,
                durable=durable,
                max_workers=backend.limits.max_workers if max_workers is None else max_workers,
                progress=counting,
            )
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        finally:
            with CancelScope(shield=True):
                await in_thread(names.close)
    report.renamed = renamed
    await in_thread(write_failures, folder, report)
    report.check("downloaded")
    return report


async def pull_files(
    backend: Backend,
    files: Sequence[NamedFile],
    folder: Path,
    *,
    force_replace: bool = False,
    max_workers: int | None = None,
    progress: OnProgress | None = None,
) -> TransferReport:
    """:func:`pull` for a list of files."""

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
    )


async def failed_before(
    backend: Backend, version_id: UUID, folder: Path
) -> AsyncIterator[list[NamedFile]]:
    """What the last run into ``folder`` could not fetch, under the names that it had then.

    Raises ConfigurationError where the last run left no list, or more failures than it lists.
    """
    failures = await in_thread(read_failures, folder)
    names = {UUID(failure.id): failure.name for failure in failures if failure.id}
    query = ListAssetsByKey(version_id=version_id)
    listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "ids", list(names))
    async for page in listed.pages():
        yield [NamedFile(id=asset.id, data=asset.data, name=names[asset.id]) for asset in page]


def _item(backend: Backend, wanted: NamedFile) -> Item:
    data = wanted.data
    return Item(
        name=wanted.name,
        source=backend.file(data),
        size=data.size,
        sha256=data.sha256,
        id=str(wanted.id),
    )
