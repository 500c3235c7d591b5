"""The digest of a version: the same for one content everywhere, another one for each change of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import headrace
from headrace.errors import ConfigurationError, DigestMismatchError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images
from tests.support.lakes.doors import Door
from tests.support.lakes.templates import finished


async def annotate(version: DatasetVersion) -> None:
    """Shapes of several kinds on four assets, an empty annotation, and two of one asset."""
    label, other = await version.create_label("cat"), await version.create_label("dog")
    await version.create_label("never")
    assets = list(await version.list_assets())
    for asset in assets[:4]:
        annotation = await asset.create_annotation()
        await annotation.create_rectangle(1.5, 2, 10, 12, label)
        await annotation.create_polygon([[1, 2], [5.25, 6], [7, 2]], other)
        await annotation.create_classification(label)
    await assets[0].create_annotation()
    await assets[5].create_annotation()


@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_a_lake_and_its_server_give_one_digest(version: DatasetVersion, door: Door) -> None:
    await annotate(version)
    found = await version.digest()
    async with headrace.connect(str(door.lake)) as client:
        embedded = await (await client.version("drawings/first")).digest()
    assert str(found) == f"sha256:{found.sha256}"
    assert found == embedded
    assert (found.assets, found.annotations, found.shapes, found.labels) == (12, 6, 12, 3)
    assert found.fetched == 0


async def test_a_version_made_from_the_export_has_the_same_digest(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    await annotate(version)
    # An export has the newest annotation of an asset: the one without shapes hides the other.
    newest = (await version.list_assets())[0]
    await (await newest.get_annotation()).delete()
    await version.export(tmp_path / "all.json", "coco")
    await version.download(tmp_path / "files")
    await client.push("again/v1", tmp_path / "files")
    again = await client.version("again/v1")
    assert await again.digest() != await version.digest()
    await again.import_annotations(tmp_path / "all.json")
    assert (await again.digest()).sha256 == (await version.digest()).sha256


async def _move_a_box(version: DatasetVersion) -> None:
    annotation = await (await version.list_assets())[1].get_annotation()
    (box,) = await annotation.list_rectangles()
    await box.update(x=1.75)


async def _say_something(version: DatasetVersion) -> None:
    annotation = await (await version.list_assets())[1].get_annotation()
    (box,) = await annotation.list_rectangles()
    await box.update(text="blurred")


async def _rename_a_label(version: DatasetVersion) -> None:
    await (await version.get_label("cat")).update(name="tiger")


async def _drop_an_unused_label(version: DatasetVersion) -> None:
    await (await version.get_label("never")).delete()


async def _drop_an_asset(version: DatasetVersion) -> None:
    await (await version.list_assets())[11].delete()


async def _drop_an_empty_annotation(version: DatasetVersion) -> None:
    await (await (await version.list_assets())[5].get_annotation()).delete()


async def _repeat_an_annotation(version: DatasetVersion) -> None:
    await (await version.list_assets())[5].create_annotation()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_move_a_box, marks=pytest.mark.lakes_only("it moves by half a pixel")),
        _say_something,
        _rename_a_label,
        _drop_an_unused_label,
        _drop_an_asset,
        _drop_an_empty_annotation,
        _repeat_an_annotation,
    ],
)
async def test_every_change_of_the_content_changes_it(
    version: DatasetVersion, change: Callable[[DatasetVersion], Awaitable[None]]
) -> None:
    await annotate(version)
    before = await version.digest()
    await change(version)
    after = await version.digest()
    assert before.sha256 != after.sha256
    assert before.identity != after.identity


async def test_what_is_said_about_the_content_does_not_count(version: DatasetVersion) -> None:
    await annotate(version)
    before = await version.digest()
    assets = await version.list_assets()
    await (await version.create_asset_tag("train")).attach_on(assets)
    await (await assets[1].get_annotation()).update(status="ACCEPTED", duration=4.5)
    await version.update(version="renamed", description="other words", type="SEGMENTATION")
    assert await version.digest() == before


@pytest.mark.lakes_only("other platforms take whole pixels")
async def test_another_digest_than_the_expected_one_publishes_nothing(
    version: DatasetVersion, tmp_path: Path
) -> None:
    await annotate(version)
    pinned = str(await version.digest())
    await version.export(tmp_path / "pinned.json", "coco", expected_digest=pinned)
    await version.download(tmp_path / "pinned", expected_digest=pinned)
    assert len(list((tmp_path / "pinned").iterdir())) == 12

    await _move_a_box(version)
    for work in (
        version.export(tmp_path / "other.json", "coco", expected_digest=pinned),
        version.download(tmp_path / "other", expected_digest=pinned),
        version.digest(expected_digest=pinned),
    ):
        with pytest.raises(DigestMismatchError, match="drawings/first is not sha256:") as caught:
            await work
        assert f"sha256:{caught.value.expected}" == pinned
        assert caught.value.found == (await version.digest()).sha256
    assert not (tmp_path / "other.json").exists()
    assert not (tmp_path / "other").exists()
    with pytest.raises(ConfigurationError, match="'md5:1' is not a digest"):
        await version.digest(expected_digest="md5:1")


@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_an_export_of_a_version_that_changes_meanwhile_publishes_nothing(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    await annotate(version)
    pinned = str(await version.digest())
    jobs: list[str] = []

    async def change() -> None:
        async with headrace.connect(str(door.lake)) as client:
            await _repeat_an_annotation(await client.version("drawings/first"))

    def change_once(event: headrace.ProgressEvent) -> None:
        if event.job == "export" and "export" not in jobs:
            finished(change())
        jobs.append(event.job)

    with pytest.raises(DigestMismatchError, match="changed meanwhile"):
        await version.export(
            tmp_path / "a.json", "coco", expected_digest=pinned, progress=change_once
        )
    assert jobs[0] == "digest"
    assert not (tmp_path / "a.json").exists()


async def test_equal_files_of_one_name_count_each(client: Client, tmp_path: Path) -> None:
    """Two assets of equal content do not cancel each other out, as they would in a sum by XOR."""
    draw_images(tmp_path / "images", 1)
    version = await (await client.create_dataset("twins")).create_version("v1")
    lake = await client.get_datalake()
    (file,) = (tmp_path / "images").iterdir()
    digests = [(await version.digest()).sha256]
    for source in ("one", "two"):
        data = await lake.upload_data([file], source=source)
        await version.add_data(data)
        digests.append((await version.digest()).sha256)
    assert len(set(digests)) == 3
