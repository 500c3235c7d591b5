"""S3 is killed under two servers over PostgreSQL: they answer 503 meanwhile, and nothing that was stored or named is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import headrace
from tests.support.data.images import draw_images
from tests.support.lakes.shared_servers import RefusedError, Servers, served
from tests.support.postgres_server import fresh_database
from tests.support.s3_server import PrivateS3Server, private_s3_server

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateS3Server]:
    with private_s3_server() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
async def servers(s3: PrivateS3Server, tmp_path: Path) -> AsyncIterator[Servers]:
    with fresh_database("template0") as dsn:
        async with served(dsn, tmp_path, objects=s3.fresh_prefix()) as servers:
            yield servers


async def test_what_needs_s3_is_503_until_it_is_back(
    s3: PrivateS3Server, servers: Servers, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 3)
    async with headrace.connect(servers.addresses[0], api_token=servers.token) as client:
        await client.push("street/v1", tmp_path / "images")
    begin = await _beginning(servers)
    await asyncio.to_thread(s3.kill)
    for server in (0, 1):
        with pytest.raises(RefusedError) as caught:
            await servers.call("POST", server, **begin)
        assert (caught.value.status, caught.value.wait) == (503, "1")
        assert s3.secret not in caught.value.text
        status, checks = await servers.ready(server)
        assert (status, checks["lake"]["ok"]) == (503, False)
        # What needs the catalog alone is answered.
        assert await servers.names(server) == ["street"]
    written = await servers.written()
    await asyncio.to_thread(s3.start)
    for server in (0, 1):
        assert (await servers.call("POST", server, **begin))["upload_id"]
        status, _ = await servers.ready(server)
        assert status == 200
    assert {**await servers.written(), "audit": 0} == {**written, "audit": 0}
    async with headrace.connect(servers.addresses[1], api_token=servers.token) as client:
        version = await client.version("street/v1")
        await version.download(tmp_path / "again")
    names = {path.name for path in (tmp_path / "images").iterdir()}
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "images" / name).read_bytes()


async def test_a_push_waits_for_it_and_is_whole(
    s3: PrivateS3Server, servers: Servers, tmp_path: Path
) -> None:
    """The SDK repeats what S3 and the server refuse, as long as they ask it to."""
    images = draw_images(tmp_path / "images", 40)
    async with headrace.connect(servers.addresses[0], api_token=servers.token) as client:
        await client.push("street/v1", images[0])
        await asyncio.to_thread(s3.kill)
        push = asyncio.create_task(client.push("street/v1", tmp_path / "images"))
        await asyncio.sleep(1.0)
        assert not push.done()
        await asyncio.to_thread(s3.start)
        await push
        version = await client.version("street/v1")
        assets = await version.list_assets()
        assert sorted(asset.filename for asset in assets) == sorted(each.name for each in images)
        await version.download(tmp_path / "again")
    for each in images:
        assert (tmp_path / "again" / each.name).read_bytes() == each.read_bytes()


async def _beginning(servers: Servers) -> dict[str, Any]:
    """The request that begins an upload in parts, for which a server asks S3."""
    organization = f"/api/organization/{servers.organization}"
    connector = (await servers.call("GET", 0, f"{organization}/datalake"))["connector_id"]
    prepared = await servers.call(
        "POST",
        0,
        f"{organization}/connector/{connector}/prepare_uploads",
        json={"filenames": ["a.png"]},
    )
    body = {"object_name": prepared["items"][0]["object_name"], "content_type": "image/png"}
    return {"path": f"/api/object-storage/{connector}/init_multipart_upload", "json": body}
