"""A platform that is not headrace's, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import headrace
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import drawn_image
from tests.support.plain_platform import PlainPlatform, plain_platform


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
async def platform(state: Path) -> AsyncIterator[PlainPlatform]:
    async with plain_platform() as platform:
        yield platform


@pytest.fixture
async def client(platform: PlainPlatform) -> AsyncIterator[Client]:
    async with headrace.connect(platform.address, api_token=platform.token) as client:
        yield client


@pytest.fixture
async def version(client: Client, platform: PlainPlatform) -> DatasetVersion:
    """A version with 12 assets, ``image_0000.jpg`` and so on."""
    platform.store.add_version("drawings", "first", [drawn_image(index) for index in range(12)])
    return await client.version("drawings/first")
