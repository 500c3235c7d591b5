"""Two users run a campaign through the official client, and the same script through headrace's blocking API."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from tests.support.lakes.servers import new_lake
from tests.support.processes.official import OFFICIAL, ON_A_LAKE, OURS, drive, hosted
from tests.support.tiers import slow

SCRIPT = Path(__file__).with_name("official_campaigns.py")
NAMES = ["a.png", "b.png", "c.png", "d.png", "e.png"]


def prepare(folder: Path) -> None:
    """What the script works on."""
    for index, name in enumerate(NAMES):
        Image.new("RGB", (64, 48), (index, 0, 0)).save(folder / name)
    (folder / "rules.txt").write_text("one box a cat")


MANAGED = {
    "users": ["ann", "local"],
    "found": "ann",
    "none": True,
    "second": True,
    "no step": True,
    "steps": [["draw", 0, "ANNOTATION"], ["look", 1, "REVIEW"]],
    "job": ["SUCCEEDED", "SUCCEEDED"],
    "same": [True, True],
    "listed": [1, 1, 0],
    "hers": NAMES,
    "file": True,
    "url": True,
    "nobody's": [True],
    "deleted": [0, True],
}
"""What the script saw of running a campaign."""
ANNOTATED = {
    "handed on": [5, 5, 5],
    "not hers now": True,
    "not all": True,
    "issues": [[True, 1, 0]],
    "done": ["DONE"] * 5,
    "closed": 1,
    "too late": True,
}
"""What it saw of the work."""


@pytest.mark.parametrize("client", [OFFICIAL, slow(OURS), slow(ON_A_LAKE)])
async def test_every_call_of_campaigns(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    async with await Platform.open(lake) as platform:
        hers, _ = await create_token(platform.context, username="ann")
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    async with hosted(client, lake) as server:
        seen = await drive(SCRIPT, server.address, token, folder, hers, client=client)
        assert await server.stop() == 0
    assert seen == MANAGED | ANNOTATED
