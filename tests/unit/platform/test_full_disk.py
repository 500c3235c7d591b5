"""A disk that is full: what could not be made leaves nothing, and a server says so in one line for each call."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from headrace.errors import DiskFullError, StorageError
from headrace.platform.platform import Platform
from headrace.storage.database.sqlite import catalog_file
from tests.support.lakes.servers import running

pytestmark = pytest.mark.sqlite_only("fills the disk of a lake")


@pytest.mark.parametrize("where", ["lake", "deep/er/lake"])
async def test_a_lake_that_cannot_be_made_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: Any) -> None:
        raise DiskFullError("the disk is full")

    monkeypatch.setattr(catalog_file, "create_file", full)
    monkeypatch.setattr(
        "headrace.storage.database.sqlite.database.create_file", full, raising=False
    )
    with pytest.raises(StorageError):
        await Platform.create(tmp_path / where)
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lake").mkdir()
    real = os.open

    def full(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if str(path).startswith(str(tmp_path)) and flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StorageError):
        await Platform.create(tmp_path / "lake")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
    assert list((tmp_path / "lake").iterdir()) == []


async def test_calls_are_507_and_the_log_has_a_line_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise DiskFullError(f"no space left for {tmp_path}", hint="free space")

    async with running(tmp_path / "lake") as server:
        monkeypatch.setattr(server.platform, "call", full)
        async with aiohttp.ClientSession(headers=server.headers) as session:
            for _ in range(5):
                async with session.get(f"{server.address}/api/home/ping") as answer:
                    assert answer.status == 507
                    found = await answer.json()
                    assert found["message"] == "the server's disk is full"
                    assert str(tmp_path) not in str(found)
    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(lines) == 5
    assert not any(record.exc_info for record in lines)
