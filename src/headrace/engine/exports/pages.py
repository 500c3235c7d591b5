"""The pages of an export: assets with their splits and newest annotations, and the samples that they become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from anyio.streams.memory import MemoryObjectSendStream
from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.exports.splits import AssetSplits
from headrace.engine.name_filter import NameFilter
from headrace.engine.paging import KeyListing, PageSource, batched
from headrace.engine.versions.chosen import ChosenAssets, chosen_assets
from headrace.engine.versions.load import Page, annotations_in, page_of_assets
from headrace.model.enums import AnnotationExportKey, AnnotationStatus
from headrace.model.names import id_name
from headrace.model.records import AssetRecord
from headrace.model.sample import Sample
from headrace.platform.annotations.exports.names import ExportNames
from headrace.platform.annotations.samples import AssetImage, packed_samples, to_sample
from headrace.protocol.operations.annotations import LoadedAnnotation, PackedAnnotation
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey

CONVERTED_TOGETHER = 256
"""Assets whose annotations are unpacked with one call: more take more memory, and are no faster."""


class ExportedAsset(Struct, frozen=True):
    """An asset and its split."""

    asset: AssetRecord
    split: str | None


class AssetPage(Struct, frozen=True):
    """A page of assets, and the newest annotation of each that has one."""

    assets: list[ExportedAsset]
    annotations: Page


class Selection(Struct, frozen=True, kw_only=True):
    """What of a version is exported.

    Attributes:
        status: Only annotations with this status.
        worker_id: Only annotations of this user.
        asset_ids: Only these assets.
        key: Property of an asset that names it in the file.
        annotated_only: Leave out assets without an annotation.
        chosen: Only assets whose file names this chooses.
    """

    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    asset_ids: Sequence[UUID] | None = None
    key: AnnotationExportKey = AnnotationExportKey.FILENAME
    annotated_only: bool = False
    chosen: NameFilter = NameFilter()

    def assets(self, backend: Backend, version_id: UUID) -> PageSource[AssetRecord]:
        """Return the listing of the assets."""
        if self.asset_ids is None:
            return chosen_assets(backend, version_id, self.chosen)
        query = ListAssetsByKey(version_id=version_id)
        listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "ids", self.asset_ids)
        return ChosenAssets(listed, self.chosen) if self.chosen else listed


class PageReader(Struct, frozen=True):
    """Reads pages of assets with their annotations, and converts them to samples.

    With ``numbers`` tables of boxes hold the rings of polygons as numbers, not as text.
    """

    backend: Backend
    version_id: UUID
    assets: PageSource[AssetRecord]
    selection: Selection
    splits: AssetSplits
    names: ExportNames
    numbers: bool = False

    async def read(self, send: MemoryObjectSendStream[AssetPage]) -> None:
        """Read all pages and send each with its newest annotations."""
        selection = self.selection
        async with send:
            async for assets in self.assets.pages():
                ids = [asset.id for asset in assets]
                splits = await self.splits.of(assets)
                annotations = await page_of_assets(
                    self.backend,
                    self.version_id,
                    ids,
                    selection.status,
                    selection.worker_id,
                    newest=True,
                )
                page = [ExportedAsset(asset, splits.get(asset.id)) for asset in assets]
                if selection.annotated_only:
                    annotated = {each.asset_id for each in annotations_in(annotations)}
                    page = [each for each in page if str(each.asset.id) in annotated]
                await send.send(AssetPage(page, annotations))

    def samples(self, page: AssetPage) -> Iterator[list[Sample]]:
        """Convert a page to samples, a part of it at a time, which keeps the memory low."""
        loaded: dict[str, LoadedAnnotation] = {}
        packed: dict[str, PackedAnnotation] = {}
        labels: dict[int, str] = {}
        if isinstance(page.annotations, list):
            loaded = {each.asset_id: each for each in page.annotations}
        else:
            packed = {each.asset_id: each for each in page.annotations.annotations}
            labels = page.annotations.labels
        for part in batched(page.assets, CONVERTED_TOGETHER):
            assets = [each.asset for each in part]
            images = [(self._name(asset), asset.data.meta, str(asset.id)) for asset in assets]
            if loaded:
                samples = [to_sample(name, meta, loaded.get(key)) for name, meta, key in images]
            else:
                samples = packed_samples(
                    [AssetImage(name, meta, packed.get(key)) for name, meta, key in images],
                    labels,
                    numbers=self.numbers,
                )
            for sample, each in zip(samples, part, strict=True):
                sample.split = each.split
            yield samples

    def _name(self, asset: AssetRecord) -> str:
        match self.selection.key:
            case AnnotationExportKey.ASSET_ID:
                return id_name(asset.id, asset.data.filename)
            case AnnotationExportKey.DATA_ID:
                return id_name(asset.data.id, asset.data.filename)
            case AnnotationExportKey.OBJECT_NAME:
                return self.names.name(asset.id, asset.data.object_name)
            case AnnotationExportKey.FILENAME:
                return self.names.name(asset.id, asset.data.filename)
