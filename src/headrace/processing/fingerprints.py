"""Find equal and similar fingerprints among more assets than memory holds, in a temporary database."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import combinations, groupby, pairwise
from math import comb

import apsw

Fingerprint = bytes | int
"""A digest of a file, or the 64-bit hash of an image as a signed number."""

_HASH_BITS = 64
_ALL = (1 << _HASH_BITS) - 1

_SORT_COST, _COMPARE_COST = 10.0, 1.0
"""Relative cost of sorting one fingerprint and of comparing two."""

_MAX_SHARED = 4

_SMALL_BUCKET = 200
"""Characters of a comma-separated list below which a bucket counts as small: about ten hashes."""


class FingerprintIndex:
    """Assets (16 bytes of id each) with their fingerprints, in a temporary SQLite database; blocking.

    :meth:`similar_groups` holds 4 bytes a distinct hash in memory, and the hashes of one bucket.
    """

    def __init__(self) -> None:
        self._connection = apsw.Connection("")
        self._connection.pragma("journal_mode", "off")
        self._connection.pragma("synchronous", "off")
        self._connection.execute("create table asset (id blob, fingerprint)")
        self._connection.execute(
            "create table hash (no integer primary key, hash integer, root integer)"
        )

    def close(self) -> None:
        """Delete the database."""
        self._connection.close()

    def add(self, rows: list[tuple[bytes, Fingerprint]]) -> None:
        """Add assets with their fingerprints."""
        with self._connection:
            self._connection.executemany("insert into asset (id, fingerprint) values (?, ?)", rows)

    def equal_groups(self) -> Iterator[list[bytes]]:
        """Iterate over the groups of two or more assets with equal fingerprints, each oldest first."""
        rows = self._connection.execute(
            "select fingerprint, id from asset order by fingerprint, id"
        )
        return _groups(rows)

    def similar_groups(self, distance: int, *, shared: int | None = None) -> Iterator[list[bytes]]:
        """Iterate over the groups of assets whose hashes are connected by steps of at most ``distance`` bits.

        If two hashes differ in at most ``distance`` bits and both are cut into ``distance + shared`` bands, at least
        ``shared`` bands are equal. So for every choice of ``shared`` bands only hashes that agree on them are compared.

        Args:
            distance: Greatest Hamming distance between neighbours, in bits.
            shared: Number of equal bands. Default: the cheapest for this number of hashes.

        Returns:
            Groups of two or more asset ids, each oldest first.
        """
        connection = self._connection
        connection.execute(
            "insert into hash (hash) select distinct fingerprint from asset order by fingerprint"
        )
        count = connection.last_insert_rowid()
        sets = _DisjointSets(count)
        for mask in _masks(distance, shared or _cheapest_shared(distance, count)):
            # Most hashes are alone in their bucket and never leave SQLite.
            rows = connection.execute(
                "select group_concat(no), group_concat(hash) from hash group by hash & ? having count(*) > 1",
                (mask,),
            )
            for numbers, hashes in rows:
                join = sets.join_pairwise if len(hashes) < _SMALL_BUCKET else sets.join_by_set
                join([*map(int, numbers.split(","))], [*map(int, hashes.split(","))], distance)
        with connection:
            connection.executemany(
                "update hash set root = ? where no = ?",
                ((sets.root(no), no) for no in range(1, count + 1)),
            )
        return _groups(
            connection.execute(
                "select h.root, a.id from hash h join asset a on a.fingerprint = h.hash order by 1, 2"
            )
        )


def _cheapest_shared(distance: int, count: int) -> int:
    """Choose how many bands must be equal: more bands mean fewer comparisons, but more sorts of all hashes."""

    def cost(shared: int) -> float:
        bands = distance + shared
        compared = count**2 / 2 / 2 ** (_HASH_BITS * shared / bands)
        return comb(bands, shared) * (count * _SORT_COST + compared * _COMPARE_COST)

    return min(range(1, _MAX_SHARED + 1), key=cost)


def _masks(distance: int, shared: int) -> Iterator[int]:
    """Iterate over the bit masks of every choice of ``shared`` among ``distance + shared`` bands, as signed numbers."""
    bands = distance + shared
    ends = [band * _HASH_BITS // bands for band in range(bands + 1)]
    bits = [(1 << high) - (1 << low) for low, high in pairwise(ends)]
    for chosen in combinations(bits, shared):
        mask = sum(chosen)
        yield mask - (1 << _HASH_BITS) if mask >> (_HASH_BITS - 1) else mask


class _DisjointSets:
    """Disjoint sets of the numbers from 1 to ``count``."""

    def __init__(self, count: int) -> None:
        self._parents = array("I", range(count + 1))

    def root(self, no: int) -> int:
        """Find the representative of a number's set, and shorten the path to it."""
        parents = self._parents
        while parents[no] != no:
            parents[no] = parents[parents[no]]
            no = parents[no]
        return no

    def join_pairwise(self, numbers: list[int], hashes: list[int], distance: int) -> None:
        """Join the sets of similar hashes; compares every pair."""
        for index, value in enumerate(hashes[1:], 1):
            for other in range(index):
                if ((value ^ hashes[other]) & _ALL).bit_count() <= distance:
                    self._parents[self.root(numbers[index])] = self.root(numbers[other])

    def join_by_set(self, numbers: list[int], hashes: list[int], distance: int) -> None:
        """Join the sets of similar hashes in a large bucket.

        A hash is compared with the members of each set only until a similar one is found, so n hashes that are all
        alike cost n comparisons.
        """
        sets: dict[int, list[int]] = {}
        for no, value in zip(numbers, hashes, strict=True):
            mine = self.root(no)
            for other in [
                root
                for root, theirs in sets.items()
                if root != mine and _is_similar(value, theirs, distance)
            ]:
                self._parents[other] = mine
                sets.setdefault(mine, []).extend(sets.pop(other))
            sets.setdefault(mine, []).append(value)


def _is_similar(value: int, others: list[int], distance: int) -> bool:
    return any(((value ^ other) & _ALL).bit_count() <= distance for other in others)


def _groups(rows: apsw.Cursor) -> Iterator[list[bytes]]:
    for _, members in groupby(rows, key=lambda row: row[0]):
        ids = [asset for _, asset in members]
        if len(ids) > 1:
            yield ids
