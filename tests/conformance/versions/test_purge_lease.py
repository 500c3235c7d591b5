"""Of the servers that share a platform, one purges at a time; a lake's processes need not take turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from headrace.platform.jobs import maintenance, purge_lease
from headrace.platform.jobs.maintenance import purge
from headrace.platform.jobs.purge_lease import PurgeLease
from headrace.platform.platform import Platform
from headrace.protocol.operations import datasets
from tests.support.lakes.forks import rows
from tests.support.lakes.stocked_lake import Stocked, stocked
from tests.support.processes.waiting import until


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[tuple[Stocked, Platform]]:
    """Two platforms on one lake, which work as servers that share it."""
    async with (
        stocked(tmp_path / "lake") as one,
        await Platform.open(tmp_path / "lake") as two,
    ):
        one.platform.context.share()
        two.context.share()
        yield one, two


async def test_one_has_the_lease_until_it_frees_it(shared: tuple[Stocked, Platform]) -> None:
    first, second = PurgeLease(shared[0].platform.context), PurgeLease(shared[1].context)
    await first.wait()
    assert not await second.take()
    assert await first.take()
    await second.free()
    assert not await second.take()
    await first.free()
    # Much sooner than the lease would have ended. The purges with which both begin may come first.
    with anyio.fail_after(purge_lease.SHARED_LEASE_MS / 2000):
        await second.wait()


async def test_the_lease_of_one_that_died_ends(
    shared: tuple[Stocked, Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_lease, "SHARED_LEASE_MS", 1)
    await PurgeLease(shared[0].platform.context).wait()
    await anyio.sleep(0.02)
    assert await PurgeLease(shared[1].context).take()


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers look often whether another has stopped while it purged."""
    monkeypatch.setattr(maintenance, "WATCH_SECONDS", 0.02)


async def test_what_one_that_died_has_left_is_purged_soon(
    watchful: None,
    shared: tuple[Stocked, Platform],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = shared
    filled, lease = await one.filled(2), PurgeLease(two.context)
    await lease.wait()
    assert not await lease.was_left()
    async with await Platform.open(tmp_path / "lake") as third:
        third.context.share()
        request = datasets.DELETE_VERSION.request(version_id=filled.id, undo=False)
        await third.call(one.access, datasets.DELETE_VERSION, request)
    # The third ended before it could purge, and now the one that has the lease ends too.
    assert rows(one, "version") == 1
    with monkeypatch.context() as patch:
        patch.setattr(purge_lease, "SHARED_LEASE_MS", 1)
        assert await lease.take()
    await until(lambda: rows(one, "version") == 0)
    await lease.wait()
    await lease.free()
    assert not await lease.was_left()


async def test_who_purges_waits_for_the_other_and_then_goes_on(
    shared: tuple[Stocked, Platform],
) -> None:
    one, two = shared
    held = PurgeLease(two.context)
    filled = await one.filled(5)
    await held.wait()
    async with anyio.create_task_group() as group:
        group.start_soon(purge, one.platform.context)
        await one.call(datasets.DELETE_VERSION, version_id=filled.id, undo=False)
        assert rows(one, "version") == 1
        await held.free()
    await purge(two.context)
    assert rows(one, "version") == 0
