"""The protocol of executors, and how shards run on any of them: so many at a time, again after a death, suspects alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

import anyio
from msgspec import Struct

from headrace.engine.cluster.calls import ShardCall
from headrace.errors import HeadraceError, WorkerProcessError
from headrace.tasks import first_error

S = TypeVar("S", bound=Struct)
R = TypeVar("R")

DEATHS = 2
"""Workers that may die of a shard before it runs alone. The next death condemns it."""


class Executor(Protocol):
    """What runs encoded calls somewhere.

    Attributes:
        name: What the executor is, for messages: ``local`` or an address.
        slots: Calls that run at a time.
        shared: Whether calls may run on other machines, which share only file systems with this one.
    """

    name: str
    slots: int
    shared: bool

    async def run(self, name: str, spec: bytes) -> bytes:
        """Run a call and return its encoded answer. A cancellation ends the call where it runs.

        Raises:
            WorkerProcessError: The worker died meanwhile.
            ConnectError: The cluster has gone.
        """
        ...

    async def aclose(self) -> None:
        """End the workers that are this executor's own."""
        ...


class ShardOutcome(Struct, Generic[S, R], kw_only=True):
    """How a shard ended.

    Attributes:
        number: Its number, from 0.
        spec: What was to be done.
        result: What its function returned; None if it failed.
        error: Why it failed; None if it did not.
        deaths: Workers that died while they ran it.
    """

    number: int
    spec: S
    result: R | None = None
    error: HeadraceError | None = None
    deaths: int = 0


OnOutcome = Callable[[ShardOutcome[S, R]], Awaitable[None]]


async def map_shards(
    executor: Executor,
    call: ShardCall[S, R],
    specs: Iterable[S],
    on_outcome: OnOutcome[S, R],
) -> None:
    """Run a function on all shards, as many at a time as the executor has slots.

    A shard whose worker dies runs again. One that two workers died of runs alone when all others are done, so that it
    takes no neighbour along; if that worker dies too, it has failed. A function that raises has failed at once. Neither
    stops the others.

    Args:
        executor: Where they run.
        call: The function.
        specs: The shards; taken one by one, as slots become free.
        on_outcome: Called with each outcome, one at a time, in the order in which shards end.

    Raises:
        ConnectError: The cluster has gone; shards that were running count as not run.
        BaseException: What ``on_outcome`` or ``specs`` raised. The other shards are cancelled.
    """
    run = _ShardRun(executor, call, specs, on_outcome)
    try:
        async with anyio.create_task_group() as group:
            for _ in range(executor.slots):
                group.start_soon(run.work)
        for suspect in run.suspects:
            await run.condemn_or_finish(suspect)
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None


class _ShardRun(Generic[S, R]):
    """The state that the tasks of one :func:`map_shards` share."""

    def __init__(
        self,
        executor: Executor,
        call: ShardCall[S, R],
        specs: Iterable[S],
        on_outcome: OnOutcome[S, R],
    ) -> None:
        self._executor = executor
        self._call = call
        self._specs = enumerate(specs)
        self._on_outcome = on_outcome
        self._reporting = anyio.Lock()
        self.suspects: list[ShardOutcome[S, R]] = []

    async def work(self) -> None:
        """Take shards and run them until there are no more."""
        for number, spec in self._specs:
            shard: ShardOutcome[S, R] = ShardOutcome(number=number, spec=spec)
            while shard.deaths < DEATHS:
                if await self._ends(shard):
                    await self._report(shard)
                    break
            else:
                self.suspects.append(shard)

    async def condemn_or_finish(self, shard: ShardOutcome[S, R]) -> None:
        """Run a suspect, while nothing else runs."""
        if not await self._ends(shard):
            shard.error = WorkerProcessError(
                f"shard {shard.number} failed: its worker died {shard.deaths} times; the last time: {shard.error}",
                hint="the others are done; run it again, or look at what this one holds",
            )
        await self._report(shard)

    async def _ends(self, shard: ShardOutcome[S, R]) -> bool:
        """Run a shard once; returns whether it has an outcome."""
        try:
            answer = await self._executor.run(self._call.name, self._call.encode(shard.spec))
        except WorkerProcessError as error:
            shard.deaths += 1
            shard.error = error
            return False
        try:
            shard.result, shard.error = self._call.decode(answer), None
        except HeadraceError as error:
            shard.error = error
        return True

    async def _report(self, shard: ShardOutcome[S, R]) -> None:
        async with self._reporting:
            await self._on_outcome(shard)


async def gather_shards(executor: Executor, call: ShardCall[S, R], specs: Iterable[S]) -> list[R]:
    """Run a function on all shards and return the results in their order.

    Raises:
        HeadraceError: A shard failed; the others are cancelled.
    """
    results: dict[int, Any] = {}

    async def keep(outcome: ShardOutcome[S, R]) -> None:
        if outcome.error is not None:
            raise outcome.error
        results[outcome.number] = outcome.result

    await map_shards(executor, call, specs, keep)
    return [results[number] for number in sorted(results)]
