"""Nobody comes in without a good token, and no body is read before that is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import pytest

from headrace.protocol.operations import OPERATIONS
from headrace.server.settings import ServerSettings
from tests.support.lakes.servers import Running, running

ANY_ID = "0197c4a0-0000-7000-8000-000000000001"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    # Tests here send many wrong tokens; those of test_token_guesses.py are slowed down.
    async with running(tmp_path / "lake", ServerSettings(failed_tokens=10_000)) as found:
        yield found


def path_of(name: str) -> str:
    operation = OPERATIONS[name]
    return operation.path.format_map(dict.fromkeys(operation.path_fields, ANY_ID))


async def test_every_route_asks_for_a_token(server: Running) -> None:
    async with aiohttp.ClientSession() as session:
        for name, operation in OPERATIONS.items():
            for headers in ({}, {"Authorization": "Bearer hr_wrong"}, {"Authorization": "Basic x"}):
                async with session.request(
                    operation.method, server.address + path_of(name), headers=headers, data=b"{}"
                ) as answer:
                    said = await answer.json()
                    assert answer.status == 401, name
                    assert set(said) >= {"message", "detail", "request_id"}
                    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
@pytest.mark.parametrize("token", ["", "Authorization: Bearer hr_wrong\r\n"])
async def test_a_refused_body_is_not_read(server: Running, token: str, expect: str) -> None:
    """The answer comes although not one byte of the promised body was sent."""
    for operation in OPERATIONS.values():
        if not operation.body_fields:
            continue
        answer = await first_line(
            server.address,
            f"{operation.method} {path_of(operation.name)} HTTP/1.1\r\nHost: h\r\n{token}{expect}"
            f"Content-Type: application/json\r\nContent-Length: 50000000\r\n\r\n",
        )
        assert answer.startswith("HTTP/1.1 401 "), operation.name


async def test_a_body_that_is_too_large_is_not_read(server: Running) -> None:
    answer = await first_line(
        server.address,
        f"POST {path_of('create_dataset')} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Length: 999999999999\r\n\r\n",
    )
    assert answer.startswith("HTTP/1.1 413 ")


@pytest.mark.folder_of_files("URLs on S3 have the host of S3")
@pytest.mark.parametrize(
    ("host", "status"),
    [("lake.example:8430", 200), ("[::1]:8430", 200), ("", 400), ("a b", 400), ("x/y@z", 400)],
)
async def test_file_urls_begin_with_the_host_that_was_reached(
    server: Running, host: str, status: int
) -> None:
    answer = await first_line(
        server.address,
        f"GET /api/home/ping HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {server.token}\r\n\r\n",
    )
    assert answer.startswith(f"HTTP/1.1 {status} ")


async def first_line(address: str, sent: str) -> str:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(sent.encode())
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    return line.decode()


@pytest.mark.parametrize("organization", [str(UUID(int=0)), ANY_ID, "acme"])
async def test_another_organization_is_refused(server: Running, organization: str) -> None:
    headers = {**server.headers, "X-Picsellia-Organization": organization}
    async with aiohttp.ClientSession(headers=headers) as session:
        for name, operation in OPERATIONS.items():
            async with session.request(
                operation.method, server.address + path_of(name), data=b"{}"
            ) as answer:
                assert answer.status in (403, 404), name
                assert "message" in await answer.json()


async def test_failures_are_json_objects_with_the_id_of_the_request(server: Running) -> None:
    async with aiohttp.ClientSession(headers=server.headers) as session:

        async def ask(method: str, path: str, **more: object) -> tuple[int, dict[str, object]]:
            async with session.request(
                method, server.address + path, headers={"X-Request-ID": "mine-1"}, **more
            ) as answer:
                assert answer.headers["X-Request-ID"] == "mine-1"
                return answer.status, await answer.json()

        assert (await ask("GET", "/nowhere"))[0] == 404
        assert (await ask("PUT", "/api/home/ping"))[0] == 405
        status, said = await ask("POST", path_of("create_dataset"), data=b"{")
        assert status == 400
        assert "create_dataset" in str(said["message"])
        status, said = await ask("GET", "/api/organization/x")
        assert status == 400
        assert said["request_id"] == "mine-1"


async def test_a_crash_shows_no_trace(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(server.platform, "call", crash)
    async with (
        aiohttp.ClientSession(headers=server.headers) as session,
        session.get(server.address + "/api/home/ping") as answer,
    ):
        text = await answer.text()
        assert answer.status == 500
        assert answer.headers["X-Request-ID"] in text
        assert "secret" not in text
    # The log has it, under the same id.
    assert "secret detail" in caplog.text
    assert answer.headers["X-Request-ID"] in caplog.text


async def test_hostile_request_ids_are_replaced(server: Running) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.address + "/healthz", headers={"X-Request-ID": "a b" * 99}) as answer,
    ):
        assert len(answer.headers["X-Request-ID"]) == 32


async def test_health(server: Running) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/healthz", "/readyz"):
            async with session.get(server.address + path) as answer:
                assert (answer.status, (await answer.json())["status"]) == (200, "ok")
