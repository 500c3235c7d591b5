"""A lake that cannot be written is read; nothing of it is changed, and no answer mixes two states."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

import headrace
from headrace.errors import (
    LakeBusyError,
    LakeError,
    LakeHeldError,
    LakeVersionError,
    ReadOnlyLakeError,
)
from headrace.folders.holders import FOLDER, Holder
from headrace.platform.accounts.tokens import create_token
from headrace.platform.core.access import local_access
from headrace.platform.platform import Platform
from headrace.server.serve import serving
from tests.support.data.images import draw_images, write_coco

NAME = "street/v1"


@pytest.fixture
async def lake(tmp_path: Path) -> Path:
    """A closed lake with three annotated images."""
    images = draw_images(tmp_path / "images", 3)
    await headrace.create_lake(tmp_path / "lake")
    async with headrace.connect(tmp_path / "lake") as client:
        await client.push(NAME, tmp_path / "images")
        version = await client.version(NAME)
        file = write_coco(tmp_path / "coco.json", [image.name for image in images])
        await version.import_annotations(file)
    return tmp_path / "lake"


@pytest.fixture
def read_only(lake: Path, tmp_path: Path) -> Iterator[Path]:
    """The lake where it cannot be written: on a read-only mount, or by its permissions."""
    with _read_only(lake, tmp_path) as place:
        yield place


@contextmanager
def _read_only(lake: Path, tmp_path: Path) -> Iterator[Path]:
    if os.geteuid():
        _forbid(lake)
        yield lake
        _allow(lake)
        return
    place = tmp_path / "mounted"
    place.mkdir()
    # Root may write everywhere, except on a read-only file system.
    if subprocess.run(
        ["mount", "--bind", lake, place], capture_output=True, check=False
    ).returncode:
        pytest.skip("root may not mount here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def _forbid(lake: Path) -> None:
    for path in [*lake.rglob("*"), lake]:
        path.chmod(0o500 if path.is_dir() else 0o400)


def _allow(lake: Path) -> None:
    for path in [lake, *lake.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_everything_that_reads_works(read_only: Path, tmp_path: Path) -> None:
    before = content(read_only)
    async with headrace.connect(read_only) as client:
        version = await client.version(NAME)
        assert len(await version.list_assets()) == 3
        shapes = [len(each.rectangles) async for each in version.iter_annotations()]
        assert shapes == [0, 2, 2]
        report = await version.export(tmp_path / "out", format="yolo")
        assert report.images == 3
        await version.download(tmp_path / "files")
        digest = await version.digest()
    assert {path.name for path in (tmp_path / "files").iterdir()} == {
        f"image_{number:04}.jpg" for number in range(3)
    }
    assert content(read_only) == before
    assert digest.sha256


async def test_it_can_be_backed_up_and_measured(read_only: Path, tmp_path: Path) -> None:
    before = content(read_only)
    report = await headrace.backup_lake(read_only, tmp_path / "backups", progress=None)
    assert (report.files, report.missing_count) == (3, 0)
    await headrace.restore_lake(tmp_path / "backups", tmp_path / "again", progress=None)
    async with headrace.connect(read_only) as one, headrace.connect(tmp_path / "again") as two:
        digests = [str(await (await each.version(NAME)).digest()) for each in (one, two)]
    assert digests[0] == digests[1]
    assert (await headrace.lake_usage(read_only, progress=None)).files == 3
    with pytest.raises(ReadOnlyLakeError):
        await headrace.collect_garbage(read_only, progress=None)
    assert content(read_only) == before


async def test_another_machine_may_have_it_open(lake: Path, tmp_path: Path) -> None:
    """What cannot be written is read, whoever writes it."""
    (lake / FOLDER).mkdir(exist_ok=True)
    note = Holder(host="storage-2", machine="m2", boot="b2", pid=77)
    (lake / FOLDER / "other.json").write_bytes(msgspec.json.encode(note))
    with pytest.raises(LakeHeldError, match="storage-2"):
        await Platform.open(lake)
    with _read_only(lake, tmp_path) as place:
        async with headrace.connect(place) as client:
            assert len(await (await client.version(NAME)).list_assets()) == 3


async def test_what_changes_something_is_refused(read_only: Path, tmp_path: Path) -> None:
    before = content(read_only)
    async with headrace.connect(read_only) as client:
        version = await client.version(NAME)
        for change in (
            version.create_label("new"),
            version.delete_all_annotations(),
            version.fork("v2"),
            client.create_dataset("other"),
        ):
            with pytest.raises(ReadOnlyLakeError, match="cannot be written"):
                await change
        with pytest.raises(ReadOnlyLakeError):
            await version.import_annotations(write_coco(tmp_path / "more.json", ["image_0000.jpg"]))
    assert content(read_only) == before


async def test_a_server_of_it_answers_reads_and_refuses_changes(
    lake: Path, read_only: Path
) -> None:
    """With 403: to ask again later would not help."""
    if lake == read_only:
        pytest.skip("without a mount, no token can be made meanwhile")
    async with await Platform.open(lake) as platform:
        token, _ = await create_token(platform.context, name="test")
        organization = (await local_access(platform.context)).organization_id
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        await Platform.open(read_only) as platform,
        serving(platform) as address,
        aiohttp.ClientSession(headers=headers) as http,
    ):
        path = f"{address}/api/organization/{organization}/datasets"
        async with http.post(path, json={"name": "other"}) as answer:
            assert answer.status == 403
            assert "can only be read" in await answer.text()
            assert "Retry-After" not in answer.headers
        async with http.get(path) as answer:
            assert [found["name"] for found in (await answer.json())["items"]] == ["street"]
        async with http.get(f"{address}/readyz") as answer:
            assert answer.status == 200
            assert (await answer.json())["checks"]["lake"] == {"ok": True, "read_only": True}


async def test_a_lake_that_is_open_for_writing_elsewhere_is_read_with_its_changes(
    lake: Path, read_only: Path
) -> None:
    if lake == read_only:
        pytest.skip("without a mount, the lake cannot be opened for writing")
    async with headrace.connect(lake) as writer, headrace.connect(read_only) as reader:
        await (await writer.version(NAME)).create_label("new")
        labels = await (await reader.version(NAME)).list_labels()
        assert "new" in {label.name for label in labels}


async def test_a_change_beside_a_reader_without_locks_is_noticed(
    lake: Path, read_only: Path
) -> None:
    if lake == read_only:
        pytest.skip("without a mount, the lake cannot be opened for writing")
    async with headrace.connect(read_only) as reader:
        version = await reader.version(NAME)
        async with headrace.connect(lake) as writer:
            await (await writer.version(NAME)).create_label("new")
            with pytest.raises(LakeBusyError, match="another process changed"):
                await version.list_labels()
        with pytest.raises(LakeBusyError, match="another process changed"):
            await version.list_labels()


async def test_changes_that_need_writing_to_be_read_are_named(
    lake: Path, tmp_path: Path, read_only: Path
) -> None:
    if lake == read_only:
        pytest.skip("without a mount, nothing can be added to the lake")
    async with headrace.connect(lake) as writer:
        await (await writer.version(NAME)).create_label("new")
        shutil.copy(lake / "headrace.db-wal", tmp_path / "wal")
    # What a crash leaves, where its memory file got lost: as in a copy of a lake that was in use.
    shutil.copy(tmp_path / "wal", lake / "headrace.db-wal")
    with pytest.raises(LakeError, match="cannot be read without writing"):
        async with headrace.connect(read_only):
            pass


async def test_an_old_lake_is_not_read_before_it_is_migrated(lake: Path, read_only: Path) -> None:
    if lake == read_only:
        pytest.skip("without a mount, the lake cannot be changed")
    import apsw

    connection = apsw.Connection(str(lake / "headrace.db"))
    connection.pragma("user_version", 9)
    connection.close()
    with pytest.raises(LakeVersionError, match="must be changed"):
        async with headrace.connect(read_only):
            pass
