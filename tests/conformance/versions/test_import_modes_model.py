"""Random imports by two accounts against a model that fits on a page: nothing is lost, doubled or misplaced."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

from headrace.protocol.operations.annotations import ImportItem, PolygonIn
from tests.support.lakes.stocked_lake import Filled, Stocked, colleague

Shape = tuple[str, float]


class Model:
    """Annotations of each asset, oldest first, as ``[account, shapes]``."""

    def __init__(self, assets: int) -> None:
        self.assets: list[list[Any]] = [[] for _ in range(assets)]

    def apply(self, account: int, asset: int, shapes: list[Shape], mode: str) -> int:
        """Import one item; how many shapes were created."""
        there = self.assets[asset]
        own = [annotation for annotation in there if annotation[0] == account]
        if mode == "KEEP" and there:
            return 0
        if mode == "CONCATENATE" and own:
            own[-1][1] = own[-1][1] + shapes
            return len(shapes)
        if mode == "REPLACE":
            self.assets[asset] = [a for a in there if a[0] != account]
        self.assets[asset].append([account, shapes])
        return len(shapes)


async def stored(filled: Filled) -> list[list[list[Shape]]]:
    """Shapes of each asset's annotations, oldest first, in the order of their ordinals."""
    found: dict[str, list[list[Shape]]] = {asset: [] for asset in filled.assets}
    for annotation in reversed(await filled.load()):
        found[annotation.asset_id].append([(s.label, s.x) for s in annotation.rectangles])
    return [found[asset] for asset in filled.assets]


@pytest.mark.parametrize("seed", range(4))
async def test_imports_follow_the_model(lake: Stocked, seed: int) -> None:
    rng = random.Random(seed)
    mine = await lake.filled(6)
    theirs = Filled(await colleague(lake), mine.id, mine.data, mine.assets, mine.labels)
    model = Model(6)
    for _ in range(60):
        account, filled = rng.choice(((1, mine), (3, theirs)))
        mode = rng.choice(("REPLACE", "KEEP", "CONCATENATE"))
        chosen = rng.sample(range(6), rng.randint(1, 4))
        shapes = {
            asset: [(rng.choice("abc"), float(x)) for x in range(rng.randint(0, 3))]
            for asset in chosen
        }
        items = [
            ImportItem(
                asset_id=filled.assets[asset],
                rectangles=[
                    filled.item(0, x, label=name).rectangles[0] for name, x in shapes[asset]
                ],
            )
            for asset in chosen
        ]
        answer = await filled.send(*items, mode=mode)
        assert list(answer.values()) == [
            model.apply(account, asset, shapes[asset], mode) for asset in chosen
        ]
        assert await stored(mine) == [[a[1] for a in asset] for asset in model.assets]
    labels = [s[0] for asset in model.assets for a in asset for s in a[1]]
    stats = await mine.stats()
    assert stats.label_repartition == {name: labels.count(name) for name in sorted(set(labels))}
    assert stats.nb_annotations == sum(map(len, model.assets))


@pytest.mark.parametrize("points", [3, 200])
async def test_concatenations_at_the_same_time_all_arrive(filled: Filled, points: int) -> None:
    await filled.send(filled.item(0, 0))
    ring = [(i / 7, i / 3) for i in range(points)]

    async def add(number: int) -> None:
        polygon = PolygonIn(label_id=filled.labels["b"], polygon=[(number, number), *ring])
        await filled.send(
            ImportItem(asset_id=filled.assets[0], polygons=[polygon]), mode="CONCATENATE"
        )

    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(add, number)
    (annotation,) = await filled.load()
    assert sorted(shape.polygon[0][0] for shape in annotation.polygons) == list(range(12))
    assert len(annotation.rectangles) == 1
    assert (await filled.stats()).label_repartition == {"a": 1, "b": 12}
    with filled.lake.raw() as connection:
        (contents,) = connection.execute("select count(*) from content").fetchone()
    assert contents == 1  # what was replaced is gone
