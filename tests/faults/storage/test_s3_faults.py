"""S3 that is away, killed, silent or loses its answers, and a server before it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headrace.backend.connect import open_backend
from headrace.errors import HeadraceError, UnavailableError
from headrace.net.retry import RetryPolicy
from headrace.protocol.operations.datalake import FIND_DATALAKE, FindDatalake
from headrace.protocol.operations.storage import INIT_MULTIPART, InitMultipart
from headrace.protocol.operations.uploading import PREPARE_UPLOADS, PrepareUploads
from headrace.server.serve import serving
from headrace.storage.objects.s3.store import S3Objects
from headrace.testing.objects_conformance import BIG, NAME, read, stream
from tests.support.lakes.on_s3 import platform_on_s3
from tests.support.lakes.servers import new_lake
from tests.support.processes.waiting import until
from tests.support.s3_proxy import S3Proxy, s3_proxy
from tests.support.s3_server import (
    PrivateS3Server,
    fresh_prefix,
    private_s3_server,
    s3_server,
    start_s3_keeper,
)
from tools.servers.keeping import READY


@pytest.fixture
async def proxied() -> AsyncIterator[tuple[S3Proxy, S3Objects]]:
    with fresh_prefix() as url:
        async with s3_proxy(s3_server()) as proxy:
            store = await S3Objects.open(url.replace(s3_server().endpoint, proxy.address))
            yield proxy, store
            await store.aclose()


async def test_an_object_whose_answer_was_lost_is_stored_once(
    proxied: tuple[S3Proxy, S3Objects],
) -> None:
    """The request is repeated, and S3 refuses what is there already: by the first attempt."""
    proxy, store = proxied
    proxy.loses = lambda request: request.method == "PUT"
    info = await store.put(NAME, stream(b"content"))
    assert len(proxy.lost) == 1
    assert await read(store, NAME) == b"content"
    head = await store.head(NAME)
    assert head is not None
    assert head.sha256 == info.sha256


async def test_parts_are_joined_once_though_answers_are_lost(
    proxied: tuple[S3Proxy, S3Objects],
) -> None:
    proxy, store = proxied
    proxy.loses = lambda request: "uploadId" in request.query
    upload = await store.begin_parts(NAME)
    etag = await store.put_part(NAME, upload, 1, stream(BIG))
    info = await store.complete_parts(NAME, upload, [(1, etag)])
    assert info.size == len(BIG)
    assert len(proxy.lost) == 2
    assert await read(store, NAME) == BIG
    assert (await store.unfinished(1 << 50)).count == 0


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateS3Server]:
    with private_s3_server() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["the run", "the keeper"])
def test_the_server_of_a_test_run_ends_with_it(tmp_path: Path, victim: str) -> None:
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    keeper = start_s3_keeper(tmp_path, str(run.pid))
    server = json.loads((tmp_path / READY).read_text())["pid"]
    assert is_running(server)
    (run if victim == "the run" else keeper).kill()
    run.kill()
    run.communicate()
    asyncio.run(until(lambda: not is_running(server), 20))


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


async def read_when_back(store: S3Objects) -> bytes:
    """Read as soon as the server has found its files again: it answers some seconds before."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await read(store, NAME)
            except UnavailableError:
                await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_a_killed_s3_is_unavailable_until_it_is_back_and_has_lost_nothing(
    private: PrivateS3Server,
) -> None:
    store = await S3Objects.open(private.fresh_prefix())
    try:
        await store.put(NAME, stream(b"content"))
        private.kill()
        for step in (
            store.head(NAME),
            store.heads(["a/1", "a/2", "a/3", "a/4"]),
            read(store, NAME),
            store.put("a/b", stream(b"x")),
            store.begin_parts("a/b"),
            store.delete([NAME]),
            store.check_present(),
        ):
            with pytest.raises(UnavailableError, match=r"127\.0\.0\.1"):
                await step
        private.start()
        assert await read_when_back(store) == b"content"
        assert await store.head("a/b") is None
    finally:
        await store.aclose()


@pytest.mark.slow
async def test_a_server_answers_503_while_s3_is_away(
    private: PrivateS3Server, tmp_path: Path
) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    once = RetryPolicy(attempts=1)
    async with (
        platform_on_s3(lake, private.fresh_prefix()) as platform,
        serving(platform) as address,
    ):
        backend, _, organization = await open_backend(address, api_token=token)
        found = await backend.call(FIND_DATALAKE, FindDatalake(organization_id=organization.id))
        assert found.connector_id is not None
        names = PrepareUploads(
            organization_id=organization.id, connector_id=found.connector_id, filenames=["a.png"]
        )
        private.kill()
        # To sign a URL, S3 is not asked.
        (prepared,) = (await backend.call(PREPARE_UPLOADS, names)).items
        begin = InitMultipart(
            connector_id=found.connector_id,
            object_name=prepared.object_name,
            content_type="image/png",
        )
        with pytest.raises(UnavailableError) as raised:
            await backend.call(INIT_MULTIPART, begin, policy=once)
        assert raised.value.status == 503
        assert private.secret not in str(raised.value)
        private.start()
        assert (await backend.call(INIT_MULTIPART, begin)).upload_id
        await backend.aclose()


async def test_a_broken_upload_in_parts_leaves_nothing(
    proxied: tuple[S3Proxy, S3Objects],
) -> None:
    proxy, store = proxied
    proxy.lacks = lambda request: request.query.get("partNumber") == "2"
    large = [bytes([number]) * (1 << 20) for number in range(20)]
    with pytest.raises(HeadraceError):
        await store.put(NAME, stream(*large))
    assert await store.head(NAME) is None
    assert (await store.unfinished(1 << 50)).count == 0
    proxy.lacks = lambda request: False
    info = await store.put(NAME, stream(*large))
    assert info.size == 20 << 20
    assert await read(store, NAME) == b"".join(large)


@pytest.mark.slow
async def test_a_silent_s3_is_waited_for_once(
    private: PrivateS3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.storage.objects.s3.requests._SILENCE_SECONDS", 2.0)
    monkeypatch.setattr("headrace.storage.objects.s3.requests._RETRY_SECONDS", 1.0)
    store = await S3Objects.open(private.fresh_prefix())
    try:
        await store.put(NAME, stream(b"content"))
        private.pause()
        with pytest.raises(UnavailableError, match="silent"):
            await store.head(NAME)
        private.resume()
        assert await store.head(NAME) is not None
    finally:
        await store.aclose()
