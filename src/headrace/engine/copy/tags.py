"""Copy the tags of assets, of their data, and of the version, tag by tag.

The source is asked once for each tag which assets carry it, not once for each asset which tags it carries.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from headrace.engine.copy.journal import Journal
from headrace.engine.copy.journal_rows import Row
from headrace.engine.copy.report import CopyReport
from headrace.engine.copy.sides import CopySide
from headrace.engine.paging import CursorListing, batched
from headrace.errors import NotFoundError
from headrace.model.enums import TagTarget
from headrace.model.records import TagRecord
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.protocol.operations.datalake import LIST_DATALAKES, ListDatalakes
from headrace.protocol.operations.datasets import GET_VERSION, VersionId
from headrace.protocol.operations.tags import (
    ATTACH_TAG,
    CREATE_ASSET_TAG,
    CREATE_DATA_TAG,
    CREATE_TAG,
    FIND_ASSET_TAG,
    FIND_DATA_TAG,
    LIST_ASSET_TAGS,
    LIST_DATA_TAGS,
    LIST_TAGS,
    AssetTagName,
    DataTagName,
    ListAssetTags,
    ListDataTags,
    ListOrganizationTags,
    OrganizationTagName,
    TagTargets,
)
from headrace.protocol.query import any_of
from headrace.threads import in_thread

ASSET, DATA = "asset", "data"
_TARGETS_OF_A_CALL = 10_000
MakeTag = Callable[[str], Awaitable[UUID]]


async def copy_tags(
    source: CopySide, target: CopySide, journal: Journal, report: CopyReport, *, shared: bool
) -> None:
    """Attach the tags of the source's assets and data to those of the target.

    Args:
        source: The source.
        target: The target.
        journal: Says which asset became which.
        report: Gets the number of tags that were attached.
        shared: Whether both sides have the same data, with their tags.
    """
    request = ListAssetTags(version_id=source.version.id)
    for tag in (await source.backend.call(LIST_ASSET_TAGS, request)).items:
        await _copy(
            source, journal, report, ASSET, tag.name, "tags.name", _asset_tags(target), target
        )
    if not shared:
        for name in await _data_tag_names(source):
            await _copy(
                source, journal, report, DATA, name, "data.tags.name", _data_tags(target), target
            )
    await _copy_version_tags(source, target, report)


async def _copy(
    source: CopySide,
    journal: Journal,
    report: CopyReport,
    kind: str,
    name: str,
    field: str,
    make: MakeTag,
    target: CopySide,
) -> None:
    """Attach one tag to all assets, or data, that carry it at the source and do not carry it at the target yet."""
    query = ListAssets(version_id=source.version.id, q=any_of(field, [name]))
    listing = CursorListing(source.backend, LIST_ASSETS, query)
    tag_id: UUID | None = None
    async for page in listing.pages():
        rows = await in_thread(journal.rows_of, [asset.id for asset in page])
        there = [row for row in rows if row.target is not None]
        new = await in_thread(journal.untagged, kind, name, there)
        if not new:
            continue
        tag_id = tag_id or await make(name)
        for piece in batched(new, _TARGETS_OF_A_CALL):
            ids = [_target_of(kind, row) for row in piece]
            targets = TagTargets(tag_id=tag_id, ids=[each for each in ids if each is not None])
            await target.backend.call(ATTACH_TAG, targets)
            await in_thread(journal.set_tagged, kind, name, piece)
            report.tags += len(piece)


def _target_of(kind: str, row: Row) -> UUID | None:
    return row.target if kind == ASSET else row.target_data


def _asset_tags(target: CopySide) -> MakeTag:
    async def make(name: str) -> UUID:
        request = AssetTagName(version_id=target.version.id, name=name)
        try:
            return (await target.backend.call(FIND_ASSET_TAG, request)).id
        except NotFoundError:
            return (await target.backend.call(CREATE_ASSET_TAG, request)).id

    return make


def _data_tags(target: CopySide) -> MakeTag:
    async def make(name: str) -> UUID:
        request = DataTagName(datalake_id=target.lake.id, name=name)
        try:
            return (await target.backend.call(FIND_DATA_TAG, request)).id
        except NotFoundError:
            return (await target.backend.call(CREATE_DATA_TAG, request)).id

    return make


async def _data_tag_names(source: CopySide) -> list[str]:
    """Return the names of the tags of all datalakes; which of them hold data of the version is not known."""
    request = ListDatalakes(organization_id=source.organization_id)
    lakes = (await source.backend.call(LIST_DATALAKES, request)).items
    names: dict[str, None] = {}
    for lake in lakes:
        listed = await source.backend.call(LIST_DATA_TAGS, ListDataTags(datalake_id=lake.id))
        names |= dict.fromkeys(tag.name for tag in listed.items)
    return list(names)


async def _copy_version_tags(source: CopySide, target: CopySide, report: CopyReport) -> None:
    wanted = await _version_tags(source)
    have = {tag.name for tag in await _version_tags(target)}
    missing = [tag.name for tag in wanted if tag.name not in have]
    if not missing:
        return
    listing = ListOrganizationTags(
        organization_id=target.organization_id, target_type=TagTarget.DATASET_VERSION
    )
    known = {tag.name: tag.id for tag in (await target.backend.call(LIST_TAGS, listing)).items}
    for name in missing:
        if name not in known:
            create = OrganizationTagName(
                organization_id=target.organization_id,
                name=name,
                target_type=TagTarget.DATASET_VERSION,
            )
            known[name] = (await target.backend.call(CREATE_TAG, create)).id
        await target.backend.call(
            ATTACH_TAG, TagTargets(tag_id=known[name], ids=[target.version.id])
        )
        report.tags += 1


async def _version_tags(side: CopySide) -> list[TagRecord]:
    record = await side.backend.call(GET_VERSION, VersionId(version_id=side.version.id))
    return record.tags if isinstance(record.tags, list) else []
