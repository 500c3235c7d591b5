"""Split a version at random. The same seed gives the same split, and every asset is in exactly one part."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.paging import OffsetListing
from headrace.errors import BadRequestError, ConflictError, NoDataError
from headrace.model.columns import PLURALS
from headrace.model.records import AssetRecord
from headrace.protocol.operations.extended import (
    LIST_EXTENDED_ASSETS,
    ExtendedAssetRecord,
    LabelledAnnotation,
    ListExtendedAssets,
)
from headrace.threads import in_thread

T = TypeVar("T")


class SplitPart(Struct):
    """One part of a split: its assets, and the number of shapes in their newest annotations by label id."""

    assets: list[AssetRecord]
    shapes: Counter[str]


async def split_version(
    backend: Backend, version_id: UUID, ratios: Sequence[float], seed: Any, page_size: int
) -> list[SplitPart]:
    """Split the annotated assets of a version into parts.

    Args:
        backend: Backend of the version.
        version_id: The version.
        ratios: Relative sizes of the parts; rounding is by largest remainder.
        seed: Seed of the random order: a number, a text or bytes.
        page_size: Assets per call.

    Returns:
        One part for each ratio.

    Raises:
        BadRequestError: The ratios or the seed are not valid.
        NoDataError: No asset is annotated.
    """
    check_ratios(ratios)
    generator = random_generator(seed)
    annotated = [
        (AssetRecord(id=asset.id, data=asset.data), _labels(asset.annotations[0]))
        async for asset in _annotated(backend, version_id, page_size)
    ]
    if not annotated:
        raise _no_data_error()
    return await in_thread(
        lambda: [_make_part(drawn) for drawn in split(annotated, ratios, generator)]
    )


async def walk_split(
    backend: Backend, version_id: UUID, ratios: Sequence[float], seed: Any, page_size: int
) -> AsyncIterator[tuple[int, AssetRecord]]:
    """Yield the annotated assets in the order of their listing, each with the number of its part.

    The parts are those of :func:`split_version`. Memory holds one page at a time, and a few bytes per asset.

    Raises like :func:`split_version`, and ConflictError if assets are annotated meanwhile.
    """
    check_ratios(ratios)
    generator = random_generator(seed)
    count = 0
    async for _ in _annotated(backend, version_id, page_size):
        count += 1
    if not count:
        raise _no_data_error()
    parts = await in_thread(_draw_parts, count, ratios, generator)
    walked = 0
    async for asset in _annotated(backend, version_id, page_size):
        if walked < count:
            yield parts[walked], AssetRecord(id=asset.id, data=asset.data)
        walked += 1
    if walked != count:
        raise ConflictError(
            f"{count} assets were annotated at first and {walked} in the end", hint="split again"
        )


def _draw_parts(count: int, ratios: Sequence[float], generator: Random) -> array[int]:
    """Return the number of the part of each asset."""
    parts = array("H", bytes(2 * count))
    indices = array("L", range(count))
    for number, drawn in enumerate(split(indices, ratios, generator)):
        for index in drawn:
            parts[index] = number
    return parts


async def _annotated(
    backend: Backend, version_id: UUID, page_size: int
) -> AsyncIterator[ExtendedAssetRecord]:
    if not page_size >= 1:
        raise BadRequestError(f"load_asset_page_size is {page_size}", hint="at least 1")
    query = ListExtendedAssets(version_id=version_id)
    listing = OffsetListing(backend, LIST_EXTENDED_ASSETS, query, page_size=page_size)
    async for page in listing.pages():
        for asset in page:
            if asset.annotations:
                yield asset


def _no_data_error() -> NoDataError:
    return NoDataError("no asset of the version is annotated", hint="import annotations first")


def split(items: Sequence[T], ratios: Sequence[float], generator: Random) -> list[list[T]]:
    """Distribute the items at random over parts; each item is in exactly one."""
    drawn = list(items)
    generator.shuffle(drawn)
    parts, start = [], 0
    for size in sizes(len(drawn), ratios):
        parts.append(drawn[start : start + size])
        start += size
    return parts


def sizes(count: int, ratios: Sequence[float]) -> list[int]:
    """Return part sizes that add up to ``count``: the largest remainders are rounded up, the first of equal ones."""
    total = math.fsum(ratios)
    exact = [count * ratio / total for ratio in ratios]
    whole = [int(share) for share in exact]
    left = count - sum(whole)
    by_remainder = sorted(
        (index for index, ratio in enumerate(ratios) if ratio > 0),
        key=lambda index: whole[index] - exact[index],
    )
    for index in by_remainder[:left]:
        whole[index] += 1
    return whole


def check_ratios(ratios: Sequence[float]) -> None:
    """Raise BadRequestError unless there are two or more ratios, without negative ones, and not all zero."""
    if len(ratios) < 2:
        raise BadRequestError(f"{len(ratios)} ratios", hint="give two or more")
    for ratio in ratios:
        if not (math.isfinite(ratio) and ratio >= 0):
            raise BadRequestError(f"ratio {ratio}", hint="give numbers of 0 or more")
    total = math.fsum(ratios)
    if not (0 < total < math.inf):
        raise BadRequestError("the ratios add up to 0", hint="one must be above 0")


def random_generator(seed: Any) -> Random:
    """Return a generator for this seed. Raises BadRequestError for a seed of another type."""
    try:
        return Random(seed)
    except TypeError:
        raise BadRequestError(
            f"a seed of type {type(seed).__name__}", hint="give a number, a text or bytes"
        ) from None


def _labels(annotation: LabelledAnnotation) -> Counter[str]:
    return Counter(
        shape.label_id for kind in PLURALS.values() for shape in getattr(annotation, kind)
    )


def _make_part(drawn: list[tuple[AssetRecord, Counter[str]]]) -> SplitPart:
    part = SplitPart([asset for asset, _ in drawn], Counter())
    for _, labels in drawn:
        part.shapes.update(labels)
    return part
