"""URLs as images: refused unasked; fetched with care for hosts that lie, lead inwards, or never end."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from headrace import NameFilter
from headrace.engine.upload.fetch import FetchOptions
from headrace.engine.upload.push import push
from headrace.engine.upload.push_batch import PushReport
from headrace.errors import PartialTransferError, RefusedUrlError
from headrace.model.enums import InferenceType
from headrace.net.public_hosts import PublicUrls, is_public
from headrace.net.retry import RetryPolicy
from headrace.sdk.client.client import Client

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OUTER, INNER = "127.0.0.1", "127.0.0.2"
"""Two addresses of this machine: in these tests the first stands for the internet, the second for a network inside."""


def png(width: int = 4, height: int = 3) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = b"".join(b"\0" + bytes(3 * width) for _ in range(min(height, 64)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


class Names(AbstractResolver):
    """Host names of these tests. ``rebinding.example`` is outside at the first look-up and inside afterwards."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        again = host in self.asked
        self.asked.append(host)
        inner = host == "inner.example" or (host == "rebinding.example" and again)
        addresses = [OUTER, INNER] if host == "both.example" else [INNER if inner else OUTER]
        return [
            ResolveResult(
                hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for each in addresses
        ]

    async def close(self) -> None:
        pass


class Host:
    """A server at all addresses of this machine, and the requests that it got."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.handlers: dict[str, Handler] = {}
        self.requests: list[web.Request] = []
        self.names = Names()

    def url(self, path: str, host: str = "outer.example") -> str:
        return f"http://{host}:{self.port}/{path}"

    def options(self, **more: int) -> FetchOptions:
        policy = PublicUrls(0, encrypted=False, allows=lambda address: address == OUTER)
        retries = RetryPolicy(attempts=2, base=0.01, cap=0.01)
        return FetchOptions(policy=policy, lookup=self.names, retries=retries, **more)


@asynccontextmanager
async def serving() -> AsyncIterator[Host]:
    async def answer(request: web.Request) -> web.StreamResponse:
        host.requests.append(request)
        handler = host.handlers.get(request.path.lstrip("/"))
        return web.Response(body=png()) if handler is None else await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 0)
    await site.start()
    host = Host(site._server.sockets[0].getsockname()[1])  # type: ignore[union-attr]
    try:
        yield host
    finally:
        await runner.cleanup()


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    async with serving() as made:
        yield made


async def pushed(
    client: Client,
    host: Host,
    *urls: str,
    state: Path | None = None,
    names: NameFilter | None = None,
    **more: int,
) -> PushReport:
    lake = await client.get_datalake()
    return await push(
        client.session.backend,
        client.session.organization.id,
        lake.record,
        "web",
        "v1",
        [],
        type=InferenceType.NOT_CONFIGURED,
        urls=urls,
        chosen=names,
        fetch=host.options(**more),
        state=state,
        on_error="skip",
    )


async def in_version(client: Client) -> list[str]:
    version = await client.version("web/v1")
    return sorted([asset.filename async for asset in version.list_assets()])


async def test_urls_are_refused_unless_asked_for(client: Client, tmp_path: Path) -> None:
    url = "http://files.example/a.png?sig=SECRET"
    for paths, names in (([url], None), ([tmp_path], [url])):
        with pytest.raises(RefusedUrlError, match="1 of the images are URLs") as raised:
            await client.push("web/v1", paths, names=names)
        assert "fetch_urls=True" in str(raised.value.hint)
        assert "SECRET" not in str(raised.value)
    assert [each.name async for each in client.list_datasets()] == []


async def test_images_are_fetched_once_each_and_named_apart(client: Client, host: Host) -> None:
    urls = [
        host.url("a.png?sig=1"),
        host.url("sub/a.png"),
        host.url("b%20c.png"),
        host.url("a.png?sig=1"),
    ]
    host.handlers["sub/a.png"] = lambda _: _respond(web.Response(body=png(5, 5)))
    report = await pushed(client, host, *urls)
    assert (report.files, report.assets, report.transfer.failed) == (3, 3, 0)
    names = await in_version(client)
    assert {"a.png", "b c.png"} < set(names)
    assert len(set(names)) == 3
    assert len(host.requests) == 3
    for request in host.requests:
        assert not {"Authorization", "Cookie", "X-Organization-Id"} & set(request.headers)


async def _respond(response: web.StreamResponse) -> web.StreamResponse:
    return response


async def test_a_list_of_names_may_hold_urls(client: Client, host: Host) -> None:
    names = NameFilter(
        names=[host.url("a.png"), host.url("b.png"), host.url("c.txt")], rules=[(False, "b.*")]
    )
    report = await pushed(client, host, names=names)
    assert await in_version(client) == ["a.png"]
    assert [failure.code for failure in report.transfer.failures] == ["refused-url"]
    assert names.note() is None


REFUSED = {
    "literal": "http://127.0.0.2:{port}/x.png",
    "name": "http://inner.example:{port}/x.png",
    "one of two": "http://both.example:{port}/x.png",
    "number": "http://2130706434:{port}/x.png",
    "short": "http://127.2:{port}/x.png",
    "mapped": "http://[::ffff:127.0.0.2]:{port}/x.png",
    "metadata": "http://169.254.169.254/x.png",
    "password": "http://me:SECRET@outer.example:{port}/x.png",
    "scheme": "ftp://outer.example/x.png",
    "file": "file:///etc/passwd.png",
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_url_that_leads_inwards_is_not_requested(
    client: Client, host: Host, kind: str
) -> None:
    report = await pushed(client, host, REFUSED[kind].format(port=host.port), host.url("good.png"))
    assert await in_version(client) == ["good.png"]
    (failure,) = report.transfer.failures
    assert "SECRET" not in f"{failure.name} {failure.message}"
    assert [request.path for request in host.requests] == ["/good.png"]


@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind != "password"])
async def test_a_redirect_that_leads_inwards_is_not_followed(
    client: Client, host: Host, kind: str
) -> None:
    to = REFUSED[kind].format(port=host.port)

    async def redirect(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": to})

    host.handlers["away.png"] = redirect
    report = await pushed(client, host, host.url("away.png?sig=SECRET"), host.url("good.png"))
    assert await in_version(client) == ["good.png"]
    (failure,) = report.transfer.failures
    assert failure.name == host.url("away.png")
    assert "SECRET" not in failure.message
    assert {request.path for request in host.requests} == {"/away.png", "/good.png"}


async def test_a_name_that_changes_its_address_is_refused_when_it_does(
    client: Client, host: Host
) -> None:
    host.names.asked.append("rebinding.example")  # it was outside when somebody looked before
    report = await pushed(
        client, host, host.url("x.png", "rebinding.example"), host.url("good.png")
    )
    assert await in_version(client) == ["good.png"]
    assert [failure.code for failure in report.transfer.failures] == ["refused-url"]


async def test_a_redirect_takes_no_password_along(client: Client, host: Host) -> None:
    async def redirect(_: web.Request) -> web.StreamResponse:
        to = host.url("b.png").replace("http://", "http://me:SECRET@")
        return web.Response(status=302, headers={"Location": to})

    host.handlers["a.png"] = redirect
    report = await pushed(client, host, host.url("a.png"))
    assert report.assets == 1
    assert all("Authorization" not in request.headers for request in host.requests)


async def test_a_body_without_end_and_one_that_is_too_long(client: Client, host: Host) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 50_000_000:
            await response.write(bytes(10_000))
            sent += 10_000
        return response

    host.handlers["endless.png"] = endless
    host.handlers["long.png"] = lambda _: _respond(web.Response(body=bytes(200_000)))
    urls = [host.url(name) for name in ("endless.png", "long.png", "good.png")]
    report = await pushed(client, host, *urls, max_bytes=100_000)
    assert await in_version(client) == ["good.png"]
    assert report.transfer.failed == 2
    for failure in report.transfer.failures:
        assert "more than 100,000 bytes" in failure.message
        assert "max_bytes=" in failure.message
    assert sent < 40_000_000


async def test_images_that_unfold_to_too_much(client: Client, host: Host) -> None:
    async def packed(_: web.Request) -> web.StreamResponse:
        body = zlib.compress(bytes(1_000_000))
        return web.Response(body=body, headers={"Content-Encoding": "deflate"})

    host.handlers["bomb.png"] = lambda _: _respond(web.Response(body=png(60_000, 60_000)))
    host.handlers["packed.png"] = packed
    urls = [host.url(name) for name in ("bomb.png", "packed.png", "good.png")]
    report = await pushed(client, host, *urls, max_bytes=100_000)
    assert await in_version(client) == ["good.png"]
    messages = {each.name.rpartition("/")[2]: each.message for each in report.transfer.failures}
    assert "60,000 x 60,000 pixels" in messages["bomb.png"]
    assert "max_pixels=" in messages["bomb.png"]
    assert "packed.png" in messages


async def test_what_is_no_image_and_what_is_not_there(client: Client, host: Host) -> None:
    host.handlers["page.png"] = lambda _: _respond(web.Response(text="<html>"))
    host.handlers["gone.png"] = lambda _: _respond(web.Response(status=404))
    host.handlers["empty.png"] = lambda _: _respond(web.Response())
    urls = [host.url(f"{name}.png?sig=SECRET") for name in ("page", "gone", "empty", "good")]
    report = await pushed(client, host, *urls)
    assert await in_version(client) == ["good.png"]
    assert report.transfer.failed == 3
    assert "SECRET" not in repr(report)


async def test_an_interrupted_fetch_is_continued_and_leaves_nothing(
    client: Client, host: Host, tmp_path: Path
) -> None:
    body = png() + bytes(3_000_000)
    half_sent = asyncio.Event()

    async def stops_halfway(request: web.Request) -> web.StreamResponse:
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        response = web.StreamResponse(status=206 if start else 200, headers={"ETag": '"one"'})
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        response.content_length = len(body) - start
        await response.prepare(request)
        if start:
            await response.write(body[start:])
            return response
        await response.write(body[:2_000_000])
        half_sent.set()
        await asyncio.Event().wait()
        return response

    host.handlers["big.png"] = stops_halfway
    host.handlers["late.png"] = lambda _: _respond(web.Response(status=404))
    urls = [host.url("good.png"), host.url("late.png"), host.url("big.png")]
    first = asyncio.create_task(pushed(client, host, *urls, state=tmp_path))
    await half_sent.wait()
    while not list(tmp_path.rglob("*.png")) or not any(  # noqa: ASYNC110  files of another task
        part.stat().st_size >= 1_000_000 for part in tmp_path.rglob("*.part")
    ):
        await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    had = len(host.requests)
    second = await pushed(client, host, *urls, state=tmp_path)
    assert second.transfer.failed == 1
    asked = {request.path: request.headers.get("Range") for request in host.requests[had:]}
    assert asked.keys() == {"/big.png", "/late.png"}
    assert asked["/big.png"] is not None
    assert await in_version(client) == ["big.png", "good.png"]

    had = len(host.requests)
    del host.handlers["late.png"]
    third = await pushed(client, host, *urls, state=tmp_path)
    assert (third.transfer.failed, third.assets, third.reused) == (0, 1, 2)
    assert [request.path for request in host.requests[had:]] == ["/late.png"]
    assert list((tmp_path / "fetches").iterdir()) == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("no address", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_by_default_this_machine_is_not_public(client: Client, host: Host) -> None:
    url = f"http://localhost:{host.port}/a.png"
    with pytest.raises(PartialTransferError, match="only this machine or its network can reach"):
        await client.push("web/v1", [url], fetch_urls=True)
    assert host.requests == []
