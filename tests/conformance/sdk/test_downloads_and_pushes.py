"""Downloading and pushing over both doors: what is there stays, what is wrong is fetched, what fails is told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import anyio
import msgspec
import pytest

from headrace.errors import (
    ConfigurationError,
    LakeError,
    NoDataError,
    NotFoundError,
    PartialTransferError,
)
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images
from tests.support.lakes.doors import Door
from tests.support.lakes.templates import copy_empty

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


def names(folder: Path, *, complete: bool = True) -> list[str]:
    """The files of a folder; without a complete download, but for its state."""
    found = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    if complete:
        assert not (folder / ".headrace").exists()
    return sorted(name for name in found if not name.startswith(".headrace/"))


async def test_a_finished_folder_holds_the_files_and_nothing_else(
    version: DatasetVersion, tmp_path: Path
) -> None:
    """As loaders of image folders see it: each folder in it would be a class. A second run changes nothing."""
    out = tmp_path / "out"
    for moved in (12, 0):
        report = await version.download(out)
        assert (report.moved, report.skipped) == (moved, 12 - moved)
        with os.scandir(out) as entries:
            assert sorted((entry.name, entry.is_file()) for entry in entries) == [
                (name, True) for name in NAMES
            ]


@pytest.mark.folder_of_files("links files of the folder")
async def test_files_are_linked_on_request_and_only_from_a_lake(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    """Linked files are read-only, since they are the lake's own; copies are not."""
    linked, copied = tmp_path / "linked", tmp_path / "copied"
    with pytest.raises(ConfigurationError, match="no media 'moved'"):
        await version.download(linked, media="moved")
    if door.lake is None or door.target != str(door.lake):
        with pytest.raises(ConfigurationError, match="only the files of a lake"):
            await version.download(linked, media="hardlink")
        assert not linked.exists()
        return
    objects = {path.stat().st_ino for path in (door.lake / "objects").rglob("*.jpg")}
    for _ in range(2):
        await version.download(linked, media="hardlink")
        assert names(linked) == NAMES
        assert {path.stat().st_ino for path in linked.iterdir()} == objects
        assert not any(path.stat().st_mode & 0o222 for path in linked.iterdir())
    await version.download(copied)
    assert names(copied) == NAMES
    for path in copied.iterdir():
        assert path.stat().st_ino not in objects
        assert path.stat().st_mode & 0o200
        assert path.read_bytes() == (linked / path.name).read_bytes()


