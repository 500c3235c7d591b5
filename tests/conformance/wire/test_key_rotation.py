"""A new key for file URLs: running servers use it at once, older URLs live to their end and no longer, or end at once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

import headrace
from headrace.errors import LakeError
from headrace.platform.accounts.signing_keys import rotate_signing_key, signing_keys
from headrace.platform.platform import Platform
from headrace.sdk.client.client import Client
from headrace.server import key_ring
from headrace.server.serve import serving
from headrace.server.settings import ServerSettings
from headrace.server.signing import UrlSigner
from tests.support.lakes.servers import Running
from tests.support.lakes.templates import copy_with_version

pytestmark = pytest.mark.folder_of_files("a store on S3 signs with the key of its account")

TTL = 120


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server with a version; it reads its keys again only where it must."""
    token = copy_with_version(tmp_path / "lake")
    async with (
        await Platform.open(tmp_path / "lake") as platform,
        serving(platform, settings=ServerSettings(url_ttl=TTL)) as address,
    ):
        yield Running(address, token, platform)


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with headrace.connect(server.address, api_token=server.token) as opened:
        yield opened


async def url_of(client: Client) -> str:
    """A URL of a file, as the server signs it now."""
    (data,) = await (await client.get_datalake()).list_data(limit=1)
    assert data.record.presigned_url is not None
    return data.record.presigned_url


def key_of(url: str) -> int:
    return int(parse_qs(urlsplit(url).query)["key"][0])


async def status(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def rotate(server: Running, *, drop_old: bool = False) -> None:
    """Rotate as the command does, in another opening of the lake."""
    async with await Platform.open(server.platform.context.path) as platform:
        await rotate_signing_key(platform.context, drop_old=drop_old)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server reads its keys whenever it needs one."""
    monkeypatch.setattr(key_ring, "REFRESH_SECONDS", -1.0)


@pytest.mark.usefixtures("at_once")
async def test_a_running_server_signs_with_the_new_key(server: Running, client: Client) -> None:
    old = await url_of(client)
    await rotate(server)
    new = await url_of(client)
    assert (key_of(old), key_of(new)) == (1, 2)
    assert (await status(old), await status(new)) == (200, 200)


async def test_a_process_that_has_not_heard_accepts_what_another_signed(
    server: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "REFRESH_SECONDS", 3600.0)
    old = await url_of(client)
    await rotate(server)
    assert key_of(await url_of(client)) == 1
    newest = (await signing_keys(server.platform.context))[0]
    name = urlsplit(old).path.removeprefix("/files/")
    assert await status(UrlSigner(server.address, newest, life=TTL).download(1, name)) == 200


@pytest.mark.usefixtures("at_once")
async def test_a_replaced_key_cannot_make_urls_that_live_longer(
    server: Running, client: Client
) -> None:
    """Whoever stole the key signs URLs for years: they end when the last honest one does."""
    old = await url_of(client)
    (stolen,) = await signing_keys(server.platform.context)
    name = urlsplit(old).path.removeprefix("/files/")
    forged = UrlSigner(server.address, stolen, life=10 * 365 * 86_400).download(1, name)
    assert await status(forged) == 200
    await rotate(server)
    assert await status(old) == 200
    assert await status(forged) == 403
    # Also those that begin later and are short.
    late = UrlSigner(server.address, stolen, life=TTL, clock=lambda: time.time() + 2 * TTL)
    assert await status(late.download(1, name)) == 403


@pytest.mark.usefixtures("at_once")
async def test_after_a_leak_older_urls_end_at_once_and_clients_go_on(
    server: Running, client: Client, tmp_path: Path
) -> None:
    old = await url_of(client)
    version = await client.version("drawings/first")
    assets = await version.list_assets()
    await rotate(server, drop_old=True)
    assert await status(old) == 403
    assert await status(await url_of(client)) == 200
    # The handles hold URLs of the old key.
    await assets.download(tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.*"))) >= len(assets)
    keys = await signing_keys(server.platform.context)
    assert [key.no for key in keys] == [2]


async def test_a_dry_run_changes_nothing(server: Running) -> None:
    context = server.platform.context
    before = await signing_keys(context)
    assert await rotate_signing_key(context, drop_old=True, dry_run=True) == (before[0], 1)
    assert await signing_keys(context) == before


async def test_a_lake_without_a_key_is_not_served(server: Running) -> None:
    async with server.platform.context.database.transaction() as tx:
        await tx.execute("accounts.retire_signing_keys", now=1)
        await tx.execute("accounts.drop_signing_keys", before=2)
    with pytest.raises(LakeError, match="rotate-key"):
        async with serving(server.platform):
            pass
