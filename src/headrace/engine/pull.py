"""Downloading: pages of assets or data -> files in a folder."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

from headrace.backend.base import Backend
from headrace.engine.naming import Wanted
from headrace.engine.paging import first_error
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.runner import run
from headrace.transfer.source import Item


async def pull(
    backend: Backend,
    wanted: AsyncIterable[list[Wanted]],
    folder: Path,
    *,
    force_replace: bool = False,
    durable: bool = False,
    max_workers: int | None = None,
    total: int | None = None,
    progress: OnProgress | None = None,
) -> TransferReport:
    """Bring files into ``folder``; what is there and complete stays.

    Raises PartialTransferError that holds the report where files failed.
    """
    renamed: dict[str, str] = {}

    async def items() -> AsyncIterator[list[Item]]:
        async for batch in wanted:
            for one in batch:
                # With use_id every file is called by its id: nothing to look up.
                if one.name != one.data.filename and not one.name.startswith(str(one.id)):
                    renamed[str(one.id)] = one.name
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
    report.renamed = renamed
    report.check("downloaded")
    return report


def _item(backend: Backend, wanted: Wanted) -> Item:
    data = wanted.data
    return Item(
        name=wanted.name,
        source=backend.file(data),
        size=data.size,
        sha256=data.sha256,
        id=str(wanted.id),
    )
