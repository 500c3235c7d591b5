"""Sorting more than memory holds: a private database on disk that goes with the process."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import combinations, groupby, pairwise
from math import comb

import apsw

Mark = bytes | int
"""What makes assets alike: a digest, or the 64 bits of a picture's hash as a signed number."""

_HASH_BITS = 64
_ALL = (1 << _HASH_BITS) - 1

_SORTED, _COMPARED = 10.0, 1.0
"""What it costs to sort one mark, and to compare two."""

_MOST_SHARED = 4

_FEW_CHARACTERS = 200
"""Of marks written down: some ten of them."""


class Scratch:
    """Assets by their 16 bytes of id with a mark each; blocking.

    Memory: 4 bytes a distinct mark in :meth:`join`, and those marks that are compared at a time.
    """

    def __init__(self) -> None:
        self._connection = apsw.Connection("")
        self._connection.pragma("journal_mode", "off")
        self._connection.pragma("synchronous", "off")
        self._connection.execute("create table asset (id blob, mark)")
        self._connection.execute(
            "create table mark (no integer primary key, mark integer, root integer)"
        )

    def close(self) -> None:
        """Drop everything."""
        self._connection.close()

    def add(self, rows: list[tuple[bytes, Mark]]) -> None:
        """Note assets."""
        with self._connection:
            self._connection.executemany("insert into asset (id, mark) values (?, ?)", rows)

    def same(self) -> Iterator[list[bytes]]:
        """Assets of one mark, oldest first; only where there are several."""
        rows = self._connection.execute("select mark, id from asset order by mark, id")
        return _groups(rows)

    def join(self, distance: int, *, shared: int | None = None) -> Iterator[list[bytes]]:
        """Assets whose marks differ in at most ``distance`` bits, and whoever is so near to one of them, oldest first.

        Of two such marks, cut into ``distance + shared`` bands, at least ``shared`` bands are equal in both: so only
        marks that share as many are compared, for every choice of so many bands. ``shared`` is what costs least unless
        it is given.
        """
        connection = self._connection
        connection.execute("insert into mark (mark) select distinct mark from asset order by mark")
        count = connection.last_insert_rowid()
        sets = _Sets(count)
        for mask in _masks(distance, shared or _shared(distance, count)):
            # What is alone in its bucket, most of all, never leaves SQLite.
            rows = connection.execute(
                "select group_concat(no), group_concat(mark) from mark group by mark & ? having count(*) > 1",
                (mask,),
            )
            for numbers, marks in rows:
                near = sets.join_few if len(marks) < _FEW_CHARACTERS else sets.join_near
                near([*map(int, numbers.split(","))], [*map(int, marks.split(","))], distance)
        with connection:
            connection.executemany(
                "update mark set root = ? where no = ?",
                ((sets.root(no), no) for no in range(1, count + 1)),
            )
        return _groups(
            connection.execute(
                "select m.root, a.id from mark m join asset a on a.mark = m.mark order by 1, 2"
            )
        )


def _shared(distance: int, count: int) -> int:
    """How many bands near marks are asked to share: the more, the fewer are compared and the more often all are sorted."""

    def cost(shared: int) -> float:
        bands = distance + shared
        compared = count**2 / 2 / 2 ** (_HASH_BITS * shared / bands)
        return comb(bands, shared) * (count * _SORTED + compared * _COMPARED)

    return min(range(1, _MOST_SHARED + 1), key=cost)


def _masks(distance: int, shared: int) -> Iterator[int]:
    """The bits of every choice of ``shared`` bands among ``distance + shared``, as signed numbers."""
    bands = distance + shared
    ends = [band * _HASH_BITS // bands for band in range(bands + 1)]
    bits = [(1 << high) - (1 << low) for low, high in pairwise(ends)]
    for chosen in combinations(bits, shared):
        mask = sum(chosen)
        yield mask - (1 << _HASH_BITS) if mask >> (_HASH_BITS - 1) else mask


class _Sets:
    """Disjoint sets of the numbers from 1 to ``count``."""

    def __init__(self, count: int) -> None:
        self._parents = array("I", range(count + 1))

    def root(self, no: int) -> int:
        parents = self._parents
        while parents[no] != no:
            parents[no] = parents[parents[no]]
            no = parents[no]
        return no

    def join_few(self, numbers: list[int], marks: list[int], distance: int) -> None:
        """Join the sets of marks that are near: each is compared with each."""
        for place, mark in enumerate(marks[1:], 1):
            for other in range(place):
                if ((mark ^ marks[other]) & _ALL).bit_count() <= distance:
                    self._parents[self.root(numbers[place])] = self.root(numbers[other])

    def join_near(self, numbers: list[int], marks: list[int], distance: int) -> None:
        """The same, for many.

        Of each set that is there already a mark is compared with no more than it takes to find a near one: many marks
        that are all alike cost no more than as many comparisons.
        """
        sets: dict[int, list[int]] = {}
        for no, mark in zip(numbers, marks, strict=True):
            mine = self.root(no)
            for other in [
                root
                for root, theirs in sets.items()
                if root != mine and _is_near(mark, theirs, distance)
            ]:
                self._parents[other] = mine
                sets.setdefault(mine, []).extend(sets.pop(other))
            sets.setdefault(mine, []).append(mark)


def _is_near(mark: int, others: list[int], distance: int) -> bool:
    return any(((mark ^ other) & _ALL).bit_count() <= distance for other in others)


def _groups(rows: apsw.Cursor) -> Iterator[list[bytes]]:
    for _, members in groupby(rows, key=lambda row: row[0]):
        ids = [asset for _, asset in members]
        if len(ids) > 1:
            yield ids
