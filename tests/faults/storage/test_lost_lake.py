"""A lake that is deleted, moved or replaced while it is open: every call says so, and nothing is written any more."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

import headrace
from headrace.errors import LakeLostError
from headrace.platform.platform import Platform
from tests.support.data.images import draw_images
from tests.support.lakes.templates import copy_empty
from tests.support.lakes.uploads import Uploader, uploader
from tests.support.processes.waiting import until

Lose = Callable[[Path], None]


def delete(lake: Path) -> None:
    shutil.rmtree(lake)


def move(lake: Path) -> None:
    lake.rename(lake.with_name("elsewhere"))


def replace(lake: Path) -> None:
    move(lake)
    copy_empty(lake)


def delete_database(lake: Path) -> None:
    (lake / "headrace.db").unlink()


def delete_log(lake: Path) -> None:
    (lake / "headrace.db-wal").unlink()


LOSSES = pytest.mark.parametrize("lose", [delete, move, replace, delete_database, delete_log])


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        # What SQLite notes about readers changes also where nothing is written.
        if path.is_file() and not path.name.startswith("headrace.db-")
    }


async def is_lost(call: Callable[[], Awaitable[object]]) -> bool:
    try:
        await call()
    except LakeLostError:
        return True
    return False


@LOSSES
async def test_in_process_every_call_says_so(tmp_path: Path, lose: Lose) -> None:
    lake, images = tmp_path / "lake", draw_images(tmp_path / "images", 3)
    copy_empty(lake)
    async with headrace.connect(lake) as client:
        await client.push("street/v1", tmp_path / "images")
        version = await client.version("street/v1")
        lose(lake)
        found = content(lake) if lake.exists() else None
        # The very first change is refused, the reads within a quarter of a second.
        with pytest.raises(LakeLostError, match="while it was open"):
            await version.create_label("car")
        await until(lambda: is_lost(version.list_labels))
        with pytest.raises(LakeLostError):
            await version.list_assets()
        with pytest.raises(headrace.HeadraceError):
            await client.push("street/v1", draw_images(tmp_path / "more", 4)[-1].parent)
        assert (content(lake) if lake.exists() else None) == found
    assert len(images) == 3


async def test_a_lake_that_is_put_back_works_again(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    copy_empty(lake)
    async with headrace.connect(lake) as client:
        dataset = await client.create_dataset("street")
        version = await dataset.create_version("v1")
        await version.create_label("car")
        move(lake)
        with pytest.raises(LakeLostError, match="deleted or moved"):
            await version.create_label("bus")
        (tmp_path / "elsewhere").rename(lake)
        await version.create_label("bicycle")
        labels = {label.name for label in await version.list_labels()}
    assert labels == {"car", "bicycle"}


async def test_a_loss_in_the_middle_of_a_change_takes_it_back(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    copy_empty(lake)
    async with await Platform.open(lake) as platform:
        database, sources = platform.context.database, {"organization": 1, "created": 1}
        with pytest.raises(LakeLostError):
            async with database.transaction() as tx:
                await tx.fetch_one("datalake.add_source", name="a", **sources)
                move(lake)
        (tmp_path / "elsewhere").rename(lake)
        async with database.transaction() as tx:
            await tx.fetch_one("datalake.add_source", name="b", **sources)
        async with database.transaction() as tx:
            assert await tx.fetch_one("datalake.source_by_name", organization=1, name="a") is None
            assert await tx.fetch_one("datalake.source_by_name", organization=1, name="b")


async def answer(
    client: Uploader, method: str, path: str, **body: object
) -> tuple[int, dict[str, object]]:
    request = client.http.request(
        method, client.server.address + path, headers=client.server.headers, json=body or None
    )
    async with request as found:
        return found.status, await found.json()


async def status_of(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(URL(url, encoded=True)) as found:
        return found.status


@LOSSES
async def test_a_server_answers_503(tmp_path: Path, lose: Lose) -> None:
    lake = tmp_path / "lake"
    async with uploader(lake) as client:
        name, url = await client.new_name()
        assert await client.put(url, b"content") == 204
        data = await client.register(name)
        assert data.presigned_url is not None
        _, spare = await client.new_name()
        create = f"/api/organization/{client.organization}/datasources"
        assert (await answer(client, "GET", "/readyz"))[0] == 200
        lose(lake)
        found = content(lake) if lake.exists() else None
        status, body = await answer(client, "POST", create, name="a")
        assert (status, "deleted, moved or replaced" in str(body["message"])) == (503, True)
        await until(lambda: refused(client))
        status, body = await answer(client, "GET", "/readyz")
        assert (status, body["status"]) == (503, "failing")
        assert body["checks"]["lake"] == {"ok": False, "error": "lake-lost"}  # type: ignore[index]
        assert str(lake) not in str(body)
        assert (await answer(client, "GET", "/healthz"))[0] == 200
        if lose in (delete, move, replace):
            assert await client.put(spare, b"more") == 503
            assert await status_of(client.http, data.presigned_url) == 503
        assert (content(lake) if lake.exists() else None) == found


async def refused(client: Uploader) -> bool:
    return (await answer(client, "GET", "/api/home/ping"))[0] == 503


async def test_no_note_is_left_in_a_lake_that_has_taken_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process notes now and then that it has the lake open; the same folder, put back, has its note."""
    monkeypatch.setattr("headrace.platform.care.held.BEAT_SECONDS", 0.02)
    lake = tmp_path / "lake"
    copy_empty(lake)
    async with await Platform.open(lake) as platform:
        replace(lake)
        await asyncio.sleep(0.5)
        assert not (lake / ".holders").exists()
        with pytest.raises(LakeLostError):
            await platform.context.database.check_present()
        shutil.rmtree(lake)
        (tmp_path / "elsewhere").rename(lake)
        (note,) = (lake / ".holders").iterdir()
        note.unlink()
        await until(note.exists)
