"""A platform whose objects are on a real S3, served in this process. Its catalog is that of the test's storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headrace.folders.lakes import DATABASE
from headrace.platform.context import Context
from headrace.platform.datalake.registered import replacing_no_data
from headrace.platform.platform import Platform
from headrace.server.serve import serving
from headrace.server.settings import ServerSettings
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.s3.store import S3Objects
from tests.support.lakes.servers import Running, new_lake, running
from tests.support.s3_server import fresh_prefix
from tests.support.storage import kind, on_s3


@asynccontextmanager
async def platform_on_s3(lake: Path, url: str) -> AsyncIterator[Platform]:
    """Open a lake with its objects at a URL of S3, whose key is in the environment."""
    database = await SqliteDatabase.open(lake / DATABASE)
    objects = await S3Objects.open(url, replacing=replacing_no_data)
    platform = Platform(Context(lake, database, objects))
    await platform.context.background.open()
    async with platform:
        yield platform


@asynccontextmanager
async def running_on_s3(
    path: Path, settings: ServerSettings | None = None
) -> AsyncIterator[Running]:
    """A new platform with its objects on the S3 of this test run, served in this process."""
    if kind() != "lake":
        with on_s3():
            async with running(path, settings) as server:
                yield server
        return
    lake, token = await new_lake(path)
    with fresh_prefix() as url:
        async with (
            platform_on_s3(lake, url) as platform,
            serving(platform, settings=settings) as address,
        ):
            yield Running(address, token, platform)
