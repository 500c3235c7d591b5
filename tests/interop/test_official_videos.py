"""Videos and locks through the official client against a server, and through its lines moved to headrace."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.lakes.servers import new_lake
from tests.support.processes.official import CLIENTS, drive, hosted

SCRIPT = Path(__file__).with_name("official_videos.py")
VIDEOS = Path(__file__).parents[1] / "data" / "videos"
SIZES = {
    "h264.mp4": [96, 64],
    "mpeg4.avi": [96, 64],
    "sound_first.mkv": [96, 64],
    "turned.mov": [64, 96],
    "vp9.webm": [96, 64],
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_videos_are_uploaded_annotated_and_locked(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    (tmp_path / "work").mkdir()
    for name in SIZES:
        shutil.copy(VIDEOS / name, tmp_path / "work")
    async with hosted(client, lake) as server:
        seen: dict[str, Any] = await drive(
            SCRIPT, server.address, token, tmp_path / "work", client=client
        )
        assert await server.stop() == 0
    assert seen["data"] == {name: ["VIDEO", "DONE", *size] for name, size in SIZES.items()}
    assert seen["length"] == {"duration_seconds": 1.2, "frame_count": 12, "fps": 10.0}
    assert seen["assets"] == [[name, *size] for name, size in SIZES.items()]
    assert seen["locked"] is True
    assert sorted(seen["built"]) == [[name, width] for name, (width, _) in SIZES.items()]
    assert seen["same"] == [True] * len(SIZES)
    assert seen["left"] == [len(SIZES), 1]