@pytest.mark.lakes_only("other platforms tell no digests of files")
async def test_what_a_person_changed_is_kept_and_what_is_missing_is_fetched(
    version: DatasetVersion, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A shorter file and one of the same size with other bytes are kept and named; nothing else is touched."""
    out = tmp_path / "out"
    await version.download(out)
    original = {name: (out / name).read_bytes() for name in NAMES}
    mine = {NAMES[0]: b"cut", NAMES[1]: bytes(len(original[NAMES[1]]))}
    for name, content in mine.items():
        (out / name).write_bytes(content)
    (out / NAMES[2]).unlink()
    stamp = (out / NAMES[3]).stat().st_mtime_ns
    plan = await version.download(out, dry_run=True)
    assert (plan.moved, plan.skipped, sorted(plan.kept_files)) == (1, 9, NAMES[:2])
    assert not (out / NAMES[2]).exists()
    report = await version.download(out)
    assert f"2 files were not downloaded into {out}" in caplog.text
    assert (report.moved, report.skipped, report.failed) == (1, 9, 0)
    assert (report.kept, sorted(report.kept_files)) == (2, NAMES[:2])
    assert {name: (out / name).read_bytes() for name in NAMES} == original | mine
    assert (out / NAMES[3]).stat().st_mtime_ns == stamp
    forced = await version.download(out, force_replace=True)
    assert (forced.moved, forced.bytes) == (12, sum(map(len, original.values())))
    assert {name: (out / name).read_bytes() for name in NAMES} == original
    assert names(out) == NAMES


@pytest.mark.lakes_only("other platforms tell no digests of files")
async def test_a_file_of_the_same_name_is_kept_by_every_download(
    version: DatasetVersion, tmp_path: Path
) -> None:
    """Of the version, of some assets, of one asset, of data. Without a manifest an equal file is never another's."""
    first = await version.find_asset(filename=NAMES[0])
    some = await version.list_assets(filenames=NAMES[:2])
    out = tmp_path / "out"
    out.mkdir()
    (out / NAMES[0]).write_bytes(b"mine")
    for holder in (first, await first.get_data(), some, await some.as_multidata(), version):
        report = await holder.download(out)
        assert (report.kept, report.kept_files) == (1, [NAMES[0]])
        assert (out / NAMES[0]).read_bytes() == b"mine"
    assert names(out) == NAMES
    shutil.copytree(out, tmp_path / "copy")
    (tmp_path / "copy" / NAMES[0]).unlink()
    report = await version.download(tmp_path / "copy")
    assert (report.moved, report.skipped, report.kept) == (1, 11, 0)
    assert names(tmp_path / "copy") == NAMES


@pytest.mark.sqlite_only("a platform over PostgreSQL is no folder")
@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_a_lake_is_no_target(door: Door, version: DatasetVersion, tmp_path: Path) -> None:
    def seen() -> set[Path]:
        files = door.lake.rglob("*")
        return {path for path in files if not path.name.startswith("headrace.db-")}

    before = seen()
    for folder in (door.lake, door.lake / "objects", door.lake / "new", door.lake.parent):
        for dry_run in (False, True):
            with pytest.raises(LakeError, match="lake"):
                await version.download(folder, dry_run=dry_run)
    asset = await version.find_asset(filename=NAMES[0])
    with pytest.raises(LakeError):
        await asset.download(door.lake / "objects")
    assert seen() == before
    # The default folder of single files often lies beside a lake.
    assert (await asset.download(door.lake.parent)).moved == 1


async def test_downloads_at_once_into_one_folder(version: DatasetVersion, tmp_path: Path) -> None:
    """One by one, each of the assets, and two of the whole version beside them."""
    out = tmp_path / "out"
    assets = await version.list_assets()
    async with anyio.create_task_group() as group:
        for asset in assets:
            group.start_soon(asset.download, out)
        group.start_soon(version.download, out)
        group.start_soon(version.download, out)
    assert names(out) == NAMES
    assert (await version.download(out)).skipped == 12


async def test_the_default_folder_and_ids_as_names(
    version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await version.download(use_id=True)
    assets = await version.list_assets()
    assert names(tmp_path / "drawings" / "first") == sorted(a.id_with_extension for a in assets)


@pytest.mark.lakes_only("other platforms tell no digests of files")
async def test_two_assets_of_one_name_get_two_files(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    """The older keeps the name; the other carries its id, and so in every run."""
    (path,) = draw_images(tmp_path / "other", 1)
    path.write_bytes(path.read_bytes() + b"more")
    lake = await client.get_datalake()
    await version.add_data([await lake.upload_data(path)])
    both = sorted(await version.list_assets(filenames=[NAMES[0]]), key=lambda asset: asset.id)
    renamed = f"image_0000-{both[1].id}.jpg"
    for _ in range(2):
        report = await version.download(tmp_path / "out")
        assert report.renamed == {str(both[1].id): renamed}
    assert report.skipped == 13
    listed = msgspec.json.decode(Path(report.names_file).read_bytes())
    assert listed == {"id": str(both[1].id), "filename": NAMES[0], "local": renamed}
    # A download of one file forgets nothing about the others.
    await both[0].download(tmp_path / "out")
    assert msgspec.json.decode(Path(report.names_file).read_bytes()) == listed
    assert (tmp_path / "out" / renamed).read_bytes() == path.read_bytes()
    assert await version.list_assets().count() == len(names(tmp_path / "out")) == 13


@pytest.mark.folder_of_files("changes files in the folder")
@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_what_cannot_be_fetched_is_named_and_the_rest_is_there(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    lost = await version.find_asset(filename=NAMES[5])
    (door.lake / "objects" / lost.object_name).unlink()
    out = tmp_path / "out"
    with pytest.raises(PartialTransferError, match="1 of 12 files were not downloaded") as caught:
        await version.download(out, max_workers=3)
    report = caught.value.report
    assert (report.moved, report.failed) == (11, 1)
    assert [failure.name for failure in report.failures] == [NAMES[5]]
    assert names(out, complete=False) == [name for name in NAMES if name != NAMES[5]]
    assert (out / ".headrace").is_dir()


@pytest.mark.folder_of_files("changes files in the folder")
@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_only_what_failed_is_taken_up_again(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    lost = await version.find_asset(filename=NAMES[5])
    stored = door.lake / "objects" / lost.object_name
    content = stored.read_bytes()
    stored.unlink()
    out = tmp_path / "out"
    with pytest.raises(PartialTransferError):
        await version.download(out)
    stored.write_bytes(content)
    report = await version.download(out, retry_failed=True)
    assert (report.moved, report.skipped, report.failed) == (1, 0, 0)
    assert names(out) == NAMES
    assert (out / NAMES[5]).read_bytes() == content
    with pytest.raises(ConfigurationError, match="left no failures"):
        await version.download(out, retry_failed=True)


@pytest.mark.folder_of_files("changes files in the folder")
@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_bytes_that_rotted_replace_nothing(
    version: DatasetVersion, door: Door, tmp_path: Path
) -> None:
    """A good file gives way only to a verified one."""
    out = tmp_path / "out"
    await version.download(out)
    good = (out / NAMES[4]).read_bytes()
    asset = await version.find_asset(filename=NAMES[4])
    stored = door.lake / "objects" / asset.object_name
    stored.chmod(0o600)
    stored.write_bytes(bytes(len(good)))
    with pytest.raises(PartialTransferError) as caught:
        await version.download(out, force_replace=True)
    assert [failure.code for failure in caught.value.report.failures] == ["checksum"]
    assert (out / NAMES[4]).read_bytes() == good
    assert names(out, complete=False) == NAMES


async def test_one_data_and_some_assets(version: DatasetVersion, tmp_path: Path) -> None:
    assets = await version.list_assets(order_by=["filename"])
    await assets[0].download(tmp_path / "one")
    await (await assets[1].get_data()).download(tmp_path / "one", use_id=True)
    await assets[2:5].download(tmp_path / "some")
    await (await assets[5:7].as_multidata()).download(tmp_path / "some")
    assert names(tmp_path / "one") == sorted([NAMES[0], f"{assets[1].data_id}.jpg"])
    assert names(tmp_path / "some") == NAMES[2:7]


async def test_a_second_push_uploads_only_what_is_missing(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    (images / "sub" / "deep").mkdir(parents=True)
    (images / "sub" / "deep" / NAMES[0]).write_bytes((images / NAMES[0]).read_bytes())
    (images / NAMES[1]).write_bytes((images / NAMES[1]).read_bytes() + b"changed")
    (images / "notes.txt").write_text("no image")
    (images / ".hidden.jpg").write_bytes(b"")
    report = await client.push("drawings/first", images)
    assert (report.files, report.uploaded, report.reused, report.assets, report.ignored) == (
        13, 2, 11, 2, 1,
    )  # fmt: skip
    other = await client.push("drawings/second", [images / NAMES[0], images / NAMES[2]])
    assert (other.uploaded, other.reused, other.assets) == (0, 2, 2)
    assert (other.created_dataset, other.created_version) == (False, True)
    lake = await client.get_datalake()
    assert await lake.list_data().count() == 14
    assert await version.find_asset(filename=f"sub/deep/{NAMES[0]}")


async def test_pushing_nothing_makes_nothing(client: Client, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoDataError, match="no images or videos"):
        await client.push("new/v1", tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        await client.push("new/v1", tmp_path / "absent")
    assert await client.list_datasets() == []


async def test_a_push_takes_up_only_what_failed(client: Client, tmp_path: Path) -> None:
    images = tmp_path / "images"
    draw_images(images, 3)
    good = (images / NAMES[1]).read_bytes()
    (images / NAMES[1]).write_bytes(b"no picture")
    with pytest.raises(ConfigurationError, match="the last push into new/v1 recorded no"):
        await client.push("new/v1", images, retry_failed=True)
    assert await client.list_datasets() == []
    with pytest.raises(PartialTransferError):
        await client.push("new/v1", images)
    (images / NAMES[1]).write_bytes(good)
    report = await client.push("new/v1", images, retry_failed=True)
    assert (report.files, report.uploaded, report.assets) == (1, 1, 1)
    assert await (await client.version("new/v1")).list_assets().count() == 3
    with pytest.raises(ConfigurationError, match="recorded no failures"):
        await client.push("new/v1", images, retry_failed=True)


@pytest.mark.lakes_only("other platforms do not look for data of equal content")
async def test_a_file_that_is_named_twice_is_one_data(client: Client, tmp_path: Path) -> None:
    images = tmp_path / "images"
    paths = draw_images(images, 3)
    (images / "copy").mkdir()
    twin = images / "copy" / paths[0].name
    twin.write_bytes(paths[0].read_bytes())
    lake = await client.get_datalake()
    given = [paths[0], paths[1], paths[0], twin, paths[2]]
    made = await lake.upload_data(given, tags=["a"])
    assert [data.filename for data in made] == [path.name for path in given]
    assert len({data.id for data in made}) == 3
    assert made.report is not None
    assert (made.report.moved, made.report.skipped) == (3, 2)
    assert await lake.list_data().count() == 3
    again = await lake.upload_data(given[:2], tags=["b"])
    assert again.ids == made.ids[:2]
    assert {tag.name for tag in await again[0].get_tags()} == {"a", "b"}
    other = await lake.upload_data(paths[0], custom_metadata={"lens": 50})
    assert other.id not in made.ids
    assert await lake.list_data().count() == 4


async def test_a_file_that_cannot_be_read_does_not_stop_a_push(
    client: Client, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 3)
    (tmp_path / "images" / "bad.png").write_bytes(b"no picture")
    for _ in range(2):
        with pytest.raises(PartialTransferError, match=r"1 of 4 files .*bad\.png"):
            await client.push("new/v1", tmp_path / "images")
        version = await client.version("new/v1")
        assert await version.list_assets().count() == 3
    lake = await client.get_datalake()
    assert await lake.list_data().count() == 3


async def test_a_dry_run_says_what_a_push_would_do(client: Client, tmp_path: Path) -> None:
    images = tmp_path / "images"
    draw_images(images, 5)
    (images / "copy").mkdir()
    shutil.copy(images / NAMES[0], images / "copy")
    (images / "notes.txt").write_text("no image")
    for already in (0, 3, 5):
        if already:
            await client.push("new/v1", [images / name for name in NAMES[:already]], tags=["old"])
        told = await client.push("new/v1", images, tags=["fresh"], dry_run=True)
        assert told.dry_run
        assert (told.files, told.ignored) == (6, 1)
        assert told.created_dataset == told.created_version == (already == 0)
        assert (told.uploaded, told.reused) == (6 - already, already)
        assert told.assets == 6 - already
        if not already:
            with pytest.raises(NotFoundError):
                await client.version("new/v1")
    lake = await client.get_datalake()
    assert "fresh" not in [tag.name for tag in await lake.list_data_tags()]
    done = await client.push("new/v1", images)
    assert (done.uploaded, done.reused, done.assets) == (1, 5, 1)
    again = await client.push("new/v1", images, dry_run=True)
    assert (again.uploaded, again.reused, again.assets) == (0, 6, 0)


@pytest.mark.sqlite_only("a platform over PostgreSQL is no folder")
async def test_folders_of_masks_and_lakes_are_no_assets(client: Client, tmp_path: Path) -> None:
    root = tmp_path / "images"
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject/deep", "panoptic_val"):
        draw_images(root / folder, 2)
    draw_images(root / "panoptic_none", 2)
    draw_images(root / "val", 2)
    (root / "panoptic_val.json").write_text("{}")
    (root / "val.json").write_text("{}")
    copy_empty(root / "lake")
    report = await client.push("new/v1", root)
    assert (report.files, report.masks, report.ignored) == (6, 6, 2)
    # A folder of masks that is named by itself is read.
    report = await client.push("new/masks", root / "SegmentationClass")
    assert (report.files, report.masks) == (2, 0)
