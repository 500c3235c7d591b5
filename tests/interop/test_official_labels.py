"""The official client, unmodified, against a headrace server: skeletons, attributes, groups, deleted labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.lakes.servers import new_lake
from tests.support.processes.official import OFFICIAL, ON_A_LAKE, OURS, drive, hosted
from tests.support.tiers import slow

SCRIPT = Path(__file__).with_name("official_labels.py")

COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
    "categories": [
        {
            "id": 1,
            "name": "person",
            "supercategory": "animal.human",
            "keypoints": ["head", "hand"],
            "skeleton": [[1, 2]],
        }
    ],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "keypoints": [1, 2, 2, 3, 4, 1]}
    ],
}  # fmt: skip


def prepare(folder: Path) -> None:
    """What the script works on."""
    Image.new("RGB", (64, 48), "red").save(folder / "a.png")
    (folder / "keypoints.json").write_text(json.dumps(COCO))


def check(seen: dict[str, Any]) -> None:
    """What it saw."""
    assert seen == {
        "imported": [1],
        "skeleton": {"vertices": ["head", "hand"], "edges": [[1, 2]]},
        "skeletons": [{"vertices": ["a", "b"], "edges": [[1, 2]]}],
        "groups": ["human", "animal"],
        "built": [["a", "b"]],
        "attributes": 0,
        "refused": True,
        "cleared": True,
        "of_version": ["age"],
        "ungrouped": True,
        "stats": 0,
        "gone": True,
    }


@pytest.mark.parametrize("client", [OFFICIAL, slow(OURS), slow(ON_A_LAKE)])
async def test_every_call_of_labels(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    async with hosted(client, lake) as server:
        seen = await drive(SCRIPT, server.address, token, folder, client=client)
        assert await server.stop() == 0
    check(seen)
