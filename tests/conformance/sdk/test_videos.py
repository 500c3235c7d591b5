"""Videos through the SDK: pushed, listed, annotated, exported; also one whose size nobody knows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from headrace.errors import BadRequestError
from headrace.sdk.client.client import Client

VIDEOS = Path(__file__).resolve().parents[2] / "data" / "videos"


@pytest.mark.lakes_only("how much of a video is read is the platform's affair")
async def test_a_folder_of_videos_is_pushed_and_pulled(client: Client, tmp_path: Path) -> None:
    shutil.copytree(VIDEOS, tmp_path / "videos")
    report = await client.push("films/v1", tmp_path / "videos")
    names = sorted(path.name for path in VIDEOS.iterdir())
    assert (report.files, report.ignored) == (len(names), 0)
    version = await client.version("films/v1")
    assets = {asset.filename: asset for asset in await version.list_assets()}
    assert sorted(assets) == names
    assert (assets["h264.mp4"].width, assets["h264.mp4"].height) == (96, 64)
    assert (assets["turned.mov"].width, assets["turned.mov"].height) == (64, 96)
    assert assets["sound_first.mkv"].type == "VIDEO"
    assert (assets["unknown.mpg"].width, assets["unknown.mpg"].height) == (None, None)
    again = await client.push("films/v1", tmp_path / "videos")
    assert len(await version.list_assets()) == len(names)
    assert again.uploaded == 0
    await version.download(tmp_path / "pulled")
    for name in names:
        (found,) = (tmp_path / "pulled").rglob(name)
        assert found.read_bytes() == (VIDEOS / name).read_bytes()


@pytest.mark.lakes_only("how much of a video is read is the platform's affair")
async def test_a_video_of_unknown_size_is_annotated_and_exported(
    client: Client, tmp_path: Path
) -> None:
    await client.push("films/v1", [VIDEOS / "unknown.mpg", VIDEOS / "h264.mp4"])
    version = await client.version("films/v1")
    label = await version.create_label("ball")
    for name in ("unknown.mpg", "h264.mp4"):
        annotation = await (await version.find_asset(filename=name)).create_annotation()
        await annotation.create_rectangle(1, 2, 3, 4, label)
    unknown = await (await version.find_asset(filename="unknown.mpg")).get_annotation()
    with pytest.raises(BadRequestError, match="size"):
        await unknown.create_mask("P?5k`[9", label)
    await version.export(tmp_path / "coco.json", format="coco")
    document = json.loads((tmp_path / "coco.json").read_text())
    sizes = {each["file_name"]: each.get("width") for each in document["images"]}
    assert sizes["h264.mp4"] == 96
    assert not sizes["unknown.mpg"]
    assert len(document["annotations"]) == 2
