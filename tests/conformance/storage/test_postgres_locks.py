"""Which transactions of two servers run side by side, and which wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from headrace.errors import ConfigurationError, LakeBusyError
from headrace.storage.database.locks import ONE_STATEMENT, Lock, in_order
from headrace.storage.database.postgres.database import PostgresDatabase
from tests.support.postgres_server import fresh_database

V1, V2 = Lock.version(1), Lock.version(2)
V1_SHARED = Lock.version(1, shared=True)
STRIPES = (V1_SHARED, Lock.stripe(1, 0)), (V1_SHARED, Lock.stripe(1, 1))

Locks = tuple[Lock, ...]


@pytest.fixture
async def servers() -> AsyncIterator[tuple[PostgresDatabase, PostgresDatabase]]:
    with fresh_database() as dsn:
        first = await PostgresDatabase.open(dsn, strict_locks=True)
        second = await PostgresDatabase.open(dsn, strict_locks=True, lock_seconds=0.1)
        yield first, second
        await first.aclose()
        await second.aclose()


async def excludes(
    first: PostgresDatabase, held: Locks, second: PostgresDatabase, wanted: Locks
) -> bool:
    """Whether a transaction with ``held`` keeps one with ``wanted`` out."""
    async with first.transaction(*held):
        try:
            async with second.transaction(*wanted) as tx:
                await tx.execute("conformance.add", name=str(wanted), last=1)
        except LakeBusyError:
            return True
    await second.execute("conformance.set_above", least=0)
    return False


@pytest.mark.parametrize(
    ("held", "wanted", "waits"),
    [
        ((), (), True),
        ((), (V1,), True),
        ((V1,), (), True),
        ((), (ONE_STATEMENT,), True),
        ((V1,), (ONE_STATEMENT,), False),
        ((V1,), (V1,), True),
        ((V1,), (V2,), False),
        ((V1,), (V1_SHARED,), True),
        ((V1_SHARED,), (V1_SHARED,), False),
        ((V1,), (Lock.dataset(1),), False),
        ((Lock.dataset(1, shared=True), V1), (Lock.dataset(1, shared=True), V2), False),
        ((Lock.dataset(1, shared=True), V1), (Lock.dataset(1),), True),
        (STRIPES[0], STRIPES[1], False),
        (STRIPES[0], STRIPES[0], True),
        (STRIPES[0], (V1,), True),
        ((Lock.stripe(1, 0),), (Lock.stripe(2, 0),), False),
        ((Lock.key(1, 2, "k"),), (Lock.key(1, 2, "k"),), True),
        ((Lock.key(1, 2, "k"),), (Lock.key(1, 2, "l"),), False),
        # A key alone says nothing of what is changed.
        ((Lock.key(1, 2, "k"),), (), False),
        ((Lock.key(1, 2, "k"), V1), (), True),
    ],
)  # fmt: skip
async def test_what_excludes_what(
    servers: tuple[PostgresDatabase, PostgresDatabase], held: Locks, wanted: Locks, waits: bool
) -> None:
    first, second = servers
    assert await excludes(first, held, second, wanted) is waits


async def test_a_call_takes_its_locks_after_its_key(
    servers: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    first, second = servers
    key = Lock.key(1, 2, "k")
    async with first.transaction(key) as tx:
        async with second.transaction():
            pass
        await tx.lock(Lock.dataset(3, shared=True), V1)
        await tx.lock(V1, V1_SHARED)
        for wanted in ((), (V1,)):
            with pytest.raises(LakeBusyError):
                async with second.transaction(*wanted):
                    pass
        async with second.transaction(V2):
            pass
    async with first.transaction(key) as tx:
        await tx.lock()
        await tx.lock(V1)
        with pytest.raises(LakeBusyError):
            async with second.transaction(V2):
                pass


@pytest.mark.parametrize(
    ("held", "late"),
    [
        ((V2,), (V1,)),
        ((V1,), (Lock.dataset(1),)),
        ((V1_SHARED,), (V1,)),
        ((V1,), ()),
        ((Lock.job(1),), (Lock.organization(1),)),
    ],
)
async def test_a_late_lock_out_of_order_is_an_error_of_the_program(
    servers: tuple[PostgresDatabase, PostgresDatabase], held: Locks, late: Locks
) -> None:
    """Whatever the numbers of locks of one kind are: two orders cannot both be right."""
    refusals = 0
    for first, second in ((held, late), (late, held)):
        if not first:
            continue
        try:
            async with servers[0].transaction(*first) as tx:
                await tx.lock(*second)
        except ConfigurationError:
            refusals += 1
    assert refusals == 1


async def test_a_lock_is_held_until_the_commit_is_complete(
    servers: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    """Two servers count up beside each other; what each reads is what the other committed."""
    first, second = servers
    await first.execute("conformance.add", name="n", last=0)

    async def count_up(database: PostgresDatabase) -> int:
        done = 0
        for _ in range(25):
            try:
                async with database.transaction(V1) as tx:
                    row = await tx.fetch_one("conformance.one", name="n")
                    assert row is not None
                    await tx.execute("conformance.set_above", least=row[0])
                    await tx.execute("identifiers.take_numbers", name="n", count=1)
                    done += 1
            except LakeBusyError:
                continue
        return done

    done = await asyncio.gather(*(count_up(each) for each in (first, second, first, second)))
    assert await first.fetch_one("conformance.one", name="n") == (sum(done),)
    assert sum(done) >= 50


async def test_numbers_are_reserved_once_whatever_becomes_of_the_transaction(
    servers: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    taken: list[int] = []

    async def reserve(database: PostgresDatabase, count: int) -> None:
        for _ in range(10):
            first = await database.reserve("n", count)
            taken.extend(range(first, first + count))

    await asyncio.gather(*(reserve(each, count) for each in servers for count in (1, 2, 5)))
    assert sorted(taken) == list(range(1, 161))
    with pytest.raises(LookupError):
        async with servers[0].transaction(V1):
            assert await servers[0].reserve("n") == 161
            raise LookupError
    assert await servers[1].reserve("n") == 162


async def test_waits_are_reported_by_kind(
    servers: tuple[PostgresDatabase, PostgresDatabase],
) -> None:
    first, second = servers
    waits: list[tuple[str, float]] = []
    second.watch_waits(lambda kind, seconds: waits.append((kind, seconds)))
    async with first.transaction(V1):
        with pytest.raises(LakeBusyError):
            async with second.transaction(V1):
                pass
    async with second.transaction():
        pass
    (kind, seconds), (other, _) = waits
    assert (kind, other) == ("lock version", "lock global")
    assert seconds > 0.05


def test_locks_are_taken_in_one_order() -> None:
    locks = [Lock.job(1), V2, V1, Lock.stripe(1, 3), Lock.key(1, 1, "k"), Lock.lake(1), V1_SHARED]
    found = in_order(locks)
    assert found == in_order(reversed(locks))
    assert [lock.kind.name for lock in found] == ["KEY", "LAKE", "VERSION", "VERSION", "STRIPE", "JOB"]  # fmt: skip
    assert V1 in found
    assert V1_SHARED not in found
    assert len({lock.number for lock in found}) == len(found)
