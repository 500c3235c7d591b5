"""Downloads and synchronization where no digest is reported, URLs expire at once, and requests fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from headrace.errors import PartialTransferError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import drawn_image, write_coco
from tests.support.plain_platform import Fault, PlainPlatform

IMAGES = dict(drawn_image(index) for index in range(12))
NAMES = sorted(IMAGES)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_what_a_person_changed_is_kept_and_what_is_missing_is_fetched(
    version: DatasetVersion, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    await version.download(out)
    assert files(out) == IMAGES
    mine = {NAMES[0]: b"cut", NAMES[1]: bytes(len(IMAGES[NAMES[1]]))}
    for name, content in mine.items():
        (out / name).write_bytes(content)
    (out / NAMES[2]).unlink()
    await version.download(out, dry_run=True)
    assert not (out / NAMES[2]).exists()
    report = await version.download(out)
    assert sorted(report.kept_files) == NAMES[:2]
    assert files(out) == IMAGES | mine
    await version.download(out, force_replace=True)
    assert files(out) == IMAGES


async def test_a_second_download_asks_for_no_file(
    version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    await version.download(tmp_path / "out")
    platform.log.clear()
    report = await version.download(tmp_path / "out")
    assert (report.moved, report.skipped) == (0, 12)
    assert not [seen for seen in platform.log if seen.path == "/storage/file"]


async def test_a_file_of_the_same_name_is_kept_by_every_download(
    version: DatasetVersion, tmp_path: Path
) -> None:
    first = await version.find_asset(filename=NAMES[0])
    some = await version.list_assets(filenames=NAMES[:2])
    out = tmp_path / "out"
    out.mkdir()
    (out / NAMES[0]).write_bytes(b"mine")
    for holder in (first, await first.get_data(), some, await some.as_multidata(), version):
        report = await holder.download(out)
        assert (report.kept, report.kept_files) == (1, [NAMES[0]])
    assert files(out) == IMAGES | {NAMES[0]: b"mine"}
    shutil.copytree(out, tmp_path / "copy")
    (tmp_path / "copy" / NAMES[0]).unlink()
    report = await version.download(tmp_path / "copy")
    assert (report.failed, report.kept) == (0, 0)
    assert files(tmp_path / "copy") == IMAGES


async def test_two_assets_of_one_name_get_two_files(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / NAMES[0]
    path.write_bytes(IMAGES[NAMES[0]] + b"more")
    lake = await client.get_datalake()
    await version.add_data([await lake.upload_data(path)])
    for _ in range(2):
        report = await version.download(tmp_path / "out")
        assert len(report.renamed) == 1
    assert report.skipped == 13
    assert sorted(files(tmp_path / "out").values()) == sorted([*IMAGES.values(), path.read_bytes()])


async def test_synchronize_finds_what_is_missing_and_completes_it(
    version: DatasetVersion, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert len(await version.synchronize(out)) == 12
    await version.download(out)
    (out / NAMES[2]).unlink()
    found = await version.synchronize(out, do_download=True)
    assert [asset.filename for asset in found] == [NAMES[2]]
    assert files(out) == IMAGES
    assert len(await version.synchronize(out)) == 0


async def test_a_changed_file_of_equal_size_goes_up(
    client: Client, version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    """Name and size are no proof that nothing has changed."""
    folder = tmp_path / "synced"
    folder.mkdir()
    await client.sync_folder("drawings/first", folder)
    changed = IMAGES[NAMES[0]].replace(b"image_0000", b"image_9999")
    assert len(changed) == len(IMAGES[NAMES[0]])
    assert changed != IMAGES[NAMES[0]]
    (folder / NAMES[0]).write_bytes(changed)
    await client.sync_folder("drawings/first", folder)
    await version.download(tmp_path / "out")
    assert files(tmp_path / "out") == IMAGES | {NAMES[0]: changed}
    assert (await client.sync_folder("drawings/first", folder)).steps == []


async def test_urls_may_expire_before_they_are_used(
    version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    assets = await version.list_assets()
    platform.switches.url_seconds = 0.05
    stale = await version.list_assets(filenames=NAMES[:3])
    platform.switches.url_seconds = 2
    await anyio.sleep(0.06)
    await stale.download(tmp_path / "stale")
    assert files(tmp_path / "stale") == {name: IMAGES[name] for name in NAMES[:3]}
    await assets.download(tmp_path / "all")
    assert files(tmp_path / "all") == IMAGES


async def test_everything_works_with_urls_of_two_seconds(
    client: Client, version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    platform.switches.url_seconds = 2
    await version.set_type("OBJECT_DETECTION")
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    await version.download(tmp_path / "out")
    assert files(tmp_path / "out") == IMAGES
    await client.push("d/v", tmp_path / "out")
    await client.sync_folder("d/v", tmp_path / "out")
    await version.export(tmp_path / "coco", media="copy")
    # Also where it has expired before it was used, or before a second attempt.
    platform.switches.faults = [
        Fault(status=403, path="/storage/file"),
        Fault(status=503, path="/storage/file"),
    ]
    path = await version.export_annotation_file("COCO", tmp_path / "file")
    assert Path(path).read_bytes().startswith(b"{")


async def test_failures_on_the_way_lose_nothing(
    version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    platform.switches.faults = [
        Fault(status=503, path="/storage/file", times=3),
        Fault(status=429, path="/storage/file", times=2, headers={"Retry-After": "0"}),
        Fault(cut="before", path="/storage/file", times=3),
        Fault(cut="before", path=".*/assets", times=1),
    ]
    await version.download(tmp_path / "out")
    assert files(tmp_path / "out") == IMAGES
    assert [fault.times for fault in platform.switches.faults] == [0, 0, 0, 0]


async def test_what_is_gone_is_named(
    version: DatasetVersion, platform: PlainPlatform, tmp_path: Path
) -> None:
    platform.store.files.popitem()
    with pytest.raises(PartialTransferError, match="1 of 12") as caught:
        await version.download(tmp_path / "out")
    assert len(caught.value.report.failures) == 1
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 11
