"""An import killed half way and run again leaves exactly what an undisturbed one leaves, in every mode."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.protocol.operations import assets
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked
from tests.support.scripts.chunk_importer import CHUNKS, SIZE, run
from tests.support.storage import assert_sound
from tests.support.tiers import slow

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "support" / "scripts" / "chunk_importer.py"


async def prepared(lake: Stocked) -> Filled:
    """A version in which every third asset has an annotation already."""
    filled = await lake.filled(CHUNKS * SIZE)
    await filled.send(
        *(filled.item(asset, 1, 2, label="c") for asset in range(0, CHUNKS * SIZE, 3))
    )
    return filled


async def content(filled: Filled) -> dict[str, list[Any]]:
    """Everything that annotations say, by file name, newest first."""
    names = {}
    for start in range(0, len(filled.assets), 100):
        page = await filled.lake.call(
            assets.LIST_ASSETS_BY_KEY,
            version_id=filled.id,
            ids=[UUID(asset) for asset in filled.assets[start : start + 100]],
        )
        names |= {str(asset.id): asset.data.filename for asset in page.items}
    found: dict[str, list[Any]] = {}
    for annotation in await filled.load():
        plain = msgspec.to_builtins(annotation)
        plain.pop("id")
        plain.pop("worker_id")
        found.setdefault(names[plain.pop("asset_id")], []).append(plain)
    return found


def run_until(lake: Path, version: UUID, mode: str, line: str) -> None:
    """Run the importer; kill it without notice once it has said ``line``."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(lake), str(version), mode],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        for said in process.stdout:
            if said.strip() == line:
                process.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail(f"the importer ended without saying {line!r}")
    assert process.returncode in (-signal.SIGKILL, 0)


@pytest.mark.parametrize("mode", ["REPLACE", slow("KEEP"), slow("CONCATENATE")])
async def test_a_killed_import_run_again_equals_an_undisturbed_one(
    tmp_path: Path, mode: str
) -> None:
    async with stocked(tmp_path / "calm") as lake:
        calm = await prepared(lake)
        await run(lake, calm.id, mode)
        wanted, counted = await content(calm), await calm.stats()
    async with stocked(tmp_path / "killed") as lake:
        version = await prepared(lake)
    for line in ("0", "2", "5"):
        run_until(tmp_path / "killed", version.id, mode, line)
        async with stocked(tmp_path / "killed") as lake:
            assert_sound(lake)
    async with stocked(tmp_path / "killed") as lake:
        await run(lake, version.id, mode)
        killed = Filled(lake, version.id, [], version.assets, version.labels)
        assert await content(killed) == wanted
        assert await killed.stats() == counted
        with lake.raw() as connection:
            running = "select count(*) from job where kind = 'IMPORT' and state = 'RUNNING'"
            assert connection.execute(running).fetchone() == (0,)
