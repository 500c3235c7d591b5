"""Splits of a version: an asset that belongs to ``train`` carries the asset tag ``train``.

An import writes these tags, an export reads them. The names are those that people and tools use:

    train    train
    val      val, valid, validation
    test     test
    minival  minival

The case of a tag does not matter. An asset with the tags of several splits belongs to the first of them in this order.
Any other split of a source (``holdout``) becomes a tag too, but a tag of another name is never read as a split.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.paging import ItemsListing, KeyListing, batched
from headrace.errors import ConflictError
from headrace.formats.io.split_names import ALIASES
from headrace.model.records import TagRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.operations.tags import (
    ATTACH_TAG,
    CREATE_ASSET_TAG,
    FIND_ASSET_TAG,
    LIST_ASSET_TAGS,
    AssetTagName,
    ListAssetTags,
    TagTargets,
)
from headrace.protocol.query import any_of
from headrace.tasks import map_bounded

SPLIT_TAGS = ("train", "val", "valid", "validation", "test", "minival")
"""The tags that name a split, first the one that wins where an asset has several."""


def canonical_split(name: str) -> str:
    """Return the split that a name means: ``val`` for ``valid`` and ``validation``, other names as they are."""
    folded = name.casefold()
    return ALIASES.get(folded, folded) if folded in SPLIT_TAGS else name


class AssetSplit(Struct, frozen=True):
    """The split of an asset: the first of its tags. ``others`` are further splits that it has tags of."""

    name: str
    others: tuple[str, ...] = ()


def split_of_tags(names: Iterable[str]) -> AssetSplit | None:
    """Return the split that an asset with these tags belongs to, or None."""
    folded = {name.casefold() for name in names}
    splits = dict.fromkeys(ALIASES.get(name, name) for name in SPLIT_TAGS if name in folded)
    if not splits:
        return None
    first, *others = splits
    return AssetSplit(first, tuple(others))


class SplitTags:
    """The split tags of one version, as they were when :func:`read_split_tags` read them."""

    def __init__(self, backend: Backend, version_id: UUID, tags: Sequence[TagRecord]) -> None:
        self._backend = backend
        self._version_id = version_id
        self._tags = {tag.name: tag for tag in tags}

    @property
    def names(self) -> list[str]:
        """The names of the version's split tags, as they are spelled."""
        return [name for name in self._tags if name.casefold() in SPLIT_TAGS]

    async def splits(self, asset_ids: Sequence[UUID]) -> dict[UUID, AssetSplit]:
        """Return the splits of assets; those without a split are absent.

        Costs one call for each split tag of the version and each 1,000 assets, and nothing for a version without.
        """
        names = self.names
        tagged = await map_bounded(
            lambda name: self.tagged(asset_ids, [name]),
            names,
            concurrency=self._backend.limits.concurrency,
        )
        tags: dict[UUID, list[str]] = {}
        for name, ids in zip(names, tagged, strict=True):
            for asset in ids:
                tags.setdefault(asset, []).append(name)
        found = {asset: split_of_tags(names) for asset, names in tags.items()}
        return {asset: split for asset, split in found.items() if split is not None}

    async def tagged(self, asset_ids: Sequence[UUID], names: Sequence[str]) -> list[UUID]:
        """Return those of the assets that carry one of the tags."""
        if not asset_ids or not names:
            return []
        query = ListAssetsByKey(version_id=self._version_id, q=any_of("tags.name", names))
        listed = KeyListing(self._backend, LIST_ASSETS_BY_KEY, query, "ids", asset_ids)
        return [asset.id async for page in listed.pages() for asset in page]

    async def attach(self, split: str, asset_ids: Sequence[UUID]) -> None:
        """Attach the tag of a split to assets, and create it where it is missing. Repeating this changes nothing."""
        if split not in self._tags:
            self._tags[split] = await self._create(split)
        for piece in batched(asset_ids, IDS_PER_CALL):
            request = TagTargets(tag_id=self._tags[split].id, ids=piece)
            await self._backend.call(ATTACH_TAG, request)

    async def _create(self, name: str) -> TagRecord:
        request = AssetTagName(version_id=self._version_id, name=name)
        try:
            return await self._backend.call(CREATE_ASSET_TAG, request)
        except ConflictError:
            return await self._backend.call(FIND_ASSET_TAG, request)


async def read_split_tags(backend: Backend, version_id: UUID) -> SplitTags:
    """Read the tags of a version's assets, in one call."""
    listed = ItemsListing(backend, LIST_ASSET_TAGS, ListAssetTags(version_id=version_id))
    return SplitTags(backend, version_id, [tag async for page in listed.pages() for tag in page])
