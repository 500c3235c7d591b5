"""Data, tags, forks, copies and locks on a platform that is not headrace's."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import ConflictError, LockedError, NotFoundError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images, write_coco
from tests.support.plain_platform import PlainPlatform

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


async def test_data_and_what_is_said_of_it(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    lake = await client.get_datalake()
    paths = draw_images(tmp_path / "images", 3)
    data = await lake.upload_data(
        paths, tags=["raw"], source="camera", metadata={"a": 1}, custom_metadata={"b": 2}
    )
    assert [each.filename for each in data] == NAMES[:3]
    first = data[0]
    assert (first.width, first.height) == (64, 48)
    await first.update_custom_metadata({"c": [3]})
    assert (first.custom_metadata, first.metadata) == ({"c": [3]}, {"a": 1})
    await first.update_metadata(None)
    again = await lake.find_data(filename=NAMES[0])
    assert (again.metadata, again.custom_metadata) == (None, {"c": [3]})
    assert [each.filename for each in await lake.list_data(custom_metadata={"c": [3]})] == NAMES[:1]
    assert len(await lake.list_data(tags=["raw"])) == 3
    assert [tag.name for tag in await again.get_tags()] == ["raw"]
    source = await again.get_datasource()
    assert source is not None
    assert source.name == "camera"
    await lake.upload_data(paths[0])
    with pytest.raises(ConflictError):
        await lake.find_data(filename=NAMES[0])
    await (await lake.list_data(filenames=NAMES[:1])).delete()
    with pytest.raises(NotFoundError):
        await lake.find_data(filename=NAMES[0])
    assert len(platform.store.datas) == 2


async def test_a_locked_version_says_how_it_is_unlocked(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    assets = await version.list_assets()
    await version.lock()
    data = await assets[:1].as_multidata()
    source = write_coco(tmp_path / "in.json", NAMES)
    for write in (
        lambda: version.create_label("cat"),
        lambda: version.create_asset_tag("night"),
        lambda: version.update(description="new"),
        lambda: version.delete_assets(assets[:1]),
        lambda: version.add_data(data),
        lambda: version.import_annotations(source),
        lambda: version.delete(),
    ):
        with pytest.raises(LockedError) as caught:
            await write()
        assert "unlock" in (caught.value.hint or "")
    await version.download(tmp_path / "out")
    fork, _ = await version.fork("copy")
    assert await fork.list_assets().count() == 12
    await version.unlock()
    await version.create_label("cat")


async def test_forks_and_copies_take_what_was_asked_for(
    client: Client, version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    platform.switches.job_polls = 2
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    some = await version.list_assets(filenames=NAMES[:4])
    await some.add_tags(await version.create_asset_tag("night"))
    before = await version.retrieve_stats()
    whole, _ = await version.fork("whole", with_tags=True, with_annotations=True)
    assert (await whole.retrieve_stats()).label_repartition == before.label_repartition
    assert await whole.list_assets(tags="night").count() == 4
    bare, _ = await version.fork("bare", assets=some)
    assert await bare.list_assets().count() == 4
    assert (await bare.list_labels(), await bare.list_asset_tags()) == ([], [])
    labels, _ = await version.fork("labels", with_labels=True)
    assert len(await labels.list_labels()) == len(await version.list_labels())
    assert (await labels.retrieve_stats()).nb_annotations == 0
    await version.copy_assets_to(bare, await version.list_assets(), with_annotations=True)
    assert await bare.list_assets().count() == 12
    assert (await bare.retrieve_stats()).nb_annotations == 8  # those that were there keep theirs
