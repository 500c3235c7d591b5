"""Sizes of images for a reader whose source does not have them: those of the matching assets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headrace.engine.imports.match import AssetMatcher
from headrace.model.records import AssetRecord
from headrace.model.sample import Sample

_UNMATCHED = (1024, 1024)
"""Stands for the size of an image without an asset. Its shapes are never written; the report counts them."""


class AssetSizes:
    """A ``SizeLookup`` of readers, called on the thread that reads while the event loop waits for it.

    Args:
        matcher: Finds the assets.
        loop: The event loop of the import.
    """

    def __init__(self, matcher: AssetMatcher, loop: asyncio.AbstractEventLoop) -> None:
        self._matcher = matcher
        self._loop = loop

    def __call__(self, images: Sequence[Sample]) -> list[tuple[int, int] | None]:
        """Return the sizes of some images in pixels; None for an asset of unknown size."""
        matching = self._matcher.match(images, remember=True)
        assets = asyncio.run_coroutine_threadsafe(matching, self._loop).result()
        return [_UNMATCHED if asset is None else _size(asset) for asset in assets]


def _size(asset: AssetRecord) -> tuple[int, int] | None:
    meta = asset.data.meta
    return (meta.width, meta.height) if meta else None
