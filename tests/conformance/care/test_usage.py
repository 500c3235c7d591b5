"""What takes space is counted once where it lies once, and shared files are told apart."""

from __future__ import annotations

from pathlib import Path

import headrace
from tests.support import storage
from tests.support.data.images import draw_images
from tests.support.lakes.cared import IMAGES, make_lake
from tests.support.lakes.lake import opened_lake, png


async def test_sizes_of_datasets_and_versions(tmp_path: Path) -> None:
    await make_lake(tmp_path / "lake", tmp_path / "images")
    own = draw_images(tmp_path / "own", 3, prefix="own")
    async with headrace.connect(tmp_path / "lake") as client:
        await client.push("street/v3", tmp_path / "own")
        shared = await (await client.version("street/v1")).list_assets()
        other = await client.create_dataset("other")
        version = await other.create_version("v1")
        await version.add_data([await each.get_data() for each in shared[:2]])
    async with opened_lake(tmp_path / "lake") as lake:
        await lake.store(png())
    target, objects = storage.address_of(tmp_path / "lake")
    usage = await headrace.lake_usage(target, objects=objects, progress=None)
    sizes = sum(path.stat().st_size for path in (tmp_path / "images").iterdir())
    added = sum(path.stat().st_size for path in own)
    assert (usage.files, usage.file_bytes) == (IMAGES + 3, sizes + added)
    assert (usage.objects, usage.object_bytes) == (IMAGES + 4, sizes + added + len(png()))
    assert (usage.unregistered, usage.unregistered_bytes) == (1, len(png()))
    assert (usage.unused_files, usage.removals) == (0, 1)
    named = {each.name: each for each in usage.datasets}
    versions = {each.name: each for dataset in usage.datasets for each in dataset.versions}
    assert (named["street"].files, named["street"].bytes) == (IMAGES + 3, sizes + added)
    assert named["other"].files == 2
    assert named["other"].shared_bytes == named["other"].bytes == named["street"].shared_bytes
    assert (versions["street/v3"].files, versions["street/v3"].shared_bytes) == (3, 0)
    assert (versions["street/v1"].files, versions["street/v2"].files) == (IMAGES - 1, IMAGES)
    assert versions["street/v1"].shared_bytes == versions["street/v1"].bytes
    assert 0 < versions["street/v2"].shared_bytes < versions["street/v2"].bytes
    assert min(usage.removal_bytes, usage.database_bytes) > 0
    if storage.kind() == "lake":
        every = (tmp_path / "lake").rglob("*")
        # The log of the database comes and goes with the processes that have it open.
        assert usage.total == sum(path.stat().st_size for path in every if path.is_file())
