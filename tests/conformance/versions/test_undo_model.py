"""Random removals by two accounts: undone newest first they leave nothing, and no undo touches what was written since."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
import pytest

from headrace.model.enums import AnnotationStatus
from headrace.protocol.operations import annotating, annotations, assets, datasets, undo
from tests.support.lakes.stocked_lake import Filled, Stocked, colleague
from tests.support.tiers import slow

State = dict[str, Any]
"""Annotations by id, with everything that they say."""

ASSETS = 8


class Step(NamedTuple):
    """A removal: the states before and after it, the annotations that it wrote, and the last id until then."""

    removal: UUID
    before: State
    after: State
    wrote: set[str]
    last: str


class Scene:
    """A version in which two accounts annotate every asset, and what random steps do to it."""

    def __init__(self, lake: Stocked, mine: Filled, theirs: Filled, rng: random.Random) -> None:
        self.lake, self.mine, self.theirs, self.rng = lake, mine, theirs, rng
        self.steps: list[Step] = []
        self.last = ""

    async def state(self) -> State:
        found = {a.id: msgspec.to_builtins(a) for a in await self.mine.load()}
        stats = await self.lake.call(datasets.GET_STATS, version_id=self.mine.id)
        shapes = sum(len(each["rectangles"]) for each in found.values())
        assert (stats.nb_annotations, stats.nb_objects) == (len(found), shapes)
        return found

    async def assets(self) -> list[UUID]:
        page = await self.lake.call(assets.LIST_ASSETS, version_id=self.mine.id)
        return [asset.id for asset in page.items]

    async def step(self, work: Callable[[UUID], Awaitable[set[str]]]) -> None:
        """Do something that may remove, and note the removal."""
        before, key = await self.state(), uuid4()
        wrote = await work(key)
        listed = await self.lake.call(
            undo.LIST_REMOVALS, organization_id=self.lake.access.organization_id
        )
        known = {step.removal for step in self.steps}
        fresh = [removal.id for removal in listed.items if removal.id not in known]
        if fresh:
            after = await self.state()
            self.last = max([self.last, *before, *after])
            self.steps.append(Step(fresh[0], before, after, wrote, self.last))

    async def delete_assets(self, key: UUID) -> set[str]:
        there = await self.assets()
        chosen = self.rng.sample(there, min(len(there), self.rng.randint(1, 3)))
        await self.lake.call(
            assets.DELETE_ASSETS, version_id=self.mine.id, ids=chosen, undo=True, removal=key
        )
        return set()

    async def delete_annotations(self, key: UUID) -> set[str]:
        ids = [UUID(each) for each in await self.state()]
        chosen = self.rng.sample(ids, min(len(ids), self.rng.randint(1, 4)))
        await self.lake.call(
            annotating.DELETE_ANNOTATIONS,
            version_id=self.mine.id,
            asset_ids=[annotating.ALL_ASSETS],
            annotation_ids=chosen,
            undo=True,
            removal=key,
        )
        return set()

    async def replace(self, key: UUID, *, only_annotated: bool = True) -> set[str]:
        """Import new boxes on some assets, by default only where the account has an annotation."""
        filled = self.rng.choice((self.mine, self.theirs))
        worker = (await self.worker(filled)) if only_annotated else None
        there = [str(asset) for asset in await self.assets()]
        if only_annotated:
            own = [a["asset_id"] for a in (await self.state()).values() if a["worker_id"] == worker]
            there = [asset for asset in there if asset in own]
        chosen = self.rng.sample(there, min(len(there), self.rng.randint(1, 4)))
        begun = await filled.lake.call(
            annotations.START_IMPORT, version_id=filled.id, source=str(key)
        )
        written = await filled.send(
            *(filled.item(filled.assets.index(asset), self.rng.random()) for asset in chosen),
            undo=True,
            import_id=begun.id,
            chunk=0,
        )
        await filled.lake.call(annotations.FINISH_IMPORT, import_id=begun.id)
        return set(written)

    async def worker(self, filled: Filled) -> str:
        """The id under which the account's annotations are listed."""
        names = {True: "mine", False: "theirs"}
        return self.workers[names[filled is self.mine]]

    async def edit(self) -> None:
        """Change the status of an annotation."""
        ids = list(await self.state())
        if ids:
            await self.lake.call(
                annotating.UPDATE_ANNOTATION,
                annotation_id=UUID(self.rng.choice(ids)),
                status=self.rng.choice(list(AnnotationStatus)),
            )

    async def undo(self, removal: UUID) -> Any:
        return await self.lake.call(undo.UNDO_REMOVAL, removal_id=removal)

    workers: dict[str, str]


def place(annotation: dict[str, Any]) -> tuple[str, str]:
    return annotation["asset_id"], annotation["worker_id"]


async def scene(lake: Stocked, seed: int) -> Scene:
    mine = await lake.filled(ASSETS)
    theirs = Filled(await colleague(lake), mine.id, mine.data, mine.assets, mine.labels)
    made = Scene(lake, mine, theirs, random.Random(seed))
    workers = {}
    for name, filled in (("mine", mine), ("theirs", theirs)):
        before = set(await made.state())
        await filled.send(*(filled.item(asset, asset, 9, label="b") for asset in range(ASSETS)))
        new = [a for each, a in (await made.state()).items() if each not in before]
        workers[name] = new[0]["worker_id"]
    made.workers = workers
    return made


@pytest.mark.parametrize("seed", [0, 1, *(slow(seed) for seed in range(2, 12))])
async def test_removals_undone_newest_first_leave_nothing(lake: Stocked, seed: int) -> None:
    made = await scene(lake, seed)
    before, there = await made.state(), await made.assets()
    for _ in range(12):
        await made.step(
            made.rng.choice((made.delete_assets, made.delete_annotations, made.replace))
        )
    assert await made.state() != before
    for step in reversed(made.steps):
        report = await made.undo(step.removal)
        assert (report.conflict_count, await made.state()) == (0, step.before)
    assert (await made.state(), sorted(await made.assets())) == (before, sorted(there))


@pytest.mark.parametrize("seed", [0, 1, *(slow(seed) for seed in range(2, 12))])
async def test_an_undo_never_touches_what_was_written_since(lake: Stocked, seed: int) -> None:
    made = await scene(lake, seed)

    async def add(key: UUID) -> set[str]:
        return await made.replace(key, only_annotated=False)

    for _ in range(15):
        await made.step(made.rng.choice((made.delete_annotations, add, made.delete_assets)))
        await made.edit()
    for step in made.rng.sample(made.steps, len(made.steps)):
        now = await made.state()
        report = await made.undo(step.removal)
        after = await made.state()
        gave_way = now.keys() - after.keys()
        assert gave_way <= step.wrote
        assert {each: now[each] for each in gave_way} == {
            each: step.after[each] for each in gave_way
        }
        assert len(gave_way) == report.replaced
        assert {each: now[each] for each in now.keys() & after.keys()} == {
            each: after[each] for each in now.keys() & after.keys()
        }
        came_back = after.keys() - now.keys()
        assert len(came_back) == report.annotations
        assert {each: after[each] for each in came_back} == {
            each: step.before[each] for each in came_back
        }
        # Ids of a version sort by their numbers.
        newer = {place(each) for id_, each in after.items() if id_ > step.last}
        assert not newer & {place(after[each]) for each in came_back}
        again = await made.undo(step.removal)
        assert (again.assets, again.annotations, again.replaced) == (0, 0, 0)
        assert await made.state() == after
