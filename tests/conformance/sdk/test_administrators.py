"""Administrators open the database of a platform itself: with the rights of its owner, beside its servers."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct

import headrace
from headrace import blocking
from headrace.errors import ConfigurationError, LakeError, NotALakeError, PartialTransferError
from headrace.model.enums import JobStatus
from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.sdk.client.connect import Connection
from headrace.server.serve import serving
from tests.support.data.images import draw_images
from tests.support.postgres_server import fresh_database, postgres_server


class Plant(Struct):
    """The database of a platform, and the folder of its files."""

    dsn: str
    files: Path

    def connect(self) -> Connection:
        return headrace.connect(self.dsn, objects=self.files)

    async def serve(self) -> Platform:
        return await Platform.open(self.dsn, objects=self.files)


@pytest.fixture
async def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Plant]:
    monkeypatch.setenv("HEADRACE_SCRATCH", str(tmp_path / "scratch"))
    with fresh_database("template0") as dsn:
        await headrace.create_lake(dsn, objects=tmp_path / "files")
        yield Plant(dsn, tmp_path / "files")


async def test_what_an_administrator_begins_a_server_does(plant: Plant, tmp_path: Path) -> None:
    images = draw_images(tmp_path / "images", 3)
    async with plant.connect() as client:
        await client.push("drawings/first", tmp_path / "images")
        version = await client.version("drawings/first")
        fork, job = await version.fork("second", wait=False)
        # No server is there, and this process runs no jobs. A listing does not wait for their ends.
        listed = (await client.list_jobs())[0]
        assert (listed.id, listed.status) == (job.id, JobStatus.RUNNING)
        async with await plant.serve():
            await job.wait_for_done()
        assert len(await fork.list_assets()) == len(images)


async def test_a_server_and_an_administrator_see_the_same(plant: Plant, tmp_path: Path) -> None:
    draw_images(tmp_path / "images", 3)
    async with await plant.serve() as platform, serving(platform) as address:
        token, _ = await create_token(platform.context, name="test")
        async with headrace.connect(address, api_token=token) as user:
            await user.push("drawings/first", tmp_path / "images")
        async with plant.connect() as client:
            version = await client.version("drawings/first")
            report = await version.download(tmp_path / "pulled", progress=None)
            assert (report.moved, report.failed) == (3, 0)


async def test_users_and_tokens_need_no_files(plant: Plant, tmp_path: Path) -> None:
    draw_images(tmp_path / "images", 1)
    async with headrace.connect(plant.dsn) as client:
        assert await client.list_datasets() == []
        with pytest.raises(PartialTransferError, match="opened without its files") as caught:
            await client.push("drawings/first", tmp_path / "images")
        assert "HEADRACE_OBJECTS" in str(caught.value)


async def test_a_server_needs_its_files(plant: Plant) -> None:
    with pytest.raises(ConfigurationError, match="needs a place for its files"):
        await Platform.open(plant.dsn)


async def test_nothing_says_the_password(
    plant: Plant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = postgres_server().password
    async with plant.connect() as client:
        shown = [repr(client), client.session.name, repr(client.session.backend)]
        assert client.session.name.startswith("postgresql://")
    with pytest.raises(LakeError) as caught:
        await headrace.create_lake(plant.dsn, objects=tmp_path / "others")
    shown += [str(caught.value), repr(caught.value), caplog.text]
    assert secret not in "".join(shown)
    assert not (tmp_path / "others").exists()


async def test_an_empty_database_is_no_platform(tmp_path: Path) -> None:
    with fresh_database("template0") as dsn:
        with pytest.raises(NotALakeError, match="headrace init"):
            await headrace.connect(dsn, objects=tmp_path)
        # Its schema alone is none either, as an interrupted init leaves it.
        with fresh_database() as migrated, pytest.raises(NotALakeError, match="headrace init"):
            await headrace.connect(migrated, objects=tmp_path)


async def test_an_interrupted_making_is_completed(tmp_path: Path) -> None:
    with fresh_database() as dsn:
        await headrace.create_lake(dsn, objects=tmp_path / "files")
        async with headrace.connect(dsn, objects=tmp_path / "files") as client:
            assert await client.list_datasets() == []


def test_without_await(tmp_path: Path) -> None:
    with fresh_database("template0") as dsn:
        blocking.create_lake(dsn, objects=tmp_path / "files")
        with blocking.connect(dsn, objects=tmp_path / "files") as client:
            assert client.list_datasets() == []
        assert blocking.check_lake(dsn, objects=tmp_path / "files").ok
        assert blocking.lake_usage(dsn, objects=tmp_path / "files").files == 0
