"""Say what a download would do, without writing anything."""

from __future__ import annotations

from collections.abc import AsyncIterable
from pathlib import Path

from headrace.threads import in_thread
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state.local_file import LocalFiles, Sorted
from headrace.transfer.state.workspace import journal_of


async def preview(
    batches: AsyncIterable[list[Item]],
    folder: Path,
    *,
    force_replace: bool = False,
    progress: Progress,
) -> TransferReport:
    """Compare all items with a folder, which need not exist.

    Args:
        batches: The items, page by page.
        folder: The target of the download.
        force_replace: Whether all files would be fetched.
        progress: Counts the files.

    Returns:
        The numbers of files that would be moved, skipped and kept. Files without a known size count no bytes.
    """
    report = TransferReport(dry_run=True)
    files = await in_thread(_open, folder)
    async for batch in batches:
        found = Sorted(missing=batch) if force_replace else await in_thread(files.sort, batch)
        report.moved += len(found.missing)
        report.bytes += sum(item.size or 0 for item in found.missing)
        report.skipped += found.complete
        for item in found.kept:
            report.keep(item.name)
        for item in batch:
            if item.own_name is not None:
                report.rename(item.id, item.name)
        progress.add(len(batch))
    report.seconds = progress.seconds
    return report


def _open(folder: Path) -> LocalFiles:
    files = LocalFiles(folder, journal_of(folder))
    files.open()
    return files
