"""New lakes as copies of one that was made once: a lake is one folder, and copying it takes a few milliseconds."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import headrace
from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.sdk.client.connect import Connection
from headrace.storage.opening import PostgresTarget
from tests.support import storage
from tests.support.data.images import draw_images
from tests.support.lakes import postgres_templates

T = TypeVar("T")

COUNT = 12
"""Assets of the version ``drawings/first``."""


def copy_empty(path: Path) -> None:
    """Make a new lake at ``path``, which may be an empty folder."""
    if storage.kind() != "lake":
        postgres_templates.copy_platform(path, "empty")
        return
    _copy(_empty(), path)


def copy_with_token(path: Path) -> str:
    """Make a new lake that has one token, called ``test``; the token."""
    if storage.kind() != "lake":
        return postgres_templates.copy_platform(path, "token", postgres_templates.add_token)
    template, token = _with_token()
    _copy(template, path)
    return token


def copy_with_version(path: Path) -> str:
    """Make a new lake with one token and the version ``drawings/first`` of 12 images; the token."""
    if storage.kind() != "lake":
        return postgres_templates.copy_platform(path, "version", _fill_database)
    template, token = _with_version()
    _copy(template, path)
    return token


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run some work to its end in an event loop of another thread, also where one is running here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _copy(template: Path, path: Path) -> None:
    shutil.copytree(template, path, dirs_exist_ok=True)


@cache
def _folder() -> TemporaryDirectory[str]:
    # Made when it is first used: processes that tests start and kill import this module too, and would leave it.
    return TemporaryDirectory(prefix="headrace-templates-")


@cache
def _empty() -> Path:
    path = Path(_folder().name, "empty")
    finished(Platform.create(path))
    return path


@cache
def _with_token() -> tuple[Path, str]:
    path = Path(_folder().name, "token")
    copy_empty(path)

    async def make() -> str:
        async with await Platform.open(path) as platform:
            token, _ = await create_token(platform.context, name="test")
        return token

    return path, finished(make())


@cache
def _with_version() -> tuple[Path, str]:
    path = Path(_folder().name, "version")
    token = copy_with_token(path)

    finished(_fill(headrace.connect(str(path))))
    return path, token


async def _fill_database(target: PostgresTarget, token: Path) -> None:
    await postgres_templates.add_token(target, token)
    await _fill(headrace.connect(target.dsn, objects=target.objects))


async def _fill(connection: Connection) -> None:
    images = Path(_folder().name, "images")
    draw_images(images, COUNT)
    async with connection as client:
        await client.push("drawings/first", images)
