"""Bodies: caps, packing, and what clients other than headrace's own are told."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import random
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from headrace.backend.base import Backend
from headrace.backend.connect import open_backend
from headrace.backend.remote import RemoteBackend
from headrace.backend.upload.multipart import PART_BYTES
from headrace.errors import BadRequestError, NotFoundError, PermissionDeniedError
from headrace.model.enums import DataType, ObjectDataType
from headrace.model.records import DataRecord, Meta
from headrace.platform.accounts.signing_keys import signing_keys
from headrace.protocol.operations import OPERATIONS
from headrace.protocol.operations.annotations import (
    ImportItem,
    PolygonIn,
    RectangleIn,
)
from headrace.server import api
from headrace.server.limits import bodies
from headrace.server.settings import ServerSettings
from headrace.server.signing import UrlSigner
from tests.support.lakes.sending import send_file
from tests.support.lakes.servers import Running, running

CONTENT = b"the content" * 1000
CAP = 2_000_000
MIB = 1024 * 1024


def session_of(server: Running) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers=server.headers)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "lake", ServerSettings(max_body=CAP)) as found:
        yield found


@pytest.fixture
async def backend(server: Running) -> AsyncIterator[RemoteBackend]:
    found, _, _ = await open_backend(server.address, api_token=server.token)
    assert isinstance(found, RemoteBackend)
    yield found
    await found.aclose()


async def ask(backend: Backend, name: str, /, **values: Any) -> Any:
    operation = OPERATIONS[name]
    return await backend.call(operation, operation.request(**values))


async def data_of(backend: Backend, folder: Path) -> DataRecord:
    ping = await ask(backend, "ping")
    lake = await ask(backend, "find_datalake", organization_id=ping.default_organization)
    named = await ask(
        backend,
        "generate_object_name",
        organization_id=ping.default_organization,
        connector_id=lake.connector_id,
        filename="a.png",
        type=ObjectDataType.DATA,
    )
    path = folder / "a.png"
    path.write_bytes(CONTENT)
    await send_file(
        backend,
        path,
        connector_id=lake.connector_id,
        object_name=named.object_name,
        content_type="image/png",
    )
    found: DataRecord = await ask(
        backend,
        "register_data",
        datalake_id=lake.id,
        type=DataType.IMAGE,
        filename="a.png",
        object_name=named.object_name,
        content_type="image/png",
        meta=Meta(64, 48),
    )
    return found


async def read(backend: Backend, data: DataRecord) -> bytes:
    async with backend.file(data).open() as file:
        assert file.length == len(CONTENT)
        return b"".join([chunk async for chunk in file.chunks()])


# --- caps ------------------------------------------------------------------------------------------------


def plain(body: bytes) -> dict[str, Any]:
    return {"data": io.BytesIO(body)}


def packed(body: bytes) -> dict[str, Any]:
    return {"data": gzip.compress(body), "headers": {"Content-Encoding": "gzip"}}


def chunked(body: bytes) -> dict[str, Any]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    return {"data": pieces()}


@pytest.mark.parametrize("how", [plain, packed, chunked])
async def test_caps(server: Running, how: Callable[[bytes], dict[str, Any]]) -> None:
    organization = str(UUID(int=0))
    url = f"{server.address}/api/organization/{organization}/datasets"
    body = json.dumps({"name": "x", "description": " " * (CAP + 1)}).encode()
    async with aiohttp.ClientSession(headers=server.headers) as session:
        try:
            async with session.post(url, **how(body)) as answer:
                assert answer.status == 413
                assert "send less" in (await answer.json())["hint"]
        except aiohttp.ClientOSError:
            assert how is chunked  # the server may hang up before all is sent
        async with session.post(url, **how(b'{"name":"x"}')) as answer:
            assert answer.status == 404  # understood, and not this organization


# --- packing ---------------------------------------------------------------------------------------------


@pytest.mark.folder_of_files("a caller is known to be near by the URLs of files")
@pytest.mark.parametrize(
    ("accepted", "host", "packs"),
    [
        ("gzip", "hub.example", True),
        ("gzip", "10.0.0.7:8430", True),
        ("gzip", "127.0.0.1.example", True),
        ("identity", "hub.example", False),
        ("gzip", "127.0.0.1:1234", False),
        ("gzip", "[::1]:1234", False),
        ("gzip", "localhost", False),
    ],
)
async def test_large_answers_are_packed_where_asked(
    server: Running, backend: RemoteBackend, accepted: str, host: str, packs: bool
) -> None:
    """For clients on other machines, which reach the server by another host."""
    version = await version_of(backend)
    names = [f"label {number}" for number in range(1200)]
    body = msgspec.json.encode({"names": names})
    headers = {**server.headers, "Accept-Encoding": accepted, "Host": host}
    url = f"{server.address}/api/dataset/version/{version}/bulk-labels"
    async with (
        aiohttp.ClientSession(headers=headers, auto_decompress=False) as session,
        session.request("XGET", url, data=body) as answer,
    ):
        raw = await answer.read()
        assert (answer.headers.get("Content-Encoding") == "gzip") == packs
    found = json.loads(gzip.decompress(raw) if packs else raw)
    assert sorted(label["name"] for label in found) == sorted(names)


async def version_of(backend: Backend) -> UUID:
    ping = await ask(backend, "ping")
    dataset = await ask(
        backend, "create_dataset", organization_id=ping.default_organization, name="d"
    )
    version = await ask(backend, "create_version", dataset_id=dataset.id, version="v")
    return UUID(str(version.id))


# --- coordinates -----------------------------------------------------------------------------------------


async def test_only_headraces_own_client_gets_fractions(
    server: Running, backend: RemoteBackend, tmp_path: Path
) -> None:
    data = await data_of(backend, tmp_path)
    version = await version_of(backend)
    await ask(backend, "add_data", version_id=version, data_ids=[data.id])
    page = await ask(backend, "list_assets", version_id=version)
    (label,) = await ask(backend, "ensure_labels", version_id=version, names=["cat"])
    item = ImportItem(
        asset_id=str(page.items[0].id),
        rectangles=[RectangleIn(label_id=str(label.id), x=1.4, y=2.6, w=3.2, h=4.8)],
        polygons=[PolygonIn(label_id=str(label.id), polygon=[(0.4, 0), (9.6, 0.2), (9.6, 9)])],
    )
    await ask(backend, "import_annotations", version_id=version, annotations=[item])
    ids = await ask(backend, "annotation_ids", version_id=version)
    (own,) = await ask(backend, "load_annotations", version_id=version, ids=ids)
    assert (own.rectangles[0].x, own.polygons[0].polygon[0][0]) == (1.4, 0.4)
    url = f"{server.address}/api/dataset/version/{version}/annotations"
    async with (
        aiohttp.ClientSession(headers=server.headers) as session,
        session.request("XGET", url, data=msgspec.json.encode(ids)) as answer,
    ):
        (foreign,) = await answer.json()
    (box,) = foreign["rectangles"]
    numbers = [box[key] for key in "xywh"]
    numbers += [n for point in foreign["polygons"][0]["polygon"] for n in point]
    assert all(isinstance(number, int) for number in numbers)
    assert numbers[:2] == [1, 3]
    assert isinstance(foreign["polygons"][0]["area"], int | float)
    assert box["text"] is None
    assert box["attributes"] is None
    assert box["label"] == "cat"


# --- downloads -------------------------------------------------------------------------------------------


@pytest.mark.folder_of_files("signs URLs as the server does")
async def test_urls_that_have_expired_are_renewed(
    server: Running, backend: RemoteBackend, tmp_path: Path
) -> None:
    data = await data_of(backend, tmp_path)
    assert await read(backend, data) == CONTENT
    key = (await signing_keys(server.platform.context))[0]
    old = UrlSigner(server.address, key, life=60, clock=lambda: 1e6)
    for url in (None, old.download(1, data.object_name), server.address + "/files/x?signature=y"):
        stale = msgspec.structs.replace(data, presigned_url=url)
        assert await read(backend, stale) == CONTENT


async def test_a_file_that_is_lost_is_named(
    server: Running, backend: RemoteBackend, tmp_path: Path
) -> None:
    data = await data_of(backend, tmp_path)
    await server.platform.context.objects.delete([data.object_name])
    with pytest.raises(NotFoundError, match=r"a\.png"):
        await read(backend, data)
    # Also where a lake is asked directly.
    local, _, _ = await open_backend(server.platform.context.path)
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        await read(local, data)
    await local.aclose()


@pytest.mark.folder_of_files("changes how the server checks URLs")
async def test_a_url_that_stays_refused_is_an_error_without_the_url(
    server: Running, backend: RemoteBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = await data_of(backend, tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionDeniedError("no")

    monkeypatch.setattr("headrace.server.files.verify", refuse)
    signature = URL(data.presigned_url or "", encoded=True).query["signature"]
    with pytest.raises(PermissionDeniedError, match=r"a\.png") as caught:
        await read(backend, data)
    assert signature not in str(caught.value)


# --- large files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PART_BYTES + 1, 2 * PART_BYTES])
async def test_large_files_go_in_parts(
    server: Running, backend: RemoteBackend, tmp_path: Path, size: int
) -> None:
    ping = await ask(backend, "ping")
    lake = await ask(backend, "find_datalake", organization_id=ping.default_organization)
    named = await ask(
        backend,
        "generate_object_name",
        organization_id=ping.default_organization,
        connector_id=lake.connector_id,
        filename="film.bin",
        type=ObjectDataType.DATA,
    )
    path = tmp_path / "film.bin"
    path.write_bytes((random.Random(size).randbytes(1 << 20) * (size // (1 << 20) + 1))[:size])
    await send_file(
        backend,
        path,
        connector_id=lake.connector_id,
        object_name=named.object_name,
        content_type="application/octet-stream",
    )
    stored = await server.platform.context.objects.head(named.object_name)
    assert stored is not None
    digest = hashlib.sha256()
    async for chunk in server.platform.context.objects.get(named.object_name):
        digest.update(chunk)
    assert (stored.size, digest.digest()) == (size, hashlib.sha256(path.read_bytes()).digest())


# --- attacks ---------------------------------------------------------------------------------------------


def bomb(size: int, *, level: int = 9) -> bytes:
    return gzip.compress(b'{"name":"' + bytes(size).replace(b"\0", b" ") + b'"}', level)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, encoding: str) -> None:
    """30 MiB in 30 kB: below the limit of a body, but of a ratio that no annotations have."""
    async with running(tmp_path / "lake") as server, session_of(server) as session:
        content = bomb(30 * MIB) if encoding == "gzip" else zlib.compress(bytes(30 * MIB))
        operation = OPERATIONS["import_annotations"]
        url = server.address + operation.path.format(version_id=UUID(int=0))
        async with session.request(
            operation.method, url, data=content, headers={"Content-Encoding": encoding}
        ) as answer:
            assert answer.status == 413


def test_unpacking_stops_where_the_ratio_is_passed() -> None:
    body = bomb(30 * MIB)
    steps = []
    for piece, used in bodies._steps(body, 31):
        steps.append(len(piece))
        if sum(steps) > bodies.FREE_BYTES + bodies.MOST_RATIO * used:
            break
    assert sum(steps) < 10 * MIB
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        bodies.unpacked(body, 31, 64 * MIB)


@pytest.mark.parametrize("window", [31, 15])
@given(content=st.binary(max_size=300_000), cut=st.integers(1, 20))
def test_what_is_packed_is_unpacked_and_what_is_cut_is_refused(
    window: int, content: bytes, cut: int
) -> None:
    packed = gzip.compress(content) if window == 31 else zlib.compress(content)
    assert bodies.unpacked(packed, window, MIB) == content
    for damaged in (packed[:-cut], packed + b"more"):
        with pytest.raises(BadRequestError, match="not packed as"):
            bodies.unpacked(damaged, window, MIB)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 500])
async def test_other_ways_of_packing_are_415(server: Running, encoding: str) -> None:
    url = f"{server.address}/api/organization/{UUID(int=0)}/datasets"
    async with session_of(server) as session:
        headers = {"Content-Encoding": encoding}
        async with session.post(url, data=b"x", headers=headers) as answer:
            assert answer.status == 415
            assert len((await answer.json())["message"]) < 100


async def test_a_name_of_megabytes_is_refused_by_its_length(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "lake") as server,
        session_of(server) as session,
    ):
        async with session.get(f"{server.address}/api/home/ping") as answer:
            organization = (await answer.json())["default_organization"]
        url = f"{server.address}/api/organization/{organization}/datasets"
        for size, status in ((60 * MIB, 413), (3 * MIB, 400), (1024, 200)):
            body = io.BytesIO(json.dumps({"name": "x" * size}).encode())
            async with session.post(url, data=body) as answer:
                assert answer.status == status
                text = await answer.text()
                assert len(text) < 2500
                assert status != 400 or "is too long" in text


@pytest.mark.parametrize(
    ("module", "name", "how"),
    [
        (api, "decode_request", plain),
        (bodies, "unpacked", packed),
    ],
)
async def test_others_are_answered_while_a_large_body_is_worked_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    how: Callable[[bytes], dict[str, Any]],
) -> None:
    answered = threading.Event()
    real = getattr(module, name)

    def wait(*arguments: Any) -> Any:
        # On the event loop this would wait in vain.
        assert answered.wait(10)
        return real(*arguments)

    monkeypatch.setattr(module, name, wait)
    async with running(tmp_path / "lake") as server, session_of(server) as session:
        operation = OPERATIONS["delete_assets"]
        url = server.address + operation.path.format(version_id=UUID(int=0))
        values = [str(UUID(int=number)) for number in range(50_000)]
        body = json.dumps({"ids": values}).encode()

        async def attack() -> int:
            async with session.request(operation.method, url, **how(body)) as answer:
                return answer.status

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            attacking = group.create_task(attack())
            async with session.get(f"{server.address}/healthz") as answer:
                assert answer.status == 200
            answered.set()
        assert attacking.result() == 404
