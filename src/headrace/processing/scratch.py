"""Sorting more than memory holds: a private database on disk that goes with the process."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import groupby

import apsw

Mark = bytes | int
"""What makes assets alike: a digest, or the 64 bits of a picture's hash as a signed number."""

_HASH_BITS = 64


class Scratch:
    """Assets by their 16 bytes of id with a mark each; blocking. Memory: 4 bytes a distinct mark in :meth:`join`."""

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

    def join(self, distance: int) -> Iterator[list[bytes]]:
        """Assets whose marks differ in at most ``distance`` bits, and whoever is so near to one of them, oldest first.

        Of two such marks, cut into ``distance + 1`` bands, at least one band is equal in both: so only marks that
        share a band are compared.
        """
        connection = self._connection
        connection.execute("insert into mark (mark) select distinct mark from asset order by mark")
        count = connection.last_insert_rowid()
        sets = _Sets(count)
        bands = distance + 1
        for band in range(bands):
            low, high = band * _HASH_BITS // bands, (band + 1) * _HASH_BITS // bands
            # The shift drags the sign along; the mask drops it. With a single band nothing is left to compare.
            rows = connection.execute(
                "select mark >> ? & ? as part, no, mark from mark order by part",
                (low, (1 << high - low) - 1 if high - low < _HASH_BITS else -1),
            )
            for _, bucket in groupby(rows, key=lambda row: row[0]):
                sets.join_near([(no, mark) for _, no, mark in bucket], distance)
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

    def join_near(self, marks: list[tuple[int, int]], distance: int) -> None:
        for place, (no, mark) in enumerate(marks):
            for other, theirs in marks[:place]:
                if ((mark ^ theirs) & _ALL).bit_count() <= distance:
                    self._parents[self.root(no)] = self.root(other)


_ALL = (1 << _HASH_BITS) - 1


def _groups(rows: apsw.Cursor) -> Iterator[list[bytes]]:
    for _, members in groupby(rows, key=lambda row: row[0]):
        ids = [asset for _, asset in members]
        if len(ids) > 1:
            yield ids
