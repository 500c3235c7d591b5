"""A lake in a temporary folder, with data in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.lakes.stocked_lake import Filled, Stocked, stocked


@pytest.fixture
async def lake(tmp_path: Path) -> AsyncIterator[Stocked]:
    async with stocked(tmp_path / "lake") as opened:
        yield opened


@pytest.fixture
async def filled(lake: Stocked) -> Filled:
    return await lake.filled(5)
