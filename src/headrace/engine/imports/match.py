"""Match the images of a source to assets: by path, by name, by the end of the name, or by another key.

Names are looked up chunk by chunk, so that neither the file nor the version is held in memory. Images that have no asset
of exactly their path or name are searched (``asset_search.py``).
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from pathlib import PurePosixPath
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.imports.asset_names import (
    AmbiguousNameError,
    NamedImage,
    names_of,
)
from headrace.engine.imports.asset_search import AssetSearch, assets_by_key
from headrace.engine.imports.packing import PackedImage
from headrace.engine.imports.spool import ChunkSpool
from headrace.engine.paging import CursorListing
from headrace.errors import ConflictError, NotFoundError
from headrace.model.enums import AnnotationExportKey
from headrace.model.records import AssetRecord, DatasetVersionRecord
from headrace.protocol.operations.annotations import MATCH_ASSETS, MatchAssets
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.threads import in_thread

SHOWN = 3
_LOW = (1 << 64) - 1
_BY_ID = (AnnotationExportKey.ASSET_ID, AnnotationExportKey.DATA_ID)
_BUCKETS = 256
_REMEMBERED = 4_096

Batches = AsyncGenerator[list[PackedImage], None]


class _UnknownNamesError(Exception):
    """The server has no call that finds assets by many names."""


class MatchSummary(Struct):
    """What matching all images of a source has shown.

    Attributes:
        images: Number of images that have an asset.
        shapes: Number of shapes on them.
        missing: Number of images without an asset.
        by_ending: Number of images whose asset is called differently.
        example: One of them and the name of its asset.
    """

    images: int = 0
    shapes: int = 0
    missing: int = 0
    by_ending: int = 0
    example: tuple[str, str] | None = None


class AssetMatcher:
    """Finds the assets of one version by the names that a source gives them."""

    def __init__(
        self, backend: Backend, version: DatasetVersionRecord, key: AnnotationExportKey
    ) -> None:
        self._backend = backend
        self._version = version
        self._key = key
        self._search = AssetSearch(backend, version.id)
        self._remembered: dict[tuple[str | None, str], AssetRecord | None] = {}
        self._ids: array[int] | None = None
        self._matches_names = key is AnnotationExportKey.FILENAME and backend.limits.extensions

    def keep_ids(self) -> None:
        """Let :meth:`check` keep the ids of all matched assets, 16 bytes each."""
        self._ids = array("Q")

    def matched_ids(self) -> Iterator[UUID]:
        """Yield the ids of the assets that :meth:`check` matched, if they were kept."""
        halves = iter(self._ids or ())
        for high, low in zip(halves, halves, strict=True):
            yield UUID(int=high << 64 | low)

    async def match(
        self, images: Sequence[NamedImage], *, remember: bool = False
    ) -> list[AssetRecord | None]:
        """Return the asset of each image, None for an image without one.

        Args:
            images: The images.
            remember: Keep the answers until the images are matched again, which is soon.

        Raises:
            ConflictError: An image may mean several assets.
        """
        if remember:
            found = await self._match(images)
            for image, asset in zip(images, found, strict=True):
                self._remembered[image.path, image.filename] = asset
            while len(self._remembered) > _REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            return found
        if not self._remembered:
            return await self._match(images)
        keys = [(image.path, image.filename) for image in images]
        unknown = [
            image for image, key in zip(images, keys, strict=True) if key not in self._remembered
        ]
        fresh = iter(await self._match(unknown) if unknown else ())
        known = {key: self._remembered[key] for key in keys if key in self._remembered}
        return [known[key] if key in known else next(fresh) for key in keys]

    async def _match(self, images: Sequence[NamedImage]) -> list[AssetRecord | None]:
        if self._key in _BY_ID:
            return await self._by_id(images)
        if self._key is AnnotationExportKey.OBJECT_NAME:
            listed = self._assets("object_names", [image.filename for image in images])
            named = {asset.data.object_name: asset async for asset in listed}
            return [named.get(image.filename) for image in images]
        found = await self._by_name(images)
        rest = [place for place, asset in enumerate(found) if asset is None]
        if rest:
            try:
                near = await self._search.find([images[place] for place in rest])
            except AmbiguousNameError as error:
                raise self._ambiguous(error.name, error.assets) from None
            for place, asset in zip(rest, near, strict=True):
                found[place] = asset
        return found

    async def check(
        self, batches: Batches, spool: ChunkSpool, *, all_must_match: bool
    ) -> MatchSummary:
        """Match every image before anything is written.

        Args:
            batches: Yields all images.
            spool: Receives the images with their assets.
            all_must_match: Whether an image without an asset is an error.

        Raises:
            NotFoundError: ``all_must_match``, and an image has no asset.
            ConflictError: An image may mean several assets, or several images mean one.
        """
        summary = MatchSummary()
        # Eight bytes per image: the low half of an id is unique inside a version.
        met = [array("Q") for _ in range(_BUCKETS)]
        missing: list[str] = []
        named = self._key is AnnotationExportKey.FILENAME
        async with aclosing(batches) as read:
            async for images in read:
                for image, found in zip(images, await self._ids_of(images), strict=True):
                    if found is None:
                        summary.missing += 1
                        if len(missing) < SHOWN:
                            missing.append(image.path or image.filename)
                        continue
                    image.asset, filename = found
                    summary.images += 1
                    summary.shapes += image.shapes
                    low = image.asset.int & _LOW
                    met[low % _BUCKETS].append(low)
                    if self._ids is not None:
                        self._ids.extend((image.asset.int >> 64, low))
                    if named and filename not in (image.path, image.filename):
                        summary.by_ending += 1
                        summary.example = summary.example or (
                            image.path or image.filename,
                            filename,
                        )
                await in_thread(spool.add, images)
        if summary.missing and all_must_match:
            total = summary.images + summary.missing
            raise await self._not_found(missing, summary.missing, total)
        repeated = sum(len(each) - len(set(each)) for each in met)
        if repeated:
            raise await self._shared(spool, repeated, met)
        return summary

    async def _by_id(self, images: Sequence[NamedImage]) -> list[AssetRecord | None]:
        ids: list[UUID | None] = []
        for image in images:
            try:
                ids.append(UUID(PurePosixPath(image.filename).name.partition(".")[0]))
            except ValueError:
                ids.append(None)
        wanted = [each for each in ids if each is not None]
        if self._key is AnnotationExportKey.DATA_ID:
            there = {each.data.id: each async for each in self._assets("data_ids", wanted)}
        else:
            there = {each.id: each async for each in self._assets("ids", wanted)}
        return [None if each is None else there.get(each) for each in ids]

    async def _ids_of(self, images: Sequence[NamedImage]) -> list[tuple[UUID, str] | None]:
        """Return the id and the name of each image's asset; by the quickest way, without the records of assets."""
        if self._matches_names and not self._remembered:
            try:
                return await self._ids_by_name(images)
            except _UnknownNamesError:
                self._matches_names = False
        return [
            None if asset is None else (asset.id, asset.data.filename)
            for asset in await self.match(images)
        ]

    async def _ids_by_name(self, images: Sequence[NamedImage]) -> list[tuple[UUID, str] | None]:
        names = [names_of(image) for image in images]
        wanted = list(dict.fromkeys(each[0] for each in names))
        request = MatchAssets(version_id=self._version.id, filenames=wanted)
        try:
            answer = await self._backend.call(MATCH_ASSETS, request)
        except NotFoundError:
            # An earlier server does not have this call. If it is the version that is gone, the next call raises again.
            raise _UnknownNamesError from None
        ids = dict(zip(wanted, answer, strict=True))
        found: list[tuple[UUID, str] | None] = [
            (ids[name][0], name) if len(ids[name]) == 1 else None for name, *_ in names
        ]
        # Names of several assets, and names of none.
        rest = [place for place, each in enumerate(found) if each is None]
        for place, asset in zip(
            rest, await self._match([images[place] for place in rest]) if rest else (), strict=True
        ):
            if asset is not None:
                found[place] = asset.id, asset.data.filename
        return found

    # --- exact names -------------------------------------------------------------------------------------

    async def _by_name(self, images: Sequence[NamedImage]) -> list[AssetRecord | None]:
        """Look up each image by its surest name, and those that are left by their next one."""
        found: list[AssetRecord | None] = [None] * len(images)
        wanted = {place: names_of(image) for place, image in enumerate(images)}
        while wanted:
            assets: dict[str, list[AssetRecord]] = {}
            async for asset in self._assets("filenames", [names[0] for names in wanted.values()]):
                assets.setdefault(asset.data.filename, []).append(asset)
            left: dict[int, list[str]] = {}
            for place, (name, *others) in wanted.items():
                if name in assets:
                    if len(assets[name]) > 1:
                        raise self._ambiguous(name, assets[name])
                    found[place] = assets[name][0]
                elif others:
                    left[place] = others
            wanted = left
        return found

    def _assets(self, field: str, keys: Sequence[object]) -> AsyncIterator[AssetRecord]:
        return assets_by_key(self._backend, self._version.id, field, keys)

    # --- errors ------------------------------------------------------------------------------------------

    def _ambiguous(self, name: str, assets: Sequence[AssetRecord]) -> ConflictError:
        shown = ", ".join(f"{each.data.filename!r} ({each.id})" for each in assets[:SHOWN])
        more = " …" if len(assets) > SHOWN else ""
        return ConflictError(
            f"{name!r} matches {len(assets)} assets of {self._version_name}: {shown}{more}",
            hint="name images in the file by their path in the version, or by asset id and pass use_id=True",
        )

    async def _shared(
        self, spool: ChunkSpool, repeated: int, met: Sequence[array[int]]
    ) -> ConflictError:
        """Return the error for several images of one asset. It names the first such asset and its images."""
        low = next(_repeated(each) for each in met if len(each) > len(set(each)))
        images = await in_thread(_images_of, spool, low)
        names = [image.path or image.filename for image in images]
        shown = ", ".join(repr(name) for name in names[:SHOWN])
        (asset,) = await self.match(images[:1])
        target = f": {shown} match {asset.data.filename!r}" if asset is not None else ""
        return ConflictError(
            f"{repeated} images of the file match the same asset as another image of it{target}",
            hint="push the images with their folders, or import the split that was pushed, with split=",
        )

    async def _not_found(self, missing: list[str], missed: int, total: int) -> NotFoundError:
        names = ", ".join(repr(name) for name in missing) + (" …" if missed > len(missing) else "")
        hint = "add them first, or pass fail_on_asset_not_found=False"
        listing = CursorListing(self._backend, LIST_ASSETS, ListAssets(version_id=self._version.id))
        async for page in listing.pages(1):
            hint += f"; its assets have names such as {page[0].data.filename!r}"
        return NotFoundError(
            f"{missed} of {total} images of the file have no asset in {self._version_name}: {names}",
            hint=hint,
        )

    @property
    def _version_name(self) -> str:
        return f"{self._version.origin_name}/{self._version.version}"


def _images_of(spool: ChunkSpool, low: int) -> list[PackedImage]:
    """Return the images of the asset whose id has this low half."""
    return [
        image
        for chunk in spool.chunks()
        for image in chunk.images
        if image.asset is not None and image.asset.int & _LOW == low
    ]


def _repeated(values: array[int]) -> int:
    seen: set[int] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    raise AssertionError("no value is repeated")
