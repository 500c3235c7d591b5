"""The official client forks, copies, converts tags and exports against a headrace server in a process of its own."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.interop.test_official_client import COCO
from tests.support.lakes.servers import new_lake
from tests.support.processes.official import OFFICIAL, ON_A_LAKE, OURS, drive, hosted
from tests.support.tiers import slow

SCRIPT = Path(__file__).with_name("official_long_jobs.py")
BOTH = ["a.png", "b.png"]


def prepare(folder: Path) -> None:
    """What the script works on."""
    for name, size in (("a.png", (64, 48)), ("b.png", (30, 20))):
        Image.new("RGB", size, "red").save(folder / name)
    (folder / "coco.json").write_text(json.dumps(COCO))


def check(seen: dict[str, Any]) -> None:
    """What it saw."""
    first = seen["first"]
    assert first["assets"] == BOTH
    assert first["shapes"] == {"a.png": ["cat", "dog"], "b.png": ["dog"]}
    assert seen["whole"] == first | {"type": "NOT_CONFIGURED"}
    assert seen["target"] == first | {"type": "NOT_CONFIGURED"}
    assert seen["jobs"] == ["SUCCESS"] * 4
    assert seen["some"]["assets"] == seen["newest"]
    assert (seen["some"]["labels"], seen["some"]["shapes"]) == (["cat", "dog"], {})
    assert seen["bare"]["tags"] == {"a.png": ["sunny"], "b.png": []}
    assert seen["bare"]["shapes"] == {"a.png": ["sunny"]}
    assert (seen["bare"]["labels"], seen["bare"]["type"]) == (["sunny"], "CLASSIFICATION")


@pytest.mark.parametrize("client", [OFFICIAL, slow(OURS), slow(ON_A_LAKE)])
async def test_forks_copies_conversions_and_exports(tmp_path: Path, client: str) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    async with hosted(client, lake) as server:
        seen = await drive(SCRIPT, server.address, token, folder, client=client)
        assert await server.stop() == 0
    check(seen)
    check_document(seen, folder / "out")
    check_archives(seen)


def check_document(seen: dict[str, dict[str, str]], out: Path) -> None:
    """What public code expects of the files: two folders below the target, plain JSON of COCO."""
    version = seen["version"]
    for path in seen["exports"].values():
        inside = Path(path).relative_to(out).parts
        assert inside[1] == "annotations"
        assert inside[2].startswith(f"{version}_annotations.")
        assert len(inside) == 3
    document = json.loads(Path(seen["exports"]["COCO"]).read_text())
    assert sorted(image["file_name"] for image in document["images"]) == BOTH
    assert [(each["id"], each["name"]) for each in document["categories"]] == [
        (0, "cat"),
        (1, "dog"),
    ]
    assert sorted(one["bbox"] for one in document["annotations"]) == [
        [0, 0, 9, 9],
        [1, 2, 3, 4],
        [5, 6, 7, 8],
    ]
    (image,) = json.loads(Path(str(seen["by_id"])).read_text())["images"]
    assert image["file_name"] == f"{seen['ids'][0]}.png"


def check_archives(seen: dict[str, Any]) -> None:
    """What public code expects of the members of zips. On headrace every export has a name of its own."""
    version = seen["version"]
    with zipfile.ZipFile(seen["exports"]["YOLO"]) as archive:
        assert sorted(archive.namelist()) == ["a.txt", "b.txt", "data.yaml"]
    with zipfile.ZipFile(seen["exports"]["PASCAL_VOC"]) as archive:
        assert sorted(archive.namelist()) == [f"{version}_{n}_annotations.xml" for n in "ab"]
