"""Distribute the tasks of a step among its assignees by weight, one by one, so that every run of tasks is shared evenly."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heapreplace

from headrace.platform.campaigns.scopes import Step
from headrace.storage.database.base import Transaction


class StepDistributor:
    """Distributes the tasks of one step: the next task goes to the assignee with the fewest for their weight."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self._counts = {assignee.account: assignee.dealt for assignee in step.assignees}
        self._weights = {assignee.account: assignee.weight for assignee in step.assignees}
        self._queue = [((one.dealt + 1) / one.weight, one.account) for one in step.assignees]
        heapify(self._queue)

    def next(self) -> int | None:
        """Return the account that gets the next task; None if the step has no assignees."""
        if not self._queue:
            return None
        _, account = self._queue[0]
        self._counts[account] += 1
        heapreplace(self._queue, ((self._counts[account] + 1) / self._weights[account], account))
        return account

    async def write(self, tx: Transaction, campaign: int) -> None:
        """Store how many tasks each assignee got."""
        await tx.insert_many(
            "campaigns.count_dealt",
            [(count, campaign, self.step.key, account) for account, count in self._counts.items()],
        )


class TaskDistributor:
    """Distributes the tasks of a campaign's steps."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = {step.key: step for step in steps}
        self._distributors: dict[int, StepDistributor] = {}

    def next(self, step: int) -> int | None:
        """Return the account that gets the next task of a step; None if the step has no assignees."""
        if step not in self._distributors:
            self._distributors[step] = StepDistributor(self._steps[step])
        return self._distributors[step].next()

    async def write(self, tx: Transaction, campaign: int) -> None:
        """Store how many tasks each assignee got."""
        for distributor in self._distributors.values():
            await distributor.write(tx, campaign)
