"""Listings by label: what the marks choose is what the annotations say, on pages of any size and across blocks of marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.platform.assets import labelled
from headrace.platform.core.label_marks import BLOCK
from headrace.platform.jobs.marking import mark_step
from headrace.platform.platform import Platform
from headrace.protocol.operations import assets, datasets
from headrace.protocol.operations.listing import PAGE_SIZE
from tests.support.lakes.forks import fork, rows
from tests.support.lakes.marks import annotated, check_marks, marked
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked
from tests.support.processes.waiting import until

COUNT = BLOCK + 900
RARE = {0, 7, BLOCK - 2, BLOCK - 1, BLOCK, COUNT - 1}
HAS: dict[str, Callable[[int], bool]] = {
    "a": lambda number: number % 2 == 0,
    "b": RARE.__contains__,
}
ANY = 'annotations.label.name in ("a", "b")'
QUERIES: dict[str, Callable[[int], bool]] = {
    'annotations.label.name = "a"': HAS["a"],
    'annotations.label.name = "b"': HAS["b"],
    'annotations.label.name = "c"': lambda number: False,
    ANY: lambda number: HAS["a"](number) or HAS["b"](number),
    'annotations.label.name = "b" and annotations.label.name = "a"': lambda number: (
        HAS["a"](number) and HAS["b"](number)
    ),
    'annotations.label.name startswith "B"': HAS["b"],
    'annotations.label.name != "b" and annotations.label.name = "a"': lambda number: (
        HAS["a"](number) and not HAS["b"](number)
    ),
    'annotations.rectangles.label.name = "b"': HAS["b"],
    'annotations.points.label.name = "b"': lambda number: False,
    'annotations.label.name = "a" and filename endswith "1.png"': lambda number: (
        HAS["a"](number) and number % 10 == 0
    ),
    'annotations.label.name = "a" or annotations.label.name = "b"': lambda number: (
        HAS["a"](number) or HAS["b"](number)
    ),
    'annotations.label.name = "b" and annotations = None': lambda number: False,
}


async def fill(lake: Stocked) -> Filled:
    """More assets than a block of marks, every second one with label a, a few with label b."""
    filled = await lake.filled(COUNT)
    items = [
        filled.item(number, 1, label=label)
        for label in "ab"
        for number in range(COUNT)
        if HAS[label](number)
    ]
    for start in range(0, len(items), 500):
        await filled.send(*items[start : start + 500], mode="CONCATENATE")
    return filled


async def listed(filled: Filled, q: str, **more: Any) -> tuple[list[int], int]:
    """The places of the assets of all pages by cursor, and the count of the first page."""
    places = {asset: place for place, asset in enumerate(filled.assets)}
    found: list[int] = []
    count, cursor = None, None
    while count is None or cursor:
        page = await filled.lake.call(
            assets.LIST_ASSETS, version_id=filled.id, q=q, cursor=cursor, **more
        )
        found += [places[str(asset.id)] for asset in page.items]
        count, cursor = page.count, page.next_cursor
        assert len(page.items) <= more.get("limit", PAGE_SIZE)
    return found, count


def chosen(has: Callable[[int], bool]) -> list[int]:
    return [number for number in reversed(range(COUNT)) if has(number)]


@pytest.mark.parametrize("found_by", ["marks", "few marks at a time", "a walk"])
async def test_every_page_of_every_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found_by: str
) -> None:
    if found_by == "few marks at a time":
        monkeypatch.setattr(labelled, "_SETS", 1)
    async with stocked(tmp_path / "lake") as lake:
        filled = await fill(lake)
        if found_by == "a walk":
            with lake.raw() as connection:
                connection.execute("update version set unmarked = 0")
                connection.execute("delete from label_mark")
        for q, has in QUERIES.items():
            wanted = chosen(has)
            assert await listed(filled, q) == (wanted, len(wanted)), q
        for offset in (3, BLOCK // 2, COUNT):
            page = await lake.call(
                assets.LIST_ASSETS, version_id=filled.id, q=ANY, offset=offset, limit=7
            )
            expected = chosen(QUERIES[ANY])[offset : offset + 7]
            assert [filled.assets.index(str(asset.id)) for asset in page.items] == expected
        oldest = {"order_by": ["filename"], "limit": 100}
        rare = 'annotations.label.name = "b"'
        assert await listed(filled, rare, **oldest) == (sorted(RARE), len(RARE))
        assert await listed(filled, rare, limit=2) == (chosen(HAS["b"]), len(RARE))


async def test_marks_follow_changes(tmp_path: Path) -> None:
    """Shapes of another label, assets that go, a label that goes: the listings are those of the moment."""
    async with stocked(tmp_path / "lake") as lake:
        filled = await lake.filled(4)
        await filled.send(*(filled.item(number, 1, label="a") for number in range(4)))
        a, b = 'annotations.label.name = "a"', 'annotations.label.name = "b"'
        assert await listed(filled, a) == ([3, 2, 1, 0], 4)
        await filled.send(filled.item(1, 1, label="b"))
        assert await listed(filled, a) == ([3, 2, 0], 3)
        assert await listed(filled, b) == ([1], 1)
        await filled.send(filled.item(1, 1, label="a"), mode="CONCATENATE")
        assert await listed(filled, f"{a} and {b}") == ([1], 1)
        await lake.call(assets.DELETE_ASSETS, version_id=filled.id, ids=[filled.assets[3]])
        await filled.send(filled.item(0), mode="REPLACE")
        assert await listed(filled, a) == ([2, 1], 2)


async def test_a_fork_has_the_marks_of_its_parent(tmp_path: Path) -> None:
    async with stocked(tmp_path / "lake") as lake:
        filled = await fill(lake)
        answer = await fork(lake, filled.id, "child", with_annotations=True)
        await until(lambda: rows(lake, "job", "state = 'RUNNING'") == 0)
        child = answer.dataset_version.id
        page = await lake.call(
            assets.LIST_ASSETS, version_id=child, q='annotations.label.name = "b"'
        )
        assert page.count == len(page.items) == len(RARE)
        await filled.send(*(filled.item(number) for number in RARE))
        assert (await listed(filled, 'annotations.label.name = "b"'))[1] == 0
        page = await lake.call(
            assets.LIST_ASSETS, version_id=child, q='annotations.label.name = "b"'
        )
        assert page.count == len(RARE)


async def test_an_older_lake_is_marked_in_steps(tmp_path: Path) -> None:
    """Steps may end anywhere, with changes in between; listings are right before, between and after."""
    path = tmp_path / "lake"
    async with stocked(path) as lake:
        filled = await fill(lake)
        with lake.raw() as connection:
            wanted = annotated(connection)
            connection.execute("delete from label_mark")
            connection.execute("update version set unmarked = 0")
        assert await mark_step(lake.platform.context)
        with lake.raw() as connection:
            (unmarked,) = connection.execute("select unmarked from version").fetchone()
            assert unmarked == BLOCK
            assert {asset for found in marked(connection).values() for asset in found} == {
                asset for found in wanted.values() for asset in found if asset < BLOCK
            }
        await filled.send(filled.item(COUNT - 1, 1, label="c"))
        await filled.send(filled.item(1, 1, label="c"))
        assert await listed(filled, 'annotations.label.name = "c"') == ([COUNT - 1, 1], 2)
    async with await Platform.open(path) as platform:
        while await mark_step(platform.context):
            pass
    async with stocked(path) as lake:
        with lake.raw() as connection:
            check_marks(connection)
        with lake.raw() as connection:
            assert connection.execute("select unmarked from version").fetchone() == (None,)
        again = Filled(lake, filled.id, filled.data, filled.assets, filled.labels)
        assert await listed(again, 'annotations.label.name = "c"') == ([COUNT - 1, 1], 2)
        assert (await lake.call(datasets.GET_STATS, version_id=filled.id)).nb_assets == COUNT
