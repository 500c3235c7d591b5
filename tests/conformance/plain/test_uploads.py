"""Uploads to a platform that reports no digests, reads files later, and stores them in each way there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.backend.upload.multipart import PART_BYTES
from headrace.errors import PartialTransferError
from headrace.sdk.client.client import Client
from tests.support.data.images import draw_images
from tests.support.plain_platform import Fault, PlainPlatform
from tests.support.plain_platform.switches import ClientType


async def test_a_second_push_doubles_nothing(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    paths = draw_images(tmp_path / "images", 12)
    first = await client.push("d/v", tmp_path / "images")
    assert (first.uploaded, first.reused, first.assets) == (12, 0, 12)
    paths[0].write_bytes(paths[0].read_bytes() + b"more")
    plan = await client.push("d/v", tmp_path / "images", dry_run=True)
    second = await client.push("d/v", tmp_path / "images")
    for report in (plan, second):
        assert (report.uploaded, report.reused, report.assets) == (1, 11, 1)
    assert len(platform.store.datas) == 13


async def test_a_push_that_broke_off_doubles_nothing(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 12)
    # What was sent before is registered, and still to be read.
    platform.switches.pending_polls = 2
    platform.switches.faults = [Fault(status=500, path=r".*/datas", method="XGET", times=99)]
    with pytest.raises(Exception, match="fault"):
        await client.push("d/v", tmp_path / "images")
    platform.switches.faults = []
    known = len(platform.store.datas)
    report = await client.push("d/v", tmp_path / "images")
    assert (report.reused, report.assets) == (known, 12)
    assert len(platform.store.datas) == 12


async def test_two_files_of_one_name_and_size_stay_two(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, content in zip(folders, (b"one", b"two", b"one"), strict=True):
        (path,) = draw_images(folder, 1)
        path.write_bytes(path.read_bytes() + content)
    for assets, reused in ((2, 1), (0, 3), (0, 3)):
        report = await client.push("d/v", folders)
        assert (report.assets, report.reused) == (assets, reused)
    assert len(platform.store.datas) == 2
    # One after the other, each file finds the data that was made of it, or of one like it.
    await client.push("d/w", folders[0])
    assert len(platform.store.datas) == 2


async def test_what_an_upload_sends_again_is_only_what_is_known_to_be_the_same(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    (path,) = draw_images(tmp_path, 1)
    lake = await client.get_datalake()
    await lake.upload_data([path])
    await lake.upload_data([path])
    # The storage reports no digest, and equal names and sizes prove nothing to one who asks for an upload.
    assert len(platform.store.datas) == 2


async def test_files_that_are_still_to_be_read_are_looked_at_together(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 20)
    platform.switches.pending_polls = 2
    report = await client.push("d/v", tmp_path / "images")
    assert (report.uploaded, report.assets) == (20, 20)
    looks = [seen for seen in platform.log if b'"ids"' in seen.body and seen.method == "XGET"]
    assert len(looks) == 3
    assert not [seen for seen in platform.log if seen.method == "GET" and "/api/data/" in seen.path]


async def test_a_file_that_cannot_be_read_is_named(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 3)
    (tmp_path / "images" / "bad.png").write_bytes(b"no picture")
    platform.switches.pending_polls = 1
    with pytest.raises(PartialTransferError, match=r"1 of 4 .*bad\.png"):
        await client.push("d/v", tmp_path / "images")
    assert len(platform.store.datas) == len(platform.store.assets) == 3


@pytest.mark.parametrize("client_type", ["aws", "minio", "google", "azure"])
async def test_small_and_large_files_arrive_in_every_storage(
    client: Client, platform: PlainPlatform, tmp_path: Path, client_type: ClientType
) -> None:
    platform.switches.client_type = client_type
    draw_images(tmp_path / "images", 2)
    large = tmp_path / "images" / "large.jpg"
    large.write_bytes((tmp_path / "images" / "image_0000.jpg").read_bytes().ljust(PART_BYTES + 1))
    odd = tmp_path / "images" / 'ü "x" %41.jpg'
    odd.write_bytes((tmp_path / "images" / "image_0001.jpg").read_bytes() + b".")
    await client.push("d/v", tmp_path / "images")
    version = await client.version("d/v")
    await version.download(tmp_path / "back")
    for path in (tmp_path / "images").iterdir():
        assert (tmp_path / "back" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("client_type", ["minio", "google", "azure"])
async def test_failures_on_the_way_up_double_and_lose_nothing(
    client: Client, platform: PlainPlatform, tmp_path: Path, client_type: ClientType
) -> None:
    platform.switches.client_type = client_type
    draw_images(tmp_path / "images", 6)
    large = tmp_path / "images" / "large.jpg"
    large.write_bytes((tmp_path / "images" / "image_0000.jpg").read_bytes().ljust(PART_BYTES + 1))
    platform.switches.faults = [
        Fault(status=503, path="/storage/.*", times=2),
        Fault(status=403, path="/storage/.*", method="P.*"),
        Fault(cut="before", path="/storage/.*", times=2),
        # The storage took the file, the platform registered it, and nobody heard of it.
        Fault(cut="after", path="/storage/.*", method="P.*"),
        Fault(cut="after", path=".*/datas", method="POST", times=2),
        Fault(status=429, path=".*/generate_object_name", headers={"Retry-After": "0"}),
    ]
    report = await client.push("d/v", tmp_path / "images")
    assert (report.uploaded, report.assets) == (7, 7)
    assert (len(platform.store.datas), len(platform.store.assets)) == (7, 7)
    assert [fault.times for fault in platform.switches.faults] == [0] * 6
    stored = sorted(
        platform.store.files[data.object_name] for data in platform.store.datas.values()
    )
    assert stored == sorted(path.read_bytes() for path in (tmp_path / "images").iterdir())


async def test_a_large_upload_goes_on_where_it_broke_off(
    client: Client, platform: PlainPlatform, tmp_path: Path
) -> None:
    (small,) = draw_images(tmp_path / "images", 1)
    large = tmp_path / "images" / "large.jpg"
    large.write_bytes(small.read_bytes().ljust(2 * PART_BYTES + 5, b"."))
    small.unlink()
    lake = await client.get_datalake()
    platform.switches.faults = [Fault(status=400, path=".*/complete_part_upload")]
    with pytest.raises(PartialTransferError):
        await lake.upload_data([large])
    parts = [seen for seen in platform.log if seen.path == "/storage/part"]
    assert len(parts) == 3
    await lake.upload_data([large])
    assert len([seen for seen in platform.log if seen.path == "/storage/part"]) == 3
    (stored,) = platform.store.files.values()
    assert stored == large.read_bytes()
