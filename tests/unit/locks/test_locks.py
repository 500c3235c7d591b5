"""The locks of transactions: named everywhere, in one order, and checked by the tests of lakes."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import headrace.platform
from headrace.model.ids import Kind, encode
from headrace.platform.context import Context
from headrace.platform.core.locking import MAX_STRIPES, STRIPE, beside_locks, version_locks
from headrace.storage.database.locks import ONE_STATEMENT, Lock, in_order, uncovered
from headrace.storage.objects.base import ObjectStore
from tests.support import lock_ladder
from tests.support.lakes.stocked_lake import Stocked, stocked
from tests.support.lock_ladder import LockViolationError
from tests.support.syntax import nodes


@pytest.fixture
async def lake(tmp_path: Path) -> AsyncIterator[Stocked]:
    async with stocked(tmp_path / "lake") as opened:
        yield opened


UNNAMED = {
    # Objects that no row names: none may come to be named meanwhile.
    "care/gc.py": 1,
    # Assets of data are in versions of all datasets.
    "datalake/data.py": 1,
    # A range of any version, or of the content of any dataset.
    "jobs/old_blobs.py": 1,
    # The first rows of a lake.
    "lake_layout.py": 1,
    # The first rows of a platform.
    "postgres_layout.py": 1,
    # No removal may begin a file meanwhile.
    "removals/room.py": 1,
}
"""Transactions that name no lock, and so exclude all others."""


def test_few_transactions_exclude_all_others() -> None:
    root = Path(headrace.platform.__file__).parent
    found: dict[str, int] = {}
    for path in root.rglob("*.py"):
        for node in nodes(path):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "transaction"
                and not node.args
            ):
                name = path.relative_to(root).as_posix()
                found[name] = found.get(name, 0) + 1
    assert found == UNNAMED
    assert sum(found.values()) <= 8


def test_locks_are_taken_from_the_large_to_the_small() -> None:
    locks = [
        Lock.job(3),
        Lock.version(2),
        Lock.stripe(2, 1),
        Lock.key(1, 1, "key"),
        Lock.dataset(9, shared=True),
        Lock.organization(1),
        Lock.lake(4),
    ]
    kinds = [lock.kind.name for lock in in_order(locks)]
    assert kinds == ["KEY", "ORGANIZATION", "LAKE", "DATASET", "VERSION", "STRIPE", "JOB"]
    assert in_order(reversed(locks)) == in_order(locks)


def test_a_lock_that_is_named_twice_is_taken_once_and_alone_if_one_wants_it_alone() -> None:
    shared, alone = Lock.version(1, shared=True), Lock.version(1)
    assert in_order([shared, alone, shared]) == [alone]
    assert uncovered([shared], [shared]) == []
    assert uncovered([shared], [alone]) == [alone]
    assert uncovered([alone], [shared]) == []


def test_changes_of_many_stripes_take_the_version_alone() -> None:
    few = beside_locks(1, 2, range(0, STRIPE * MAX_STRIPES, STRIPE), alone=False)
    assert Lock.version(2, shared=True) in few
    assert len(few) == 2 + MAX_STRIPES
    many = beside_locks(1, 2, range(0, STRIPE * (MAX_STRIPES + 1), STRIPE), alone=False)
    assert many == beside_locks(1, 2, [1], alone=True)
    assert Lock.version(2) in many


# --- what the tests of lakes check ------------------------------------------------------------------------


async def test_a_lock_after_the_first_ones_is_refused(lake: Stocked) -> None:
    async with lake.platform.context.database.transaction(Lock.version(1)) as tx:
        await tx.lock(Lock.version(1, shared=True))
        with pytest.raises(LockViolationError, match="late"):
            await tx.lock(Lock.dataset(1))
    _expected()


async def test_the_locks_of_a_call_come_once_after_its_key(lake: Stocked) -> None:
    async with lake.platform.context.database.transaction(Lock.key(1, 1, "a key")) as tx:
        await tx.lock(Lock.version(1), Lock.dataset(1))
        with pytest.raises(LockViolationError, match="late"):
            await tx.lock()
    _expected()


@pytest.mark.parametrize(
    "locks", [(Lock.version(2),), (Lock.version(1, shared=True),), (Lock.dataset(1),)]
)
async def test_a_change_without_the_lock_of_its_version_is_refused(
    lake: Stocked, locks: tuple[Lock, ...]
) -> None:
    database = lake.platform.context.database
    for statement in ("versions.touch", "versions.lock"):
        with pytest.raises(LockViolationError, match=statement):
            async with database.transaction(*locks) as tx:
                await tx.execute(statement, no=1, assets=0, annotations=0, locked=0)
    with pytest.raises(LockViolationError, match=r"annotations\.drop"):
        async with database.transaction(*locks) as tx:
            await tx.insert_many("annotations.drop", [(0, 1, 5, 6)])
    _expected()


async def test_rows_of_assets_are_written_under_their_stripe(lake: Stocked) -> None:
    database = lake.platform.context.database
    locks = beside_locks(1, 1, [STRIPE], alone=False)
    async with database.transaction(*locks) as tx:
        await tx.insert_many("annotations.drop", [(0, 1, STRIPE, 6), (0, 1, STRIPE + 9, 6)])
        with pytest.raises(LockViolationError, match=r"annotations\.drop"):
            await tx.insert_many("annotations.drop", [(0, 1, STRIPE - 1, 6)])
    _expected()


async def test_numbers_of_a_changed_row_are_not_taken_beside_the_transaction(lake: Stocked) -> None:
    database = lake.platform.context.database
    async with database.transaction(Lock.dataset(1)) as tx:
        await tx.execute("datasets.update", no=1, name=None, description=None)
        with pytest.raises(LockViolationError, match="would wait"):
            await database.take("labels.take_key", dataset=1)
        await database.take("labels.take_key", dataset=2)
    _expected()


async def test_no_object_is_read_and_no_job_awaited_inside_a_transaction(lake: Stocked) -> None:
    context: Context = lake.platform.context
    objects: ObjectStore = context.objects
    async with context.database.transaction(ONE_STATEMENT):
        with pytest.raises(LockViolationError, match="head"):
            await objects.head("0/1/1/a")
        with pytest.raises(LockViolationError, match="job"):
            await context.jobs.wait(1, 0)
    _expected()


async def test_a_version_that_does_not_exist_has_a_lock_too(lake: Stocked) -> None:
    unknown = encode(Kind.VERSION, 1, 0, 77)
    assert await version_locks(lake.platform.context, unknown) == (Lock.version(77),)


def _expected() -> None:
    assert lock_ladder.VIOLATIONS
    lock_ladder.VIOLATIONS.clear()
