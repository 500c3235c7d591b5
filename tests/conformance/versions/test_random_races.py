"""Calls of many kinds at random through two platforms at once: none waits for ever, and what they leave is sound."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.errors import APIError, HeadraceError, LakeBusyError, NotFoundError
from headrace.platform.core.access import local_access
from headrace.platform.jobs.content_gc import start_due_gc
from headrace.platform.jobs.maintenance import purge
from headrace.platform.platform import Platform
from headrace.protocol.operations import annotating, annotations, assets, datasets, labels, tags
from headrace.protocol.operations.annotations import ImportItem, PolygonIn
from tests.support.lakes.forks import fork, rich, rows
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked
from tests.support.processes.waiting import until
from tests.support.tiers import slow

WORKERS = 6
CALLS = 12

SEEDS = [1, 2, *(slow(seed) for seed in range(3, 30))]


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Stocked, Stocked]]:
    """Two platforms on one lake, and one caller of both."""
    async with (
        stocked(tmp_path / "lake") as one,
        await Platform.open(tmp_path / "lake") as platform,
    ):
        yield one, Stocked(platform, await local_access(platform.context))


class Caller:
    """Makes calls on the versions that exist, drawn with its own seed."""

    def __init__(self, lake: Stocked, filled: Filled, versions: list[UUID], seed: str) -> None:
        self._lake = lake
        self._filled = filled
        self._versions = versions
        self._random = random.Random(seed)
        self._count = 0
        self._seed = seed

    async def run(self) -> None:
        """Make all calls; a refusal is an answer, an endless wait is none."""
        calls: list[Callable[[], Awaitable[Any]]] = [
            *(self.send, self.send, self.send, self.delete_annotations, self.delete_assets),
            *(self.make_labels, self.tag, self.fork, self.delete, self.collect),
        ]
        for _ in range(CALLS):
            self._count += 1
            try:
                await self._random.choice(calls)()
            except APIError:
                pass
            except LakeBusyError as error:
                raise AssertionError(f"two calls waited for each other: {error}") from error

    def _version(self) -> UUID:
        return self._random.choice(self._versions)

    async def _assets(self, version: UUID) -> list[UUID]:
        page = await self._lake.call(assets.LIST_ASSETS, version_id=version, limit=100)
        ids = [asset.id for asset in page.items]
        return self._random.sample(ids, min(len(ids), 8))

    async def send(self) -> None:
        """Import boxes, and on some assets a shape too large for the row."""
        version = self._version()
        names = await self._lake.call(labels.LIST_LABELS, version_id=version)
        label = self._random.choice(names.items).id
        ring = [(i / 7, i / 3) for i in range(self._random.choice([4, 90]))]
        items = [
            ImportItem(
                asset_id=str(asset),
                rectangles=[annotations.RectangleIn(label_id=str(label), x=1, y=2, w=3, h=4)],
                polygons=[PolygonIn(label_id=str(label), polygon=ring)],
            )
            for asset in await self._assets(version)
        ]
        await self._lake.call(
            annotations.IMPORT_ANNOTATIONS,
            version_id=version,
            import_type=annotations.ImportAnnotationMode.parse(
                self._random.choice(["REPLACE", "KEEP", "CONCATENATE"])
            ),
            annotations=items,
        )

    async def delete_annotations(self) -> None:
        """Delete the annotations of some assets."""
        version = self._version()
        found = [str(asset) for asset in await self._assets(version)]
        await self._lake.call(annotating.DELETE_ANNOTATIONS, version_id=version, asset_ids=found)

    async def delete_assets(self) -> None:
        """Delete two assets."""
        version = self._version()
        found = (await self._assets(version))[:2]
        await self._lake.call(assets.DELETE_ASSETS, version_id=version, ids=found)

    async def make_labels(self) -> None:
        """Make a label, which others may make in another version."""
        names = [f"label {self._random.randrange(5)}"]
        await self._lake.call(labels.ENSURE_LABELS, version_id=self._version(), names=names)

    async def tag(self) -> None:
        """Make a tag and attach it."""
        version = self._version()
        tag = await self._lake.call(
            tags.CREATE_ASSET_TAG, version_id=version, name=f"{self._seed} {self._count}"
        )
        await self._lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=await self._assets(version))

    async def fork(self) -> None:
        """Fork a version with everything in it."""
        made = await fork(
            self._lake,
            self._version(),
            f"{self._seed} {self._count}",
            with_tags=True,
            with_annotations=True,
        )
        self._versions.append(made.dataset_version.id)

    async def delete(self) -> None:
        """Delete a version, but not the first one."""
        if len(self._versions) > 1:
            version = self._random.choice(self._versions[1:])
            self._versions.remove(version)
            await self._lake.call(datasets.DELETE_VERSION, version_id=version, undo=False)

    async def collect(self) -> None:
        """Purge, and collect the content that no annotation names."""
        context = self._lake.platform.context
        await purge(context)
        for no in await start_due_gc(context, least=1):
            await context.jobs.wait(no, 10)


@pytest.mark.parametrize("seed", SEEDS)
async def test_calls_at_random_leave_a_sound_lake(pair: tuple[Stocked, Stocked], seed: int) -> None:
    filled = await rich(pair[0], 30)
    versions = [filled.id]
    workers = [Caller(pair[n % 2], filled, versions, f"{seed}.{n}").run() for n in range(WORKERS)]
    for result in await asyncio.gather(*workers, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, HeadraceError):
            raise result
        assert not isinstance(result, HeadraceError)
    one = pair[0]
    await until(lambda: rows(one, "job", "state = 'RUNNING'") == 0)
    for version in versions:
        with suppress(NotFoundError):  # a fork whose parent was deleted meanwhile
            await check_version(one, version)
    await Caller(one, filled, versions, "the end").collect()
    with one.raw() as connection:
        (missing,) = connection.execute(
            "select count(*) from annotation n where n.content is not null"
            " and not exists (select 1 from content c where c.no = n.content)"
        ).fetchone() or (None,)
    assert missing == 0


async def check_version(lake: Stocked, version: UUID) -> None:
    """The counters of a version say what its rows are."""
    stats = await lake.call(datasets.GET_STATS, version_id=version)
    page = await lake.call(assets.LIST_ASSETS, version_id=version, limit=1)
    ids = await lake.call(annotations.ANNOTATION_IDS, version_id=version)
    loaded = await lake.call(annotations.LOAD_ANNOTATIONS, version_id=version, ids=ids)
    assert (stats.nb_assets, stats.nb_annotations) == (page.count, len(loaded))
    assert stats.nb_objects == sum(len(each.rectangles) + len(each.polygons) for each in loaded)
