"""Counters under many writers: no deadlock, and sums that equal a full scan, before and after folding."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import anyio

from headrace.platform.core.scopes import version_scope
from headrace.platform.jobs.maintenance import FOLD_EVERY, fold
from tests.support.lakes.stocked_lake import Filled, stocked

IMPORTERS = 16
CHUNKS = 24


async def scanned(filled: Filled) -> tuple[Counter[str], int]:
    """Shapes per label and the number of annotations, by reading everything."""
    loaded = await filled.load()
    shapes: Counter[str] = Counter()
    for annotation in loaded:
        shapes.update(shape.label for shape in annotation.rectangles)
    return shapes, len(loaded)


async def run_importer(filled: Filled, number: int) -> None:
    rng = random.Random(number)
    for _ in range(CHUNKS):
        chosen = rng.sample(range(len(filled.assets)), 6)
        items = [
            filled.item(asset, *range(rng.randint(0, 3)), label=rng.choice("abc"))
            for asset in chosen
        ]
        await filled.send(*items, mode=rng.choice(("REPLACE", "KEEP", "CONCATENATE")))


async def test_sixteen_importers_and_the_counters_agree(tmp_path: Path) -> None:
    path = tmp_path / "lake"
    async with stocked(path) as first, stocked(path) as second:
        filled = await first.filled(40)
        twin = Filled(second, filled.id, filled.data, filled.assets, filled.labels)
        with anyio.fail_after(100):
            async with anyio.create_task_group() as group:
                for number in range(IMPORTERS):
                    group.start_soon(run_importer, (filled, twin)[number % 2], number)
        assert IMPORTERS * CHUNKS > FOLD_EVERY  # so that a fold has run among them
        shapes, annotations = await scanned(filled)
        for version in (filled, twin):
            stats = await version.stats()
            assert stats.label_repartition == shapes
            assert (stats.nb_objects, stats.nb_annotations) == (shapes.total(), annotations)
            assert stats.nb_assets == 40
        scope = await version_scope(first.platform.context.database, first.access, filled.id)
        before = await filled.stats()
        await fold(first.platform.context, scope.bucket, scope.no)
        assert await filled.stats() == before
        with first.raw() as connection:
            assert connection.execute("select count(*) from label_delta").fetchone()[0] <= 3
            assert connection.execute("select count(*) from version_delta").fetchone() == (1,)


async def test_a_version_folds_its_deltas_by_itself(tmp_path: Path) -> None:
    async with stocked(tmp_path / "lake") as lake:
        filled = await lake.filled(1)
        for _ in range(FOLD_EVERY + 10):
            await filled.send(filled.item(0, 1))
        with anyio.fail_after(30):
            while True:
                with lake.raw() as connection:
                    (deltas,) = connection.execute("select count(*) from label_delta").fetchone()
                if deltas < FOLD_EVERY // 2:
                    break
                await anyio.sleep(0.02)
        assert (await filled.stats()).label_repartition == {"a": 1}
