"""Match the images of an annotation file to assets: by full name, then by the name's last part, or by another key.

Names are looked up chunk by chunk, so that neither the file nor the version is held in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from pathlib import PurePosixPath
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.paging import CursorListing, KeyListing
from headrace.errors import ConflictError, NotFoundError
from headrace.model.enums import AnnotationExportKey
from headrace.model.records import AssetRecord, DatasetVersionRecord
from headrace.protocol.operations.assets import (
    LIST_ASSETS,
    LIST_ASSETS_BY_KEY,
    ListAssets,
    ListAssetsByKey,
)

LOW = (1 << 64) - 1
_BY_ID = (AnnotationExportKey.ASSET_ID, AnnotationExportKey.DATA_ID)
SHOWN = 3


class AssetMatcher:
    """Finds the assets of one version by the names that a source gives them."""

    def __init__(
        self, backend: Backend, version: DatasetVersionRecord, key: AnnotationExportKey
    ) -> None:
        self._backend = backend
        self._version = version
        self._key = key
        self._may_collide = key in _BY_ID  # whether two names may match one asset

    async def match(self, names: Sequence[str]) -> dict[str, UUID]:
        """Return the asset id of each name; names without an asset are absent.

        Raises ConflictError if a name matches several assets.
        """
        if self._key in _BY_ID:
            return await self._by_id(names)
        if self._key is AnnotationExportKey.OBJECT_NAME:
            listed = self._assets("object_names", list(names))
            return {asset.data.object_name: asset.id async for asset in listed}
        found = await self._by_name({name: name for name in names})
        rest = {name: PurePosixPath(name).name for name in names if name not in found}
        rest = {name: last for name, last in rest.items() if last != name}
        if not rest:
            return found
        self._may_collide = True
        return found | await self._by_name(rest)

    async def check(self, batches: AsyncIterator[list[str]], *, all_must_match: bool) -> int:
        """Match every name before anything is written; return the number of names without an asset.

        Raises NotFoundError if ``all_must_match`` and a name has no asset, ConflictError if a name matches several
        assets or several names match one asset.
        """
        # Eight bytes per image: the low half of an id is unique inside a version.
        met = array("Q")
        missing: list[str] = []
        missed = total = 0
        async for names in batches:
            found = await self.match(names)
            met.extend([asset.int & LOW for asset in found.values()])
            total += len(names)
            if len(found) < len(names):
                unmatched = [name for name in names if name not in found]
                missed += len(unmatched)
                missing += unmatched[: SHOWN - len(missing)]
        if missed and all_must_match:
            raise await self._not_found(missing, missed, total)
        if self._may_collide and len(set(met)) < len(met):
            raise ConflictError(
                f"{len(met) - len(set(met))} images of the file match the same asset as another image of it",
                hint="their names differ only in their folders; push the images with their folders",
            )
        return missed

    async def _by_id(self, names: Sequence[str]) -> dict[str, UUID]:
        ids: dict[str, UUID] = {}
        for name in names:
            try:
                ids[name] = UUID(PurePosixPath(name).name.partition(".")[0])
            except ValueError:
                continue
        wanted = list(ids.values())
        if self._key is AnnotationExportKey.DATA_ID:
            there = {each.data.id: each.id async for each in self._assets("data_ids", wanted)}
        else:
            there = {each.id: each.id async for each in self._assets("ids", wanted)}
        return {name: there[key] for name, key in ids.items() if key in there}

    async def _by_name(self, wanted: dict[str, str]) -> dict[str, UUID]:
        assets: dict[str, list[UUID]] = {}
        async for asset in self._assets("filenames", list(wanted.values())):
            assets.setdefault(asset.data.filename, []).append(asset.id)
        for name, key in wanted.items():
            if len(assets.get(key, ())) > 1:
                raise self._ambiguous(name, assets[key])
        return {name: assets[key][0] for name, key in wanted.items() if key in assets}

    async def _assets(self, field: str, keys: Sequence[object]) -> AsyncIterator[AssetRecord]:
        if not keys:
            return
        query = ListAssetsByKey(version_id=self._version.id)
        listed = KeyListing(self._backend, LIST_ASSETS_BY_KEY, query, field, keys)
        async for page in listed.pages():
            for asset in page:
                yield asset

    def _ambiguous(self, name: str, ids: list[UUID]) -> ConflictError:
        shown = ", ".join(map(str, ids[:SHOWN]))
        return ConflictError(
            f"{name!r} matches {len(ids)} assets of {self._version_name}: {shown}",
            hint="name images by asset id in the file and pass use_id=True",
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
