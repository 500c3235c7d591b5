"""A version of a million assets: walking over it costs the same memory as over a small one, holding it little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from headrace.protocol.operations import annotations, assets, labels
from headrace.protocol.operations.annotations import ImportItem
from tests.support.lakes.stocked_lake import stocked

pytestmark = [
    pytest.mark.sqlite_only("writes rows by hand"),
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc"),
]

COUNT = 1_000_000
BATCH = 10_000
WALKER = Path(__file__).parents[2] / "support" / "scripts" / "memory_walker.py"
FLAT = 64 << 20
PER_RECORD = 400


async def fill(lake: Path, count: int) -> None:
    """Data with object names as long as those of uploads, all of them assets with one box."""
    async with stocked(lake) as stock:
        data = await stock.add_data(count)
        long = "'4/0190a0b0-0000-7000-8000-000000000001/0190a0b0-0000-7000-8000-000000000002/'"
        with stock.raw() as connection:
            connection.execute(
                f"update data set object_name = {long} || lower(hex(randomblob(16))) || '.png'"
            )
        version = await stock.version(dataset=(await stock.dataset("many")).id)
        for start in range(0, count, BATCH):
            ids = data[start : start + BATCH]
            await stock.call(assets.ADD_DATA, version_id=version.id, data_ids=ids)
        page = await stock.call(assets.LIST_ASSETS, version_id=version.id, limit=1)
        (label,) = await stock.call(labels.ENSURE_LABELS, version_id=version.id, names=["a"])
        box = annotations.RectangleIn(label_id=str(label.id), x=1, y=2, w=3, h=4)
        await stock.call(
            annotations.IMPORT_ANNOTATIONS,
            version_id=version.id,
            annotations=[ImportItem(asset_id=str(page.items[0].id), rectangles=[box])],
        )
        with stock.raw() as connection:
            # The box of the last asset on all others.
            connection.execute(
                "insert into annotation select a.bucket, a.version, a.seq, a.seq + 1, n.account, n.status,"
                " n.created, 0, n.shapes_n, n.counts, n.shapes, n.content, null"
                " from asset a join annotation n on n.bucket = a.bucket and n.version = a.version"
                " where a.seq <> n.asset"
            )
            # These rows came in beside the platform, which marks their labels when it opens the lake next.
            connection.execute("update version set unmarked = 0")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "lake"
    anyio.run(fill, path, COUNT)
    return path


def walked(lake: Path, what: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(WALKER), str(lake), what], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["count"] == COUNT
    return found


@pytest.mark.parametrize("what", ["assets", "annotations", "split"])
def test_walks_are_flat(many: Path, what: str) -> None:
    assert walked(many, what)["growth"] < FLAT


def test_a_list_costs_little(many: Path) -> None:
    assert walked(many, "list")["growth"] / COUNT < PER_RECORD
