"""Counters of a version: changes append deltas and never update a row, so that writers never wait for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from headrace.platform.core.label_marks import Inserts, new_marks
from headrace.storage.database.base import Statements, Transaction


class CounterDelta:
    """The change of a version's counters by one call, with the marks of the assets whose labels it changed."""

    def __init__(self, assets: int = 0) -> None:
        self.assets = assets
        self.annotations = 0
        self._shapes: Counter[int] = Counter()
        self._annotated: Counter[int] = Counter()
        self._added: dict[int, Collection[int]] = {}
        self._reduced: set[int] = set()
        self._lost: set[int] = set()

    def add(self, counts: Mapping[int, int], asset: int) -> None:
        """Count an annotation of an asset with these shapes per label."""
        self.add_unmarked(counts)
        known = self._added.get(asset)
        self._added[asset] = counts.keys() if known is None else {*known, *counts}

    def add_unmarked(self, counts: Mapping[int, int], times: int = 1) -> None:
        """Count ``times`` annotations, each with these shapes per label, whose assets the caller marks."""
        self.annotations += times
        for label, shapes in counts.items():
            self._shapes[label] += shapes * times
            self._annotated[label] += times

    def remove(self, counts: Mapping[int, int], asset: int) -> None:
        """Uncount one annotation of an asset with these shapes per label."""
        self.annotations -= 1
        # Counter.subtract takes four times as long for a few labels.
        for label, shapes in counts.items():
            self._shapes[label] -= shapes
            self._annotated[label] -= 1
        if counts:
            self._reduced.add(asset)
            self._lost.update(counts)

    async def write(self, tx: Transaction, bucket: int, version: int) -> None:
        """Append the rows that are not zero, and mark the assets; the annotations must have been written before."""
        for statement, rows in await self._inserts(tx, bucket, version):
            await tx.insert_many(statement, rows)

    async def write_at_commit(self, tx: Transaction, bucket: int, version: int) -> None:
        """Do as :meth:`write` right before the commit, as the only delta of its version in the transaction."""
        for statement, rows in await self._inserts(tx, bucket, version):
            tx.insert_many_at_commit(statement, rows)

    async def _inserts(self, tx: Transaction, bucket: int, version: int) -> list[Inserts]:
        labels = [
            (bucket, version, label, self._shapes[label], self._annotated[label])
            for label in sorted(self._shapes.keys() | self._annotated.keys())
            if self._shapes[label] or self._annotated[label]
        ]
        found: list[Inserts] = []
        if labels:
            found.append(("counters.add_label_delta", labels))
        if self.assets or self.annotations:
            totals = [(bucket, version, self.assets, self.annotations)]
            found.append(("counters.add_version_delta", totals))
        marks = await new_marks(tx, bucket, version, self._added, self._reduced, self._lost)
        return found + marks


async def asset_count(statements: Statements, bucket: int, version: int) -> int:
    """The number of assets of a version."""
    row = await statements.fetch_one("counters.totals", bucket=bucket, version=version)
    assert row is not None
    return int(row[0])
