"""A fresh lake for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.lakes.lake import Lake, add_organization, opened_lake


@pytest.fixture
async def lake(tmp_path: Path) -> AsyncIterator[Lake]:
    async with opened_lake(tmp_path / "lake") as opened:
        yield opened


@pytest.fixture
async def stranger(lake: Lake) -> Lake:
    """The same lake as another organization sees it."""
    return await add_organization(lake)
