"""The official client, unmodified, draws annotations against a headrace server in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.lakes.servers import new_lake
from tests.support.processes.official import OFFICIAL, ON_A_LAKE, OURS, drive, hosted
from tests.support.tiers import slow

SCRIPT = Path(__file__).with_name("official_annotating.py")


def prepare(folder: Path) -> None:
    """What the script works on."""
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (640, 480), "red").save(folder / name)
    # Five pixels at the top of the second column.
    (folder / "mask.txt").write_text("P?5k`[9")


def check(seen: dict[str, Any]) -> None:
    """What it saw."""
    assert seen == {
        "users": True,
        "synchronized": ["a.png", "b.png", "c.png"],
        "none": True,
        "boxes": [[1, "cat"], [5, "dog"], [9, "cat"]],
        "mask": [5.0, [1, 0, 1, 5]],
        "changed": [2, "sign", [[0, 0], [1, 0], [1, 1]], "cat", [7, 8]],
        "listed": [[2, 9], 1, 1, 1, 1, 0],
        "saved": [2.0, "ACCEPTED"],
        "stats": {"cat": 1, "dog": 1},
        "last": True,
        "of_asset": True,
        "all": [4, True],
        "accepted": [True],
        "paged": [4, 3],
        "ordered": True,
        "split": [2, 1, 2, 2],
        "halves": 3,
        "thirds": 3,
        "left": 2,
        "left after": 1,
        "end": 0,
    }


@pytest.mark.parametrize("client", [OFFICIAL, slow(OURS), slow(ON_A_LAKE)])
async def test_every_call_of_annotations_and_shapes(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    async with hosted(client, lake) as server:
        seen = await drive(SCRIPT, server.address, token, folder, client=client)
        assert await server.stop() == 0
    check(seen)
