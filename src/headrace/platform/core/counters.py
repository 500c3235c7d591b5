"""Counters of a version: what a change adds is appended, never updated, so that writers never wait for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from headrace.platform.core.scopes import Taken, VersionScope
from headrace.platform.jobs.content_gc import collect
from headrace.storage.database.base import Statements, Transaction

if TYPE_CHECKING:
    from headrace.platform.platform import Platform

FOLD_EVERY = 256
"""Changes of a version after which its deltas become one row a label again."""


class Delta:
    """What one change adds to a version's counters, or takes from them."""

    def __init__(self, assets: int = 0) -> None:
        self.assets = assets
        self.annotations = 0
        self._shapes: Counter[int] = Counter()
        self._annotated: Counter[int] = Counter()

    def add(self, counts: Mapping[int, int], times: int = 1) -> None:
        """One more annotation, or ``times`` more, each with these shapes per label."""
        self.annotations += times
        for label, shapes in counts.items():
            self._shapes[label] += shapes * times
            self._annotated[label] += times

    def remove(self, counts: Mapping[int, int]) -> None:
        """One annotation less."""
        self.annotations -= 1
        self._shapes.subtract(counts)
        self._annotated.subtract(counts.keys())

    async def write(self, tx: Transaction, bucket: int, version: int) -> None:
        """Append what is not zero."""
        await tx.insert_many(
            "stats.add_label_delta",
            [
                (bucket, version, label, self._shapes[label], self._annotated[label])
                for label in sorted(self._shapes.keys() | self._annotated.keys())
                if self._shapes[label] or self._annotated[label]
            ],
        )
        if self.assets or self.annotations:
            await tx.insert_many(
                "stats.add_version_delta", [(bucket, version, self.assets, self.annotations)]
            )


async def asset_count(statements: Statements, bucket: int, version: int) -> int:
    """The number of assets of a version."""
    row = await statements.fetch_one("stats.totals", bucket=bucket, version=version)
    assert row is not None
    return int(row[0])


def fold_now_and_then(platform: Platform, scope: VersionScope, taken: Taken) -> None:
    """Fold a version's deltas in the background where it is time, and look for garbage."""
    if taken.revision % FOLD_EVERY == 0:
        platform.background.start(fold, platform, scope.bucket, scope.no)
        platform.background.start(collect, platform)


async def fold(platform: Platform, bucket: int, version: int) -> None:
    """Put one row a label, and one for the version, in the place of all its deltas."""
    async with platform.database.transaction() as tx:
        labels = await tx.fetch("stats.labels", bucket=bucket, version=version)
        totals = await tx.fetch("stats.totals", bucket=bucket, version=version)
        await tx.execute("stats.drop_label_deltas", bucket=bucket, version=version)
        await tx.execute("stats.drop_version_deltas", bucket=bucket, version=version)
        await tx.insert_many("stats.add_label_delta", _rows(bucket, version, labels, 3))
        await tx.insert_many("stats.add_version_delta", _rows(bucket, version, totals, 2))


def _rows(
    bucket: int, version: int, rows: Iterable[tuple[int, ...]], width: int
) -> list[tuple[int, ...]]:
    return [(bucket, version, *row[:width]) for row in rows if any(row[:width])]
