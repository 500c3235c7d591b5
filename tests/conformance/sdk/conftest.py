"""A client over each of the two doors, and a version with some assets behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.doors import DOORS, Door, open_door
from tests.support.drawn import draw_images

COUNT = 12


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(door: Door) -> AsyncIterator[Client]:
    async with door.connect() as opened:
        yield opened


@pytest.fixture
async def version(client: Client, tmp_path: Path) -> DatasetVersion:
    """A version with 12 assets, ``image_0000.jpg`` and so on."""
    draw_images(tmp_path / "images", COUNT)
    await client.push("drawings/first", tmp_path / "images")
    return await client.version("drawings/first")
