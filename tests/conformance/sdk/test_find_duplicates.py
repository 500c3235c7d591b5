"""The processing that every lake has, as a real job over both doors."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from PIL import Image

from headrace.errors import BadRequestError, JobFailedError
from headrace.sdk.client.client import Client
from headrace.sdk.job import Job
from headrace.sdk.version.dataset_version import DatasetVersion

pytestmark = [
    pytest.mark.lakes_only("the built-in processing is headrace's"),
    pytest.mark.launches,
]


@pytest.fixture
async def pictures(client: Client, tmp_path: Path) -> DatasetVersion:
    """Three pictures, of the first a copy and a smaller one, of the second two copies, and two plain ones."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    numbers = random.Random(1)
    for name in "abc":
        blocks = Image.new("L", (9, 8))
        blocks.putdata([numbers.randrange(256) for _ in range(72)])
        blocks.resize((360, 320), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    shutil.copy(folder / "a.png", folder / "a1.png")
    shutil.copy(folder / "b.png", folder / "b1.png")
    shutil.copy(folder / "b.png", folder / "b2.png")
    with Image.open(folder / "a.png") as image:
        image.resize((90, 80)).convert("RGB").save(folder / "a3.jpg", quality=60)
    Image.new("L", (20, 20), 10).save(folder / "plain.png")
    Image.new("L", (30, 20), 90).save(folder / "plain2.png")
    # One after another: the first of a group is the oldest.
    for path in sorted(folder.iterdir()):
        await client.push("d/v", path)
    return await client.version("d/v")


async def run(version: DatasetVersion, client: Client, **parameters: object) -> tuple[Job, str]:
    job = await version.launch_processing(
        await client.get_processing("find-duplicates"), dict(parameters)
    )
    printed = "".join([piece async for piece in job.iter_logs()])
    await job.wait_for_done()
    return job, printed


async def tagged(version: DatasetVersion, tag: str) -> list[str]:
    return sorted(asset.filename for asset in await version.list_assets(tags=tag))


async def test_the_same_bytes(client: Client, pictures: DatasetVersion) -> None:
    _, printed = await run(pictures, client)
    assert "9 assets looked at, 0 that cannot be compared" in printed
    assert "2 groups of duplicates, 3 assets tagged 'duplicate'" in printed
    assert await tagged(pictures, "duplicate") == ["a1.png", "b1.png", "b2.png"]
    await run(pictures, client)
    assert await tagged(pictures, "duplicate") == ["a1.png", "b1.png", "b2.png"]
    await run(pictures, client, keep_first=False, tag="all of them")
    everyone = ["a.png", "a1.png", "b.png", "b1.png", "b2.png"]
    assert await tagged(pictures, "all of them") == everyone


async def test_pictures_that_look_alike(client: Client, pictures: DatasetVersion) -> None:
    _, printed = await run(pictures, client, method="perceptual", tag="alike")
    assert "9 assets looked at, 2 that cannot be compared" in printed
    assert await tagged(pictures, "alike") == ["a1.png", "a3.jpg", "b1.png", "b2.png"]
    with pytest.raises(JobFailedError, match="distance is 40"):
        await run(pictures, client, method="perceptual", distance=40)
    with pytest.raises(BadRequestError, match="one of content, perceptual"):
        await run(pictures, client, method="both")


async def test_only_some_assets(client: Client, pictures: DatasetVersion) -> None:
    some = await pictures.list_assets(filenames=["a.png", "b1.png", "b2.png"])
    job = await pictures.launch_processing(
        await client.get_processing("find-duplicates"), assets=some
    )
    await job.wait_for_done()
    assert await tagged(pictures, "duplicate") == ["b2.png"]


async def test_nothing_found_makes_no_tag(client: Client, pictures: DatasetVersion) -> None:
    some = await pictures.list_assets(filenames=["a.png", "b.png"])
    job = await pictures.launch_processing(
        await client.get_processing("find-duplicates"), {"tag": "never"}, assets=some
    )
    await job.wait_for_done()
    assert "never" not in {tag.name for tag in await pictures.list_asset_tags()}
