"""Who gets the tasks of a step: shares by weight, dealt one by one, so that every stretch of tasks is shared alike."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heapreplace

from headrace.platform.campaigns.scopes import Step
from headrace.storage.database.base import Transaction


class StepDistributor:
    """Deals the tasks of one step. The next task goes to whoever has the fewest for their weight."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self._dealt = {assignee.account: assignee.dealt for assignee in step.assignees}
        self._weights = {assignee.account: assignee.weight for assignee in step.assignees}
        self._queue = [((one.dealt + 1) / one.weight, one.account) for one in step.assignees]
        heapify(self._queue)

    def next(self) -> int | None:
        """The account that gets the next task; None where nobody is named for the step."""
        if not self._queue:
            return None
        _, account = self._queue[0]
        self._dealt[account] += 1
        heapreplace(self._queue, ((self._dealt[account] + 1) / self._weights[account], account))
        return account

    async def write(self, tx: Transaction, campaign: int) -> None:
        """Remember how many tasks everybody got."""
        await tx.insert_many(
            "campaigns.count_dealt",
            [(dealt, campaign, self.step.key, account) for account, dealt in self._dealt.items()],
        )


class TaskDistributor:
    """The dealers of a campaign's steps, made when they are first needed."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = {step.key: step for step in steps}
        self._dealers: dict[int, StepDistributor] = {}

    def next(self, step: int) -> int | None:
        """The account that gets the next task of a step."""
        if step not in self._dealers:
            self._dealers[step] = StepDistributor(self._steps[step])
        return self._dealers[step].next()

    async def write(self, tx: Transaction, campaign: int) -> None:
        """Remember how many tasks everybody got."""
        for dealer in self._dealers.values():
            await dealer.write(tx, campaign)
