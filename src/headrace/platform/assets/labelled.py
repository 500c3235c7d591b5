"""List the assets that have labels, found by their marks without reading any annotation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import reduce
from itertools import product
from operator import and_, or_

from headrace.platform.core import asset_set
from headrace.platform.core.label_marks import (
    BLOCK,
    Marks,
    count_marks,
    marked_horizon,
    read_marks,
)
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope
from headrace.platform.filters import Filters, compile_label_filters
from headrace.protocol.operations.assets import ListAssets
from headrace.storage.database.base import Database, Row

_BLOCKS = 32
"""Blocks in one read. A page of a frequent label needs one or two of them."""

_SETS = 1024
"""Sets in one read, where there are many labels. Joining them takes a millisecond."""

_SLICE = 2_000


class LabelledAssets:
    """The assets of a version that have certain labels and meet other filters.

    Args:
        database: The catalog.
        scope: The version.
        labels: Keys of labels: an asset has one of the first list, one of the second, and so on.
        others: The other filters.
        horizon: A number greater than those of all assets.
    """

    def __init__(
        self,
        database: Database,
        scope: VersionScope,
        labels: list[list[int]],
        others: Filters,
        horizon: int,
    ) -> None:
        self._database = database
        self._scope = scope
        self._labels = labels
        self.others = others
        self._horizon = horizon

    async def page(self, before: int, limit: int, offset: int) -> list[Row]:
        """Read the rows of up to ``limit`` assets with numbers below ``before``, newest first, after the first ``offset``."""
        before = min(before, self._horizon)
        if not self.others.sql:
            return await self._rows(await self._chosen(before, limit, offset))
        rows: list[Row] = []
        async for seqs in self._slices(before, offset + limit):
            found = await self._rows(seqs)
            rows += found[offset:]
            offset = max(0, offset - len(found))
            if len(rows) >= limit:
                break
        return rows[:limit]

    async def _chosen(self, before: int, limit: int, offset: int) -> list[int]:
        chosen: list[int] = []
        async for block, bits in self._blocks(before):
            if offset >= bits.bit_count():
                offset -= bits.bit_count()
                continue
            chosen += _newest_first(block, bits)[offset:]
            offset = 0
            if len(chosen) >= limit:
                break
        return chosen[:limit]

    async def count(self) -> int:
        """Count all assets."""
        if self.others.sql:
            count = 0
            async for seqs in self._slices(self._horizon, _SLICE):
                count += await self._count_of(seqs)
            return count
        if len(self._labels) == 1 and len(self._labels[0]) == 1:
            return await count_marks(
                self._database, self._scope.bucket, self._scope.no, self._labels[0], self._horizon
            )
        return sum([bits.bit_count() async for _, bits in self._blocks(self._horizon)])

    async def all(self, limit: int) -> list[int] | None:
        """Return the numbers of all assets with the labels, whatever the other filters; None if there are more than ``limit``."""
        found: list[int] = []
        async for block, bits in self._blocks(self._horizon):
            found += _newest_first(block, bits)
            if len(found) > limit:
                return None
        return found

    async def _slices(self, before: int, wanted: int) -> AsyncIterator[list[int]]:
        """Yield the numbers of assets with the labels, newest first, about ``wanted`` at a time."""
        size = min(max(wanted, 1), _SLICE)
        waiting: list[int] = []
        async for block, bits in self._blocks(before):
            waiting += _newest_first(block, bits)
            while len(waiting) >= size:
                yield waiting[:size]
                waiting = waiting[size:]
        if waiting:
            yield waiting

    async def _blocks(self, before: int) -> AsyncIterator[tuple[int, int]]:
        """Yield the assets below ``before`` that have the labels, as bits by block, newest first."""
        last = (before - 1) // BLOCK
        keys = {key for each in self._labels for key in each}
        size = min(_BLOCKS, max(1, _SETS // max(1, len(keys))))
        for stop in range(last, -1, -size) if all(self._labels) else ():
            blocks = range(stop, max(stop - size, -1), -1)
            marks = await read_marks(
                self._database, self._scope.bucket, self._scope.no, product(blocks, keys)
            )
            for block in blocks if marks else ():
                bits = reduce(and_, [_union(marks, block, each) for each in self._labels])
                if block == last:
                    bits &= (1 << before - block * BLOCK) - 1
                if bits:
                    yield block, bits

    async def _rows(self, seqs: list[int]) -> list[Row]:
        return await self._database.fetch(
            "assets.rows",
            filters=self.others.sql,
            keys=json_text(seqs),
            bucket=self._scope.bucket,
            version=self._scope.no,
            **self.others.params,
        )

    async def _count_of(self, seqs: list[int]) -> int:
        row = await self._database.fetch_one(
            "assets.count_of_keys",
            filters=self.others.sql,
            keys=json_text(seqs),
            bucket=self._scope.bucket,
            version=self._scope.no,
            **self.others.params,
        )
        assert row is not None
        return int(row[0])


async def labelled_assets(
    database: Database, scope: VersionScope, request: ListAssets
) -> LabelledAssets | None:
    """Return the assets that a listing by labels names; None where it names no labels, or the version is not marked."""
    filters = compile_label_filters(request, database.dialect)
    if filters is None:
        return None
    horizon, unmarked = await marked_horizon(database, scope.no)
    if unmarked:
        return None
    labels = [
        [
            key
            for (key,) in await database.fetch(
                "marks.labels", filters=each.sql, version=scope.no, **each.params
            )
        ]
        for each in filters.labels
    ]
    return LabelledAssets(database, scope, labels, filters.others, horizon)


def _union(marks: Marks, block: int, labels: list[int]) -> int:
    stored = [marks[block, label] for label in labels if (block, label) in marks]
    return reduce(or_, map(asset_set.to_bits, stored), 0)


def _newest_first(block: int, bits: int) -> list[int]:
    return [block * BLOCK + number for number in reversed(asset_set.numbers_of(bits))]
