"""The assets of a version that a filter chooses by their file names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.name_filter import NameFilter, plain_name
from headrace.engine.paging import CursorListing, KeyListing, PageSource
from headrace.model.records import AssetRecord
from headrace.protocol.operations.assets import (
    LIST_ASSETS,
    LIST_ASSETS_BY_KEY,
    ListAssets,
    ListAssetsByKey,
)

_FEW = 10_000
"""Up to so many names are asked for by name. More are compared with a listing of all assets, which need not hold them."""


class ChosenAssets:
    """A listing of assets without those that a filter leaves out."""

    def __init__(self, source: PageSource[AssetRecord], chosen: NameFilter) -> None:
        self._source = source
        self._chosen = chosen

    async def pages(self, most: int | None = None) -> AsyncIterator[list[AssetRecord]]:
        """Yield the assets page by page, at most ``most`` in total."""
        left = most
        async for page in self._source.pages():
            assets = [asset for asset in page if self._chosen.chooses(asset.data.filename)]
            assets = assets[:left]
            if assets:
                yield assets
            if left is not None:
                left -= len(assets)
                if not left:
                    return

    async def count(self) -> int:
        """Return the number of assets; this lists them."""
        total = 0
        async for page in self.pages():
            total += len(page)
        return total


def chosen_assets(
    backend: Backend, version_id: UUID, chosen: NameFilter, q: str | None = None
) -> PageSource[AssetRecord]:
    """Return a listing of the assets that a filter and a condition choose, or of all without them."""
    listing = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id, q=q))
    if not chosen:
        return listing
    if chosen.names is not None and len(chosen.names) <= _FEW:
        query = ListAssetsByKey(version_id=version_id, q=q)
        names = [plain_name(name) for name in chosen.names]
        named = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "filenames", names)
        return ChosenAssets(named, chosen)
    return ChosenAssets(listing, chosen)
