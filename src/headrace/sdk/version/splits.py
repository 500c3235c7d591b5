"""Splitting a version into parts for training, testing and validation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from headrace.engine.versions.split import split_version, walk_split
from headrace.errors import BadRequestError
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.label import Label
from headrace.sdk.version.assets import VersionAssets
from headrace.sdk.version.labels import VersionLabels

RATIOS = (0.64, 0.16, 0.20)


class VersionSplits(VersionAssets, VersionLabels):
    """What a version does to be split. Only annotated assets are drawn; counts are of their newest annotation."""

    __slots__ = ()

    async def train_test_split(
        self, prop: float = 0.8, random_seed: Any = None, load_asset_page_size: int = 100
    ) -> tuple[MultiAsset, MultiAsset, dict[str, list[Any]], dict[str, list[Any]], list[Label]]:
        """Two parts, ``prop`` (0 to 1) of the annotated assets in the first.

        Returns both parts, for each its labels as ``{"x": names, "y": numbers of shapes}``, and the labels of the
        version. See :meth:`split_into_multi_assets`.
        """
        if not 0 <= prop <= 1:
            raise BadRequestError(f"prop is {prop}", hint="give a number from 0 to 1")
        (train, test), counts, labels = await self.split_into_multi_assets(
            [prop, 1.0 - prop], random_seed, load_asset_page_size
        )
        return train, test, _axes(counts[0]), _axes(counts[1]), labels

    async def train_test_val_split(
        self,
        ratios: Sequence[float] | None = None,
        random_seed: Any = None,
        load_asset_page_size: int = 100,
    ) -> tuple[
        MultiAsset,
        MultiAsset,
        MultiAsset,
        dict[str, list[Any]],
        dict[str, list[Any]],
        dict[str, list[Any]],
        list[Label],
    ]:
        """Three parts, by default 0.64, 0.16 and 0.20 of the annotated assets.

        Returns the parts, for each its labels as ``{"x": names, "y": numbers of shapes}``, and the labels of the
        version. See :meth:`split_into_multi_assets`.
        """
        wanted = list(ratios) if ratios else list(RATIOS)
        if len(wanted) != 3:
            raise BadRequestError(f"{len(wanted)} ratios", hint="give three")
        (train, test, val), counts, labels = await self.split_into_multi_assets(
            wanted, random_seed, load_asset_page_size
        )
        return train, test, val, _axes(counts[0]), _axes(counts[1]), _axes(counts[2]), labels

    async def split_into_multi_assets(
        self,
        ratios: Sequence[float],
        random_seed: Any = None,
        load_asset_page_size: int = 100,
    ) -> tuple[list[MultiAsset], list[dict[str, int]], list[Label]]:
        """One part for each ratio, drawn at random; ratios are divided by their sum.

        Every annotated asset lands in exactly one part, and the sizes are the ratios by largest remainder, so a part
        may be empty. The same ``random_seed`` (a number, a text or bytes) gives the same split of the same version,
        on any backend; no other random numbers are touched.

        Returns the parts, for each the number of shapes by label, and the labels of the version. Raises
        BadRequestError for ratios or a seed that make no sense, NoDataError where no asset is annotated.
        """
        parts = await split_version(
            self.session.backend, self.id, ratios, random_seed, load_asset_page_size
        )
        labels = await self.list_labels()
        counts = [
            {
                label.name: part.shapes[str(label.id)]
                for label in labels
                if part.shapes[str(label.id)]
            }
            for part in parts
        ]
        return [self._assets(part.assets) for part in parts], counts, labels

    async def iter_split(
        self,
        ratios: Sequence[float],
        random_seed: Any = None,
        load_asset_page_size: int = 1000,
    ) -> AsyncIterator[tuple[int, Asset]]:
        """The annotated assets one after another, each with the number of its part, counted from 0.

        The parts are those of :meth:`split_into_multi_assets` with the same seed, for versions of any size: the
        listing is walked over twice, and one page is held at a time. Raises ConflictError where the number of
        annotated assets changes meanwhile.
        """
        drawn = walk_split(self.session.backend, self.id, ratios, random_seed, load_asset_page_size)
        async for part, record in drawn:
            yield part, self._asset(record)


def _axes(counts: dict[str, int]) -> dict[str, list[Any]]:
    return {"x": list(counts), "y": list(counts.values())}
