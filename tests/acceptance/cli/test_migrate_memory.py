"""A migration holds as much memory for many rows as for few."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.cli.test_cli_memory import peak
from tests.support.lakes.many_rows import make_many_rows
from tests.support.postgres_server import fresh_database

ASSETS = 150_000
MOST_MORE = 48 * 1024
"""KiB that many rows may take more than none."""


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for assets in (0, ASSETS):
        place = tmp_path / str(assets)
        place.mkdir()
        await make_many_rows(place / "lake", place / "images", assets)
        with fresh_database("template0") as dsn:
            user, password = dsn.partition("//")[2].partition("@")[0].split(":")
            monkeypatch.setenv("PGPASSWORD", password)
            address = dsn.replace(f"{user}:{password}@", f"{user}@")
            files = place / "files"
            there = peak("migrate", place / "lake", address, "--objects", files)
            back = peak("migrate", address, place / "back", "--objects", files)
        found.append((there, back))
    (there, back), (many_there, many_back) = found
    assert many_there - there < MOST_MORE
    assert many_back - back < MOST_MORE
