"""Counters of a version: changes append deltas and never update a row, so that writers never wait for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from headrace.storage.database.base import Statements, Transaction


class CounterDelta:
    """The change of a version's counters by one call."""

    def __init__(self, assets: int = 0) -> None:
        self.assets = assets
        self.annotations = 0
        self._shapes: Counter[int] = Counter()
        self._annotated: Counter[int] = Counter()

    def add(self, counts: Mapping[int, int], times: int = 1) -> None:
        """Count ``times`` annotations, each with these shapes per label."""
        self.annotations += times
        for label, shapes in counts.items():
            self._shapes[label] += shapes * times
            self._annotated[label] += times

    def remove(self, counts: Mapping[int, int]) -> None:
        """Uncount one annotation with these shapes per label."""
        self.annotations -= 1
        self._shapes.subtract(counts)
        self._annotated.subtract(counts.keys())

    async def write(self, tx: Transaction, bucket: int, version: int) -> None:
        """Append the rows that are not zero."""
        await tx.insert_many(
            "counters.add_label_delta",
            [
                (bucket, version, label, self._shapes[label], self._annotated[label])
                for label in sorted(self._shapes.keys() | self._annotated.keys())
                if self._shapes[label] or self._annotated[label]
            ],
        )
        if self.assets or self.annotations:
            await tx.insert_many(
                "counters.add_version_delta", [(bucket, version, self.assets, self.annotations)]
            )


async def asset_count(statements: Statements, bucket: int, version: int) -> int:
    """The number of assets of a version."""
    row = await statements.fetch_one("counters.totals", bucket=bucket, version=version)
    assert row is not None
    return int(row[0])
