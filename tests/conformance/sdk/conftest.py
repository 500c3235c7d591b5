"""A client over each of the doors, and a version with some assets behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images
from tests.support.lakes.doors import ALL_DOORS, Door, open_door
from tests.support.lakes.templates import COUNT


@pytest.fixture(params=ALL_DOORS)
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Door]:
    filled = "version" in request.fixturenames
    async with open_door(request.param, tmp_path, with_version=filled) as opened:
        yield opened


@pytest.fixture
async def client(door: Door) -> AsyncIterator[Client]:
    async with door.connect() as opened:
        yield opened


@pytest.fixture
async def version(client: Client, tmp_path: Path) -> DatasetVersion:
    """A version with 12 assets, ``image_0000.jpg`` and so on."""
    draw_images(tmp_path / "images", COUNT)
    return await client.version("drawings/first")
