"""Splits of a version into parts for training, test and validation."""

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
    """The methods of a version that split it.

    Only annotated assets are part of a split; shapes are counted in the newest annotation of each asset.
    """

    __slots__ = ()

    async def train_test_split(
        self, prop: float = 0.8, random_seed: Any = None, load_asset_page_size: int = 100
    ) -> tuple[MultiAsset, MultiAsset, dict[str, list[Any]], dict[str, list[Any]], list[Label]]:
        """Split the annotated assets at random into two parts.

        Args:
            prop: Share of the assets in the first part, 0 to 1.
            random_seed: A number, text or bytes. The same seed gives the same split; see ``split_into_multi_assets``.
            load_asset_page_size: Assets per call.

        Returns:
            Both parts, the labels of each part (``x`` holds names, ``y`` numbers of shapes), and the labels of the version.

        Raises:
            BadRequestError: If ``prop`` is not between 0 and 1, or the seed is of another type.
            NoDataError: If no asset is annotated.
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
        """Split the annotated assets at random into three parts.

        Args:
            ratios: Three ratios; they are divided by their sum. Default: 0.64, 0.16 and 0.20.
            random_seed: A number, text or bytes. The same seed gives the same split; see ``split_into_multi_assets``.
            load_asset_page_size: Assets per call.

        Returns:
            The parts, the labels of each part (``x`` holds names, ``y`` numbers of shapes), and the labels of the version.

        Raises:
            BadRequestError: If there are not three ratios, or ratios or seed are invalid.
            NoDataError: If no asset is annotated.
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
        """Split the annotated assets at random into one part for each ratio.

        Every annotated asset is in exactly one part. Sizes are rounded by the largest-remainder method, so a part may
        be empty.

        Args:
            ratios: The ratios; they are divided by their sum.
            random_seed: A number, text or bytes. The same seed gives the same split of the same version, on a lake
                and on a server. The global random state is not used.
            load_asset_page_size: Assets per call.

        Returns:
            The parts; for each part the number of shapes by label; and the labels of the version.

        Raises:
            BadRequestError: If ratios or seed are invalid.
            NoDataError: If no asset is annotated.
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
        """Iterate over the annotated assets, each with the number of its part.

        The parts are those of ``split_into_multi_assets`` with the same seed. The listing is read twice, one page at a
        time, so versions of any size can be split.

        Args:
            ratios: The ratios; they are divided by their sum.
            random_seed: A number, text or bytes.
            load_asset_page_size: Assets per call.

        Yields:
            The number of the part, from 0, and the asset.

        Raises:
            BadRequestError: If ratios or seed are invalid.
            ConflictError: If the number of annotated assets changes during the iteration.
        """
        drawn = walk_split(self.session.backend, self.id, ratios, random_seed, load_asset_page_size)
        async for part, record in drawn:
            yield part, self._asset(record)


def _axes(counts: dict[str, int]) -> dict[str, list[Any]]:
    return {"x": list(counts), "y": list(counts.values())}
