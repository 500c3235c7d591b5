"""An index of a version's assets by the ends of their names, made in one listing of the version.

Per asset it holds the id and a few hashes, some 60 bytes in all: of the base name, and of the base name with one, two
and three folders above it, always without the suffix, and with the case of letters ignored. Different names may have the
same hash, so what the index finds are candidates: compare their names.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.imports.asset_names import parts_of, stems_of
from headrace.engine.paging import CursorListing
from headrace.model.records import AssetRecord
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.threads import in_thread

DEPTHS = 4
"""The base name alone, and with up to three folders."""

MOST = 8
"""Assets that are kept for one ending. More are of no use: an image can only mean one of them."""

NEVER = 1 << 30
"""More parts than any name has."""

_PER_BUCKET = 64
_LOW = (1 << 64) - 1


class Candidates(NamedTuple):
    """Assets that a name may mean. All that share at least ``complete_from`` last parts with it are among ``ids``."""

    ids: list[UUID]
    complete_from: int


class AssetIndex:
    """The index. ``size`` is the expected number of assets; a wrong one costs time only."""

    def __init__(self, size: int) -> None:
        self._buckets = max(1, size * 2 // _PER_BUCKET)
        self._hashes = [array("I") for _ in range(self._buckets)]
        self._numbers = [array("I") for _ in range(self._buckets)]
        self._high, self._low = array("Q"), array("Q")

    def add(self, assets: list[AssetRecord]) -> None:
        """Add a page of assets."""
        for asset in assets:
            number = len(self._low)
            self._high.append(asset.id.int >> 64)
            self._low.append(asset.id.int & _LOW)
            parts = parts_of(asset.data.filename)
            for stem in stems_of(parts[-1]) if parts else ():
                for ending in _endings(parts, stem):
                    self._insert(ending, number)

    def find(self, name: str) -> Candidates:
        """Return the assets whose names, without suffixes and the case of letters, end like this name."""
        parts = parts_of(name)
        found: dict[int, None] = {}
        complete_from = 1
        for stem in stems_of(parts[-1]) if parts else ():
            depth = 1
            for ending in _endings(parts, stem):
                numbers = self._lookup(ending)
                found.update(dict.fromkeys(numbers))
                if len(numbers) < MOST:
                    break
                depth += 1
            else:
                depth = NEVER
            complete_from = max(complete_from, depth)
        return Candidates([self._id(number) for number in found], complete_from)

    def _insert(self, ending: str, number: int) -> None:
        hashed = hash(ending) & _LOW
        bucket, tag = hashed % self._buckets, hashed >> 32
        hashes = self._hashes[bucket]
        if hashes.count(tag) < MOST:
            hashes.append(tag)
            self._numbers[bucket].append(number)

    def _lookup(self, ending: str) -> list[int]:
        hashed = hash(ending) & _LOW
        bucket, tag = hashed % self._buckets, hashed >> 32
        hashes, numbers = self._hashes[bucket], self._numbers[bucket]
        if not hashes.count(tag):
            return []
        return [number for each, number in zip(hashes, numbers, strict=True) if each == tag]

    def _id(self, number: int) -> UUID:
        return UUID(int=self._high[number] << 64 | self._low[number])


def _endings(parts: list[str], stem: str) -> list[str]:
    """Return the ends of a path, shortest first, with ``stem`` as the base name."""
    folders = parts[-DEPTHS:-1]
    return [
        "/".join([*folders[len(folders) - depth :], stem]).casefold()
        for depth in range(len(folders) + 1)
    ]


async def read_asset_index(backend: Backend, version_id: UUID) -> AssetIndex:
    """List all assets of a version once and index their names."""
    listing = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    index = AssetIndex(await listing.count())
    async for page in listing.pages():
        await in_thread(index.add, page)
    return index
