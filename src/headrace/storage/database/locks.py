"""Locks that a transaction takes when it begins, and the order in which all transactions take them.

A transaction that names no lock excludes all others. One that names its locks runs beside those that name other ones,
so it must name everything that it reads before it writes. All locks last until the transaction ends.
A SQLite database has one writer at a time and ignores them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple, Self


class LockKind(IntEnum):
    """What a lock guards. A transaction takes its locks in this order, so two can never wait for each other."""

    KEY = 0
    """An idempotency key of an account."""
    ORGANIZATION = 1
    LAKE = 2
    DATASET = 3
    VERSION = 4
    STRIPE = 5
    """A part of a version's assets: who holds the version shared and a stripe writes beside other stripes."""
    CAMPAIGN = 6
    JOB = 7


class Lock(NamedTuple):
    """A lock on one thing; make it with the class method that is named after its kind.

    ``shared`` locks of one thing may be held by many transactions at once, and exclude the one that is not shared.
    ``parts`` are the numbers or texts that name the thing among those of its kind.
    """

    kind: LockKind
    parts: tuple[int | str, ...]
    shared: bool = False

    @classmethod
    def key(cls, organization: int, account: int, key: str) -> Self:
        """Lock an idempotency key. It is taken before all others, and leaves the rest to later locks."""
        return cls(LockKind.KEY, (organization, account, key))

    @classmethod
    def organization(cls, *parts: int, shared: bool = False) -> Self:
        """Lock an organization: its accounts, tokens, datalakes and the names of its datasets."""
        return cls(LockKind.ORGANIZATION, parts, shared)

    @classmethod
    def lake(cls, *parts: int, shared: bool = False) -> Self:
        """Lock a datalake: its data and tags."""
        return cls(LockKind.LAKE, parts, shared)

    @classmethod
    def dataset(cls, *parts: int, shared: bool = False) -> Self:
        """Lock a dataset: its versions, labels and content."""
        return cls(LockKind.DATASET, parts, shared)

    @classmethod
    def version(cls, *parts: int, shared: bool = False) -> Self:
        """Lock a version: its assets, annotations and counters."""
        return cls(LockKind.VERSION, parts, shared)

    @classmethod
    def stripe(cls, *parts: int, shared: bool = False) -> Self:
        """Lock a part of a version's assets; the last of ``parts`` is the number of the stripe."""
        return cls(LockKind.STRIPE, parts, shared)

    @classmethod
    def campaign(cls, *parts: int, shared: bool = False) -> Self:
        """Lock a campaign: its steps and tasks."""
        return cls(LockKind.CAMPAIGN, parts, shared)

    @classmethod
    def job(cls, *parts: int, shared: bool = False) -> Self:
        """Lock a job."""
        return cls(LockKind.JOB, parts, shared)

    @property
    def place(self) -> tuple[int, int]:
        """The place in the order of all locks."""
        return (self.kind, self.number)

    @property
    def number(self) -> int:
        """The lock as a signed number of 64 bits, the same in every process."""
        text = "\0".join([self.kind.name, *map(str, self.parts)])
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)


ONE_STATEMENT = Lock.organization(-1, shared=True)
"""The lock of a transaction whose statement is safe beside all others that name their locks."""


def in_order(locks: Iterable[Lock]) -> list[Lock]:
    """Return each lock once, in the order in which locks are taken; exclusive where it is named both ways."""
    found: dict[tuple[int, int], Lock] = {}
    for lock in locks:
        place = lock.place
        if place not in found or found[place].shared:
            found[place] = lock
    return [found[place] for place in sorted(found)]


def uncovered(held: Iterable[Lock], wanted: Iterable[Lock]) -> list[Lock]:
    """Return the wanted locks that are not held yet, or only shared, in the order in which they are taken."""
    has = {lock.place: lock.shared for lock in in_order(held)}
    return [
        lock
        for lock in in_order(wanted)
        if lock.place not in has or (has[lock.place] and not lock.shared)
    ]
