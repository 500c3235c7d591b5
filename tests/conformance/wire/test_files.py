"""Files by signed URL: ranges, expiry, tampering, forms, parts, and uploads that are cut."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiohttp
import pytest
import requests
from yarl import URL

from headrace.platform.accounts.signing_keys import SigningKey, signing_keys
from headrace.server.settings import ServerSettings
from headrace.server.signing import UrlSigner
from tests.support.lakes.servers import Running, running
from tests.support.processes.waiting import until

pytestmark = pytest.mark.folder_of_files(
    "the server sends and receives the files; test_files_on_s3.py has those on S3"
)

NAME = "data/0/pi cture ä+%2e.png"
CONTENT = bytes(range(256)) * 20
BIG = os.urandom(1024) * 3000
KIB = 1024


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    settings = ServerSettings(max_upload=40 * KIB * KIB)
    async with running(tmp_path / "lake", settings) as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def key(server: Running) -> SigningKey:
    return (await signing_keys(server.platform.context))[0]


async def signer(server: Running) -> UrlSigner:
    return UrlSigner(server.address, await key(server))


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def stored(server: Running, name: str) -> bytes | None:
    if await server.platform.context.objects.head(name) is None:
        return None
    return b"".join([chunk async for chunk in server.platform.context.objects.get(name)])


async def url_of(server: Running, content: bytes = CONTENT, name: str = NAME) -> str:
    await server.platform.context.objects.put(name, stream(content))
    return (await signer(server)).download(1, name)


async def get(
    http: aiohttp.ClientSession, url: str, method: str = "GET", **headers: str
) -> tuple[int, bytes, Mapping[str, str]]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.request(method, URL(url, encoded=True), headers=sent) as answer:
        return answer.status, await answer.read(), answer.headers


@pytest.mark.parametrize("content", [b"", CONTENT, BIG], ids=["empty", "small", "big"])
async def test_whole_files_come_with_a_length(
    server: Running, http: aiohttp.ClientSession, content: bytes
) -> None:
    url = await url_of(server, content)
    status, body, headers = await get(http, url)
    assert (status, body) == (200, content)
    assert headers["Content-Length"] == str(len(content))
    status, body, head = await get(http, url, "HEAD")
    assert (status, body, head["Content-Length"]) == (200, b"", str(len(content)))
    assert head["ETag"] == headers["ETag"]
    status, body, _ = await get(http, url, If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10-", 10, None),
        ("bytes=-7", -7, None),
        ("bytes=0-999999999", 0, None),
        ("bytes=-999999999", 0, None),
    ],
)
@pytest.mark.parametrize("content", [CONTENT, BIG], ids=["small", "big"])
async def test_ranges(
    server: Running,
    http: aiohttp.ClientSession,
    content: bytes,
    asked: str,
    start: int,
    end: int | None,
) -> None:
    status, body, headers = await get(http, await url_of(server, content), Range=asked)
    wanted = content[start:end]
    first = start % len(content)
    assert (status, body) == (206, wanted)
    assert headers["Content-Range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(content)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=5-3", "chars=0-1", "bytes=-", "bytes=x-y"]
)
async def test_ranges_that_mean_the_whole_file(
    server: Running, http: aiohttp.ClientSession, asked: str
) -> None:
    status, body, _ = await get(http, await url_of(server), Range=asked)
    assert (status, body) == (200, CONTENT)


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=-0"])
async def test_ranges_outside(server: Running, http: aiohttp.ClientSession, asked: str) -> None:
    status, _, headers = await get(http, await url_of(server), Range=asked)
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}")


async def test_a_range_of_a_file_that_was_replaced_is_the_whole_new_file(
    server: Running, http: aiohttp.ClientSession
) -> None:
    url = await url_of(server)
    _, _, headers = await get(http, url)
    ranged = {"Range": "bytes=4-7", "If_Range": headers["ETag"]}
    assert (await get(http, url, **ranged))[:2] == (206, CONTENT[4:8])
    await server.platform.context.objects.put(NAME, stream(BIG))
    assert (await get(http, url, **ranged))[:2] == (200, BIG)
    # A date says too little about which content is meant.
    dated = {"Range": "bytes=4-7", "If_Range": format_datetime(datetime.now(UTC), usegmt=True)}
    assert (await get(http, url, **dated))[:2] == (200, BIG)


async def test_files_cannot_act_as_pages(server: Running, http: aiohttp.ClientSession) -> None:
    _, _, headers = await get(http, await url_of(server, name='x/a"\r\n;.html'.replace("\r\n", "")))
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%22%3B.html"
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


async def test_expired(server: Running, http: aiohttp.ClientSession) -> None:
    await url_of(server)
    old = UrlSigner(server.address, await key(server), life=60, clock=lambda: 1_000_000.0)
    status, body, _ = await get(http, old.download(1, NAME))
    assert status == 403
    assert b"expired" in body


@pytest.mark.parametrize("changed", ["organization", "expires", "key", "signature", "upload_id"])
async def test_tampered(server: Running, http: aiohttp.ClientSession, changed: str) -> None:
    parts = urlsplit(await url_of(server))
    query = dict(parse_qsl(parts.query))
    for value in ("", "9999999999", "x" * 43, "ä"):
        url = urlunsplit(parts._replace(query=urlencode(query | {changed: value})))
        assert (await get(http, url))[0] == (200 if (changed, value) == ("upload_id", "") else 403)
    query.pop(changed, None)
    if changed != "upload_id":
        assert (await get(http, urlunsplit(parts._replace(query=urlencode(query)))))[0] == 403


@pytest.mark.parametrize("changed", ["signature", "upload_id", "path"])
async def test_bytes_that_are_no_text(server: Running, changed: str) -> None:
    parts = urlsplit(await url_of(server))
    path, query = parts.path.encode(), parts.query.encode()
    if changed == "path":
        path += b"\xb6"
    else:
        query = query.replace(b"signature=", b"upload_id=\xb6&signature=") + b"\xb6"
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET %b?%b HTTP/1.1\r\nHost: h\r\n\r\n" % (path, query))
    assert (await reader.readline()).split()[1] in (b"400", b"403")
    writer.close()


async def test_a_url_is_good_for_one_object_and_one_method(
    server: Running, http: aiohttp.ClientSession
) -> None:
    url = await url_of(server)
    await server.platform.context.objects.put("data/0/other.png", stream(b"other"))
    parts = urlsplit(url)
    other = urlunsplit(parts._replace(path="/files/data/0/other.png"))
    assert (await get(http, other))[0] == 403
    assert (await get(http, url, "PUT"))[0] == 403
    assert (await get(http, url, "POST"))[0] == 403
    upload, _ = (await signer(server)).upload(1, NAME, "image/png")
    assert (await get(http, upload))[0] == 403
    assert await stored(server, NAME) == CONTENT


async def test_a_missing_object_is_404(server: Running, http: aiohttp.ClientSession) -> None:
    status, body, _ = await get(http, (await signer(server)).download(1, "data/0/none.png"))
    assert status == 404
    assert b"none.png" in body


@pytest.mark.parametrize("content", [b"", b"x", BIG], ids=["empty", "tiny", "big"])
async def test_forms(server: Running, content: bytes) -> None:
    url, fields = (await signer(server)).upload(1, NAME, "image/png")

    def send() -> int:
        data = {**fields, "Content-Type": "image/png"}
        return requests.post(
            url, data=data, files={"file": (NAME, content)}, timeout=20
        ).status_code

    assert await asyncio.to_thread(send) == 204
    assert await stored(server, NAME) == content


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"no form at all",
        b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ncut short',
        b'--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n'
        + b"x" * 100_000
        + b"\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="k"\r\n\r\nx\r\n' * 40 + b"--b--\r\n",
    ],
)
async def test_damaged_forms_store_nothing(
    server: Running, http: aiohttp.ClientSession, body: bytes
) -> None:
    url, _ = (await signer(server)).upload(1, NAME, "image/png")
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with http.post(URL(url, encoded=True), data=body, headers=headers) as answer:
        assert answer.status == 400
        assert "form" in (await answer.json())["message"]
    assert await stored(server, NAME) is None


async def test_an_upload_that_is_too_large_is_refused_and_gone(server: Running) -> None:
    url, fields = (await signer(server)).upload(1, NAME, "image/png")

    def blocks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        for _ in range(50):
            yield bytes(KIB * KIB)

    def send() -> int:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        try:
            return requests.post(url, data=blocks(), headers=headers, timeout=20).status_code
        except requests.ConnectionError:
            return 413  # the server may hang up on the rest

    assert await asyncio.to_thread(send) == 413
    assert await stored(server, NAME) is None
    assert fields


def promise(content: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"Content-Digest": f"sha-256=:{digest}:"}


async def test_bare_bytes_are_stored_as_they_were_promised(
    server: Running, http: aiohttp.ClientSession
) -> None:
    url = URL((await signer(server)).put(1, NAME), encoded=True)
    async with http.put(url, data=b"other", headers=promise(CONTENT)) as answer:
        assert answer.status == 400
    assert await stored(server, NAME) is None
    async with http.put(url, data=CONTENT, headers=promise(CONTENT)) as answer:
        assert answer.status == 204
        assert answer.headers["Repr-Digest"] == promise(CONTENT)["Content-Digest"]
    assert await stored(server, NAME) == CONTENT
    for method in ("GET", "POST"):
        async with http.request(method, url, data=b"x") as answer:
            assert answer.status == 403
    tampered = URL(str(url).replace("signature=", "signature=0"), encoded=True)
    async with http.put(tampered, data=b"x") as answer:
        assert answer.status == 403
    assert await stored(server, NAME) == CONTENT


async def test_bare_bytes_that_are_too_many_are_refused(
    server: Running, http: aiohttp.ClientSession
) -> None:
    url = URL((await signer(server)).put(1, NAME), encoded=True)
    with contextlib.suppress(aiohttp.ClientError):  # the server may hang up on the rest
        async with http.put(url, data=io.BytesIO(bytes(41 * KIB * KIB))) as answer:
            assert answer.status == 413
    assert await stored(server, NAME) is None


@pytest.mark.one_platform("the connection to the server itself is cut")
@pytest.mark.parametrize("kind", ["form", "part", "bare"])
async def test_a_killed_upload_leaves_nothing(server: Running, kind: str, tmp_path: Path) -> None:
    urls = await signer(server)
    upload_id = await server.platform.context.objects.begin_parts(NAME)
    if kind == "form":
        url, method = urls.upload(1, NAME, "image/png")[0], "POST"
    elif kind == "bare":
        url, method = urls.put(1, NAME), "PUT"
    else:
        url, method = urls.upload_part(1, NAME, upload_id, 1), "PUT"
    before = files_in(tmp_path)
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        f'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
    )
    for _ in range(5):
        writer.write(bytes(KIB * KIB))
        await writer.drain()
    await until(lambda: files_in(tmp_path) != before)
    writer.transport.abort()
    await until(lambda: files_in(tmp_path) == before)
    assert await stored(server, NAME) is None


def files_in(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if path.is_file() and "objects" in str(path)}


async def test_parts_also_an_empty_last_one(server: Running, http: aiohttp.ClientSession) -> None:
    urls = await signer(server)
    upload_id = await server.platform.context.objects.begin_parts(NAME)
    etags = []
    pieces = [os.urandom(300_000), os.urandom(300_000), b""]
    for number, piece in enumerate(pieces, 1):
        url = URL(urls.upload_part(1, NAME, upload_id, number), encoded=True)
        for content in (b"a first try that is replaced", piece):
            async with http.put(url, data=content) as answer:
                assert answer.status == 200
                etag = answer.headers["ETag"]
        etags.append((number, etag))
    await server.platform.context.objects.complete_parts(NAME, upload_id, etags)
    assert await stored(server, NAME) == b"".join(pieces)


async def test_a_part_of_no_upload(server: Running, http: aiohttp.ClientSession) -> None:
    url = (await signer(server)).upload_part(1, NAME, "0" * 32, 1)
    assert (await get(http, url, "PUT"))[0] == 404
