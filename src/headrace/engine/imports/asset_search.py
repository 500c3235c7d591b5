"""Search the assets of a version by the ends of their names.

A few images are searched by a query, since people import a folder file by file. More images are searched by an index,
for which the version is listed once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import anyio

from headrace.backend.base import Backend
from headrace.engine.imports.asset_index import AssetIndex, Candidates, read_asset_index
from headrace.engine.imports.asset_names import (
    NamedImage,
    Question,
    nearest,
    parts_of,
    paths_of,
    stems_of,
)
from headrace.engine.paging import KeyListing
from headrace.model.records import AssetRecord
from headrace.protocol.operations.assets import (
    LIST_ASSETS,
    LIST_ASSETS_BY_KEY,
    ListAssets,
    ListAssetsByKey,
)
from headrace.protocol.operations.listing import PAGE_SIZE
from headrace.protocol.query import quote

_FEW = 20
_MAX_QUERY = 8_000
"""Characters of a query."""


class AssetSearch:
    """Finds the assets of one version that images mean whose names differ from theirs."""

    def __init__(self, backend: Backend, version_id: UUID) -> None:
        self._backend = backend
        self._version_id = version_id
        self._index: AssetIndex | None = None
        self._indexing = anyio.Lock()
        # Answers of queries: each image is searched twice, before the import and in it.
        self._answers: dict[tuple[str | None, str], AssetRecord | None] = {}

    async def find(self, images: Sequence[NamedImage]) -> list[AssetRecord | None]:
        """Return the asset of each image, None for an image without one.

        Raises AmbiguousNameError if an image may mean several assets.
        """
        keys = [(image.path, image.filename) for image in images]
        if all(key in self._answers for key in keys):
            return [self._answers[key] for key in keys]
        if self._index is None and len(self._answers) + len(images) <= _FEW:
            answers = await self._by_query(images)
            if answers is not None:
                self._answers.update(zip(keys, answers, strict=True))
                return answers
        return await self._by_index(images)

    async def _by_query(self, images: Sequence[NamedImage]) -> list[AssetRecord | None] | None:
        """Search the assets whose names contain those of the images; None if these are too many, or for other platforms."""
        paths = [[parts_of(path) for path in paths_of(image)] for image in images]
        stems = {stem: None for each in paths for parts in each for stem in stems_of(parts[-1])}
        query = " or ".join(f"filename ~ {quote(stem)}" for stem in stems)
        if not stems or len(query) > _MAX_QUERY or not self._backend.limits.extensions:
            return None
        request = ListAssets(version_id=self._version_id, q=query, limit=PAGE_SIZE)
        page = await self._backend.call(LIST_ASSETS, request)
        if page.count > len(page.items):
            return None
        return [
            nearest(image, [Question(parts, 1) for parts in each], page.items)
            for image, each in zip(images, paths, strict=True)
        ]

    async def _by_index(self, images: Sequence[NamedImage]) -> list[AssetRecord | None]:
        async with self._indexing:
            if self._index is None:
                self._index = await read_asset_index(self._backend, self._version_id)
        index = self._index
        asked = [[(path, index.find(path)) for path in paths_of(image)] for image in images]
        ids = {each: None for questions in asked for _, found in questions for each in found.ids}
        listed = assets_by_key(self._backend, self._version_id, "ids", list(ids))
        assets = {asset.id: asset async for asset in listed}
        return [
            _nearest_of(image, questions, assets)
            for image, questions in zip(images, asked, strict=True)
        ]


def _nearest_of(
    image: NamedImage, asked: list[tuple[str, Candidates]], assets: dict[UUID, AssetRecord]
) -> AssetRecord | None:
    ids = {each: None for _, found in asked for each in found.ids if each in assets}
    if not ids:
        return None
    questions = [Question(parts_of(path), found.complete_from) for path, found in asked]
    return nearest(image, questions, [assets[each] for each in ids])


async def assets_by_key(
    backend: Backend, version_id: UUID, field: str, keys: Sequence[object]
) -> AsyncIterator[AssetRecord]:
    """Yield the assets with these keys, at most 1,000 keys a call."""
    if not keys:
        return
    query = ListAssetsByKey(version_id=version_id)
    async for page in KeyListing(backend, LIST_ASSETS_BY_KEY, query, field, keys).pages():
        for asset in page:
            yield asset
