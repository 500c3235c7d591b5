"""List both sides of a copy into its journal, and follow changed metadata."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.engine.copy.journal import Journal
from headrace.engine.copy.journal_rows import Listed, Present
from headrace.engine.copy.report import CopyReport
from headrace.engine.copy.sides import CopySide, metadata_digest
from headrace.engine.name_filter import NameFilter
from headrace.engine.paging import CursorListing, PageSource
from headrace.engine.versions.chosen import ChosenAssets, chosen_assets
from headrace.model.records import AssetRecord, DataRecord
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.protocol.operations.datalake import (
    UPDATE_CUSTOM_METADATA,
    UPDATE_DATA,
    UpdateCustomMetadata,
    UpdateData,
)
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import Progress


def listing_of(source: CopySide, q: str | None, chosen: NameFilter) -> PageSource[AssetRecord]:
    """Return the listing of the assets that are to be copied, newest first."""
    if q is None:
        return chosen_assets(source.backend, source.version.id, chosen)
    query = ListAssets(version_id=source.version.id, q=q)
    listing = CursorListing(source.backend, LIST_ASSETS, query)
    return ChosenAssets(listing, chosen) if chosen else listing


async def list_target(target: CopySide, journal: Journal) -> int:
    """Note the assets of the target version; return how many it lost since the last copy."""
    query = ListAssets(version_id=target.version.id)
    async for page in CursorListing(target.backend, LIST_ASSETS, query).pages():
        present = [
            Present(
                asset.id,
                asset.data.id,
                asset.data.filename,
                _sha256(asset.data),
                asset.data.size,
                *_pixels(asset.data),
            )
            for asset in page
        ]
        await in_thread(journal.list_target, present)
    return await in_thread(journal.forget_missing)


async def list_source(
    source: CopySide,
    target: CopySide,
    journal: Journal,
    listing: PageSource[AssetRecord],
    report: CopyReport,
    progress: Progress,
    *,
    follow: bool,
) -> None:
    """Note the assets of the source, and update the metadata of files that this copy made, where it has changed.

    Args:
        source: The source.
        target: The target.
        journal: Gets the assets.
        listing: The assets.
        report: Gets the counts.
        progress: Counts the assets.
        follow: Whether metadata is updated.
    """
    async for page in listing.pages():
        listed = [
            Listed(
                asset.id,
                asset.data.id,
                asset.data.filename,
                asset.data.size,
                *_pixels(asset.data),
                _sha256(asset.data),
            )
            for asset in page
        ]
        await in_thread(journal.list_source, listed, report.assets)
        report.assets += len(page)
        progress.add(0)
        if follow:
            await _follow_metadata(target, journal, page, report)


async def _follow_metadata(
    target: CopySide, journal: Journal, page: Sequence[AssetRecord], report: CopyReport
) -> None:
    data = {asset.id: asset.data for asset in page}
    rows = await in_thread(journal.rows_of, list(data))
    changed = [
        (row.no, row.target_data, data[row.source])
        for row in rows
        if row.own and row.target_data is not None
        if row.metadata is not None and row.metadata != metadata_digest(data[row.source])
    ]

    async def update(each: tuple[int, UUID, DataRecord]) -> None:
        _, data_id, wanted = each
        await target.backend.call(
            UPDATE_DATA, UpdateData(data_id=data_id, metadata=wanted.metadata)
        )
        request = UpdateCustomMetadata(data_id=data_id, custom_metadata=wanted.custom_metadata)
        await target.backend.call(UPDATE_CUSTOM_METADATA, request)

    if changed:
        await map_bounded(update, changed, concurrency=target.backend.limits.concurrency)
        digests = [(no, metadata_digest(wanted)) for no, _, wanted in changed]
        await in_thread(journal.set_metadata, digests)
        report.metadata += len(changed)


def _pixels(data: DataRecord) -> tuple[int | None, int | None]:
    return (None, None) if data.meta is None else (data.meta.width, data.meta.height)


def _sha256(data: DataRecord) -> bytes | None:
    return None if data.sha256 is None else bytes.fromhex(data.sha256)
