"""Processors are granted first come, first served, and given back."""

from __future__ import annotations

import anyio
import pytest

from headrace.subprocesses.slots import Slots


async def test_first_come_first_served() -> None:
    slots = Slots(4, 1)
    order: list[str] = []
    ends = {name: anyio.Event() for name in "abc"}

    async def use(name: str, cpus: int, gpus: int) -> None:
        async with slots.acquire(cpus, gpus):
            order.append(name)
            await ends[name].wait()

    async with anyio.create_task_group() as group:
        for name, cpus, gpus in (("a", 3, 1), ("b", 2, 0), ("c", 1, 0)):
            group.start_soon(use, name, cpus, gpus)
            await anyio.wait_all_tasks_blocked()
        # There is room for c, but b came before it.
        assert order == ["a"]
        ends["a"].set()
        await anyio.wait_all_tasks_blocked()
        assert order == ["a", "b", "c"]
        ends["b"].set()
        ends["c"].set()
    async with slots.acquire(4, 1):
        order.append("all")
    assert order[-1] == "all"


async def test_who_goes_away_makes_room() -> None:
    slots = Slots(2, 0)
    with anyio.CancelScope() as waiting:
        async with slots.acquire(2, 0), anyio.create_task_group() as group:
            group.start_soon(_take, slots, 2)
            group.start_soon(_take, slots, 1)
            await anyio.wait_all_tasks_blocked()
            waiting.cancel()
    with anyio.fail_after(30):
        async with slots.acquire(2, 0):
            pass


async def test_what_fails_gives_back() -> None:
    slots = Slots(1, 1)
    for _ in range(2):
        with pytest.raises(ValueError, match="inside"):
            async with slots.acquire(1, 1):
                raise ValueError("inside")


async def _take(slots: Slots, cpus: int) -> None:
    async with slots.acquire(cpus, 0):
        pass


def test_this_machine_has_some() -> None:
    assert Slots.of_this_machine().cpus >= 1
