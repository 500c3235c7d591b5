"""Where the token goes, and where it never goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from aiohttp import web

from headrace.backend.remote import RemoteBackend
from headrace.errors import (
    ConfigurationError,
    ConnectError,
    HeadraceError,
    TransferError,
    UnprocessableEntityError,
)
from headrace.net.retry import RetryPolicy, UnreachableError
from headrace.net.storage_session import StorageSession
from headrace.protocol.operations.datasets import (
    CREATE_DATASET,
    GET_DATASET,
    CreateDataset,
    DatasetId,
)
from headrace.protocol.operations.session import PING, Ping

TOKEN = "hr_canary_token"
ONCE = RetryPolicy(attempts=1)
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(answer: Answering) -> AsyncIterator[str]:
    server = web.Server(answer)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site.port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def backend(address: str, policy: RetryPolicy = ONCE) -> AsyncIterator[RemoteBackend]:
    found = RemoteBackend(address, TOKEN, policy=policy)
    try:
        yield found
    finally:
        await found.aclose()


async def test_a_call_carries_who_and_what() -> None:
    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response({"username": "u", "default_organization": None})

    async with listening(answer) as address, backend(address) as remote:
        await remote.call(PING, Ping())
    (headers,) = seen
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["User-Agent"].startswith("headrace/")
    assert headers["X-Headrace"] == "1"
    assert len(headers["X-Request-ID"]) == 32
    assert "X-Picsellia-Organization" not in headers


async def test_the_token_does_not_follow_redirects() -> None:
    reached: list[str] = []

    async def other(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.json_response({})

    async with listening(other) as elsewhere:

        async def answer(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(elsewhere + "/api/home/ping?secret=s3cret")

        async with listening(answer) as address, backend(address) as remote:
            with pytest.raises(ConfigurationError) as caught:
                await remote.call(PING, Ping())
    assert reached == []
    assert elsewhere in str(caught.value)
    assert "s3cret" not in str(caught.value)


WAYS = pytest.mark.parametrize("fast_path", [True, False], ids=["http1", "aiohttp"])


@WAYS
async def test_storage_follows_redirects_without_a_token(fast_path: bool) -> None:
    seen: list[dict[str, str]] = []
    asked: list[str] = []

    async def other(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        asked.append(request.raw_path)
        return web.Response(body=b"bytes")

    async with listening(other) as elsewhere:

        async def answer(request: web.Request) -> web.Response:
            seen.append(dict(request.headers))
            raise web.HTTPFound(elsewhere + "/there?signature=a%2Bb")

        storage = StorageSession(user_agent="headrace/test", fast_path=fast_path)
        async with listening(answer) as address:
            opened = await storage.get(address + "/here?x=%2F")
            assert b"".join([bytes(chunk) async for chunk in opened.chunks()]) == b"bytes"
            opened.close()
        await storage.aclose()
    assert len(seen) == 2
    assert asked == ["/there?signature=a%2Bb"]
    assert not any("Authorization" in headers or "Cookie" in headers for headers in seen)


@WAYS
async def test_redirects_in_circles_end(fast_path: bool) -> None:
    async def answer(request: web.Request) -> web.Response:
        raise web.HTTPFound("/again?signature=s3cret")

    storage = StorageSession(user_agent="headrace/test", fast_path=fast_path)
    async with listening(answer) as address:
        with pytest.raises(TransferError, match="in circles") as caught:
            await storage.get(address + "/start")
    await storage.aclose()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("target", ["ftp://host/x", "//", "http://[bad", "file:///etc/passwd"])
@WAYS
async def test_redirects_to_nowhere(target: str, fast_path: bool) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    storage = StorageSession(user_agent="headrace/test", fast_path=fast_path)
    async with listening(answer) as address:
        with pytest.raises(HeadraceError):
            await storage.get(address + "/start")
    await storage.aclose()


async def test_a_server_that_is_not_there_is_named() -> None:
    async with backend("http://127.0.0.1:1") as remote:
        with pytest.raises(
            UnreachableError, match=r"cannot reach http://127\.0\.0\.1:1: .*refused"
        ):
            await remote.call(PING, Ping())


async def test_answers_that_are_cut() -> None:
    """A call that may be repeated is; one that may have run ends in an error."""
    calls: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        calls.append(request.method)
        if calls.count(request.method) > 2:
            return web.json_response({"id": str(UUID(int=1)), "name": "n"})
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"id"')
        assert request.transport is not None
        request.transport.abort()
        return response

    policy = RetryPolicy(attempts=5, base=0.01)
    async with listening(answer) as address, backend(address, policy) as remote:
        record = await remote.call(GET_DATASET, DatasetId(dataset_id=UUID(int=1)))
        assert record.name == "n"
        with pytest.raises(ConnectError, match="broke the connection"):
            await remote.call(CREATE_DATASET, CreateDataset(organization_id=UUID(int=1), name="n"))
    assert calls == ["GET", "GET", "GET", "POST"]


async def test_errors_come_back_as_they_were_raised() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(
            {"message": "no", "detail": ["a"], "hint": "do", "request_id": "r"}, status=422
        )

    async with listening(answer) as address, backend(address) as remote:
        with pytest.raises(UnprocessableEntityError) as caught:
            await remote.call(PING, Ping())
    error = caught.value
    assert (error.message, error.detail, error.hint, error.request_id) == ("no", ["a"], "do", "r")


async def test_cancelling_a_call_leaves_no_task() -> None:
    asked = asyncio.Event()
    never = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        asked.set()
        await never.wait()
        return web.Response()

    async with listening(answer) as address, backend(address) as remote:
        call = asyncio.create_task(remote.call(PING, Ping()))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        never.set()


def test_nothing_shows_the_token() -> None:
    async def shown() -> str:
        async with backend("http://user:pass@host.test/prefix?x=1") as remote:
            return f"{remote!r} {remote.name} {remote.__dict__!r}"

    text = asyncio.run(shown())
    assert TOKEN not in text
    assert "pass" not in text
    assert "http://host.test" in text
