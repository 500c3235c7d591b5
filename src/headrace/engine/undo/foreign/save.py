"""Read what is about to be removed from a platform, and keep it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID, uuid4

import msgspec

from headrace.backend.base import Backend
from headrace.engine.paging import CursorListing, KeyListing, batched
from headrace.engine.undo.foreign.store import (
    LocalRemoval,
    RemovalStore,
    RemovedItem,
    WrittenNote,
)
from headrace.engine.versions.load import Loaded, load_page
from headrace.model.records import AssetRecord
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.protocol.operations.assets import (
    GET_ASSET,
    LIST_ASSETS,
    LIST_ASSETS_BY_KEY,
    AssetId,
    ListAssets,
    ListAssetsByKey,
)
from headrace.protocol.operations.datasets import GET_VERSION, VersionId
from headrace.protocol.operations.tags import LIST_ASSET_TAGS, ListAssetTags
from headrace.tasks import map_bounded
from headrace.threads import in_thread

PAGE = 100
"""Assets that are read and written together."""


async def save_removal(
    backend: Backend,
    version_id: UUID,
    kind: str,
    asset_ids: Iterable[UUID] | None,
    *,
    removed: bool,
    only: frozenset[UUID] | None = None,
    removal_id: UUID | None = None,
) -> LocalRemoval | None:
    """Record assets with their annotations before they go.

    Args:
        backend: Backend of the version.
        version_id: The version.
        kind: What removes them: ``assets``, ``annotations``, ``import`` or ``undo``.
        asset_ids: The assets. Default: all of the version.
        removed: Whether the assets go too, and not only their annotations.
        only: The annotations that go. Default: all of the assets.
        removal_id: Joins several calls into one removal.

    Returns:
        The removal; None if nothing would go.

    Raises:
        RemovalNotRecordedError: It cannot be written, or exceeds the limit.
    """
    store = RemovalStore(backend.name)
    removal = await _begin(backend, store, version_id, kind, removal_id)
    tagged = removed and await _has_tags(backend, version_id)
    count = 0
    try:
        if asset_ids is None:
            listing = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
            async for page in listing.pages():
                for piece in batched(page, PAGE):
                    items = await _items(backend, version_id, piece, removed, tagged, only)
                    count += await in_thread(store.append, removal, items)
        else:
            for ids in batched(asset_ids, PAGE):
                piece = await _assets(backend, version_id, ids)
                items = await _items(backend, version_id, piece, removed, tagged, only)
                count += await in_thread(store.append, removal, items)
    except BaseException:
        await in_thread(store.discard, removal)
        raise
    if not count:
        return None
    await in_thread(store.commit, removal)
    return removal


async def note_written(
    backend: Backend, removal: LocalRemoval, asset_ids: Iterable[UUID] | None = None
) -> None:
    """Record what was written in the place of removed annotations, so that an undo knows whether it has changed.

    Args:
        backend: Backend of the version.
        removal: The removal.
        asset_ids: Assets that were written. Default: those of the removal.
    """
    store = RemovalStore(backend.name)
    removed: set[str] = set()
    if asset_ids is None:
        items = await in_thread(lambda: list(_ids_of(store, removal)))
        removed = {annotation for _, annotations in items for annotation in annotations}
        asset_ids = [asset for asset, _ in items]
    for ids in batched(asset_ids, PAGE):
        loaded = await load_page(backend, removal.version_id, ids)
        notes = [
            WrittenNote(annotation_id=each.id, digest=digest_of(each))
            for each in loaded
            if each.id is not None and each.id not in removed
        ]
        await in_thread(store.note, removal, notes)


def digest_of(annotation: LoadedAnnotation) -> str:
    """Return a digest of an annotation with all its shapes."""
    return blake2b(msgspec.json.encode(annotation), digest_size=16).hexdigest()


def _ids_of(store: RemovalStore, removal: LocalRemoval) -> Iterable[tuple[UUID, list[str]]]:
    for item in store.items(removal):
        yield item.asset_id, [each.id for each in item.annotations if each.id is not None]


async def _begin(
    backend: Backend, store: RemovalStore, version_id: UUID, kind: str, removal_id: UUID | None
) -> LocalRemoval:
    if removal_id is not None:
        for known in await in_thread(store.list):
            if known.id == removal_id:
                return known
    version = await backend.call(GET_VERSION, VersionId(version_id=version_id))
    return LocalRemoval(
        id=removal_id or uuid4(),
        kind=kind,
        address=backend.name,
        version=f"{version.origin_name}/{version.version}",
        version_id=version_id,
        created_at=time.time(),
    )


async def _assets(backend: Backend, version_id: UUID, ids: list[UUID]) -> list[AssetRecord]:
    query = ListAssetsByKey(version_id=version_id)
    listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "ids", ids)
    return [asset async for page in listed.pages() for asset in page]


async def _has_tags(backend: Backend, version_id: UUID) -> bool:
    request = ListAssetTags(version_id=version_id, limit=1)
    return bool((await backend.call(LIST_ASSET_TAGS, request)).items)


async def _items(
    backend: Backend,
    version_id: UUID,
    assets: list[AssetRecord],
    removed: bool,
    tagged: bool,
    only: frozenset[UUID] | None,
) -> list[RemovedItem]:
    if not assets:
        return []
    by_asset: dict[str, Loaded] = {}
    for annotation in await load_page(backend, version_id, [asset.id for asset in assets]):
        if only is None or (annotation.id is not None and UUID(annotation.id) in only):
            by_asset.setdefault(annotation.asset_id, []).append(annotation)
    tags = await _tags(backend, assets) if tagged else {}
    return [
        RemovedItem(
            asset_id=asset.id,
            data_id=asset.data.id,
            filename=asset.data.filename,
            removed=removed,
            tags=tags.get(asset.id, []),
            annotations=by_asset.get(str(asset.id), []),
        )
        for asset in assets
        if removed or str(asset.id) in by_asset
    ]


async def _tags(backend: Backend, assets: list[AssetRecord]) -> dict[UUID, list[str]]:
    async def read(asset: AssetRecord) -> list[str]:
        found = (await backend.call(GET_ASSET, AssetId(asset_id=asset.id))).tags
        return [tag.name for tag in found] if isinstance(found, list) else []

    names = await map_bounded(read, assets, concurrency=backend.limits.concurrency)
    return {asset.id: each for asset, each in zip(assets, names, strict=True)}
