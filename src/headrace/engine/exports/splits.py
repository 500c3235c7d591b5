"""The split of each asset in an export: by its tags, by a ratio, or none."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from math import isfinite
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.versions.split_tags import SplitTags, read_split_tags
from headrace.errors import ConfigurationError
from headrace.formats.findings.collect import Pass, Severity
from headrace.model.records import AssetRecord

SPLITS = ("train", "val", "test")


class SplitRule(Struct, frozen=True):
    """How assets get their split: by ``ends``, the upper end of each split of ``SPLITS`` from 0 to 1, or by tags.

    With a ratio, the file name of an asset and the seed alone decide. So an image stays in its split when others are
    added, in forks and in other lakes, and the sizes of the splits are as asked for on average, not exactly.
    """

    by_tags: bool = False
    ends: tuple[float, ...] = ()
    seed: int = 0

    def drawn(self, filename: str) -> str | None:
        """Return the split that an asset gets by the ratio; None without one."""
        if not self.ends:
            return None
        text = f"{self.seed}:{filename}".encode(errors="surrogatepass")
        digest = blake2b(text, digest_size=8).digest()
        drawn = int.from_bytes(digest) / 2**64
        return next(
            (split for split, end in zip(SPLITS, self.ends, strict=False) if drawn < end), SPLITS[0]
        )


def split_rule(split_by: str, seed: int) -> SplitRule:
    """Return the rule of ``tag``, ``none`` or a ratio such as ``80/20``; raises ConfigurationError for any other text."""
    if split_by == "tag":
        return SplitRule(by_tags=True)
    if split_by == "none":
        return SplitRule()
    try:
        shares = [float(part) for part in split_by.split("/")]
    except ValueError:
        shares = []
    if (
        not 2 <= len(shares) <= len(SPLITS)
        or not all(isfinite(each) and each >= 0 for each in shares)
        or not isfinite(sum(shares))
        or sum(shares) <= 0
    ):
        raise ConfigurationError(
            f"split_by={split_by!r} is not a way to split",
            hint="give tag, none, train/val such as 80/20, or train/val/test such as 70/20/10",
        )
    total = sum(shares)
    return SplitRule(ends=tuple(end / total for end in accumulate(shares)), seed=seed)


class AssetSplits:
    """Looks up the splits of assets, page by page."""

    def __init__(self, rule: SplitRule, tags: SplitTags | None, found: Pass) -> None:
        self._rule = rule
        self._tags = tags
        self._found = found

    @classmethod
    async def open(
        cls, rule: SplitRule, backend: Backend, version_id: UUID, found: Pass
    ) -> AssetSplits:
        """Read the split tags of a version, if the rule asks for them."""
        tags = await read_split_tags(backend, version_id) if rule.by_tags else None
        return cls(rule, tags, found)

    async def of(self, assets: Sequence[AssetRecord]) -> dict[UUID, str]:
        """Return the split of each asset that has one, by its id."""
        if self._tags is None:
            drawn = {asset.id: self._rule.drawn(asset.data.filename) for asset in assets}
            return {asset: split for asset, split in drawn.items() if split is not None}
        found = await self._tags.splits([asset.id for asset in assets])
        several = [split for split in found.values() if split.others]
        if several:
            first = several[0]
            self._found.add(
                "SPLIT",
                "assets have the tags of several splits; the first one counts",
                severity=Severity.NOTE,
                detail=", ".join((first.name, *first.others)),
                count=len(several),
            )
        return {asset: split.name for asset, split in found.items()}
