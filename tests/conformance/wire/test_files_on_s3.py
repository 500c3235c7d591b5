"""Files on S3: clients send and read them there by signed URLs and forms, none passes through the server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import obstore
import pytest
from yarl import URL

import headrace
from headrace.errors import ConflictError
from headrace.model.records import DataRecord
from headrace.platform.care.gc import CollectedObjects, collect_objects
from headrace.platform.context import Context
from headrace.platform.datalake.registered import REGISTERED_WITHIN_MS
from headrace.protocol.operations.datalake import GET_DATA, DataId
from headrace.protocol.operations.storage import PRESIGN_DOWNLOAD, PresignDownload
from headrace.storage.database.postgres.database import PostgresDatabase
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.s3.requests import S3Requests
from headrace.storage.objects.s3.sigv4 import Signer
from headrace.storage.objects.s3.store import S3Objects
from headrace.transfer.progress import Progress
from tests.support import storage
from tests.support.data.images import draw_images
from tests.support.lakes.on_s3 import running_on_s3
from tests.support.lakes.uploads import Uploader, uploader

FIRST, OTHER = b"first content", b"other content"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Uploader]:
    async with uploader(tmp_path / "lake", on_s3=True) as found:
        yield found


@pytest.fixture
def server_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what this process, the server's, has read of objects."""
    counted: list[int] = []
    read = S3Objects.get

    async def get(self: S3Objects, name: str, /, **span: Any) -> AsyncIterator[bytes]:
        async for chunk in read(self, name, **span):
            counted.append(len(chunk))
            yield chunk

    monkeypatch.setattr(S3Objects, "get", get)
    return counted


@pytest.fixture(autouse=True)
def no_requests_in_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object is neither read nor written while a transaction holds locks."""
    writing: ContextVar[bool] = ContextVar("writing", default=False)
    kind: Any = SqliteDatabase if storage.kind() == "lake" else PostgresDatabase
    begin, send = kind.transaction, S3Requests.send

    @asynccontextmanager
    async def transaction(self: Any, *locks: Any) -> AsyncIterator[Any]:
        async with begin(self, *locks) as tx:
            token = writing.set(True)
            try:
                yield tx
            finally:
                writing.reset(token)

    async def watched(self: S3Requests, *request: Any, **more: Any) -> Any:
        assert not writing.get(), "a request to S3 in a transaction"
        return await send(self, *request, **more)

    monkeypatch.setattr(kind, "transaction", transaction)
    monkeypatch.setattr(S3Requests, "send", watched)
    for name in ("put_async", "get_async", "delete_async"):
        call = getattr(obstore, name)

        def checked(*request: Any, _call: Any = call, **more: Any) -> Any:
            assert not writing.get(), "a request to S3 in a transaction"
            return _call(*request, **more)

        monkeypatch.setattr(obstore, name, checked)


async def status_of(client: Uploader, url: str, method: str = "GET", **request: Any) -> int:
    async with client.http.request(method, URL(url, encoded=True), **request) as answer:
        return answer.status


async def collect(context: Context) -> CollectedObjects:
    """Collect garbage by the clock of the context."""
    with Progress("gc", "objects", None) as shown:
        return await collect_objects(context, context.clock(), shown)


async def registered(client: Uploader, content: bytes = FIRST) -> tuple[str, str, DataRecord]:
    """An object that is registered: its name, the URL that it was put to, and its data."""
    name, url = await client.new_name()
    assert await client.put(url, content) == 204
    return name, url, await client.register(name)


async def test_files_are_pushed_and_pulled_and_none_passes_through_the_server(
    tmp_path: Path, server_bytes: list[int]
) -> None:
    """Small ones as bare bytes, one by a form, and one in parts."""
    paths = draw_images(tmp_path / "images", 7)
    for path, size in zip(paths[5:], (3 << 20, 26 << 20), strict=True):
        with path.open("ab") as file:
            file.write(bytes(size))
    async with running_on_s3(tmp_path / "lake") as server:
        async with headrace.connect(server.address, api_token=server.token) as connected:
            lake = await connected.get_datalake()
            uploaded = await lake.upload_data(paths)
            data = {each.filename: each async for each in lake.list_data()}
            again = await lake.upload_data(paths)
            await again.download(tmp_path / "pulled")
        assert server_bytes == []
        assert sorted(data) == [path.name for path in paths]
        assert {each.id for each in again} == {each.id for each in uploaded}
        async with aiohttp.ClientSession() as session:
            for path in paths:
                found = data[path.name]
                content = path.read_bytes()
                assert (found.width, found.height, found.record.size) == (
                    64 + int(path.stem[-4:]) % 8, 48, len(content),
                )  # fmt: skip
                assert found.record.sha256 == hashlib.sha256(content).hexdigest()
                assert (tmp_path / "pulled" / path.name).read_bytes() == content
                url = found.url
                assert not url.startswith(server.address)
                async with session.get(URL(url, encoded=True)) as answer:
                    assert await answer.read() == content
            async with session.get(
                f"{server.address}/files/{data[paths[0].name].object_name}"
            ) as no:
                assert no.status == 404


async def test_an_image_that_the_client_did_not_measure_is_measured_by_its_header(
    client: Uploader, tmp_path: Path, server_bytes: list[int]
) -> None:
    from headrace.model.enums import DataType
    from headrace.protocol.operations.datalake import REGISTER_DATA, RegisterData

    (path,) = draw_images(tmp_path / "images", 1)
    for more in (0, 1 << 20):
        content = path.read_bytes() + bytes(more)
        name, url = await client.new_name()
        assert await client.put(url, content) == 204
        request = RegisterData(
            datalake_id=client.lake.id, type=DataType.IMAGE, filename=f"{more}.jpg",
            object_name=name, content_type="image/jpeg",
        )  # fmt: skip
        data = await client.backend.call(REGISTER_DATA, request)
        assert data.meta is not None
        assert (data.meta.width, data.meta.height) == (64, 48)
        # Of a large one, no more is read, and its digest is unknown.
        assert data.sha256 == (None if more else hashlib.sha256(content).hexdigest())
        assert sum(server_bytes) <= 2 * (64 << 10)


async def test_what_has_a_name_is_not_replaced_by_its_url(client: Uploader) -> None:
    name, url, data = await registered(client)
    for _ in range(2):
        assert await client.put(url, OTHER) == 412
    assert await status_of(client, url, "PUT", data=OTHER) == 403, "without the condition"
    assert await client.stored(name) == FIRST
    again = await client.backend.call(GET_DATA, DataId(data_id=data.id))
    assert again == data


async def test_a_form_that_is_sent_again_changes_nothing_that_is_registered(
    client: Uploader,
) -> None:
    name, url = await client.new_name()
    send = await client.prepare("form", name, url)
    assert await send(OTHER) == 204
    assert await send(FIRST) == 204
    data = await client.register(name)
    assert await client.stored(name) == FIRST
    assert await send(OTHER) == 204, "S3 knows nothing of the catalog"
    assert await client.stored(name) == FIRST
    assert (await client.register(name)).id == data.id
    assert await client.stored(name) == FIRST
    for way in ("form", "parts"):
        with pytest.raises(ConflictError, match="already registered"):
            await client.prepare(way, name, url)


async def test_parts_of_what_is_registered_are_not_joined(client: Uploader) -> None:
    name, url = await client.new_name()
    attack = await client.prepare("completing", name, url, OTHER)
    complete = await client.prepare("completing", name, url, FIRST)
    assert [await complete(b""), await complete(b"")] == [204, 204]
    await client.register(name)
    assert [await attack(b""), await complete(b"")] == [409, 409]
    assert await client.stored(name) == FIRST


async def test_only_the_url_that_was_signed_is_good(client: Uploader) -> None:
    name, put_url, _ = await registered(client)
    other_name, _, _ = await registered(client, OTHER)
    url = (
        await client.backend.call(
            PRESIGN_DOWNLOAD, PresignDownload(connector_id=client.connector, object_name=name)
        )
    ).presigned_url
    assert await status_of(client, url) == 200
    assert await status_of(client, url, "PUT", data=OTHER) == 403
    assert await status_of(client, url.replace(name, other_name)) == 403
    assert await status_of(client, url.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999")) == 403
    assert await status_of(client, url[:-1] + ("0" if url[-1] != "0" else "1")) == 403
    assert await status_of(client, url.partition("?")[0]) == 403
    parts = urlsplit(put_url)
    assert parts.query.count("X-Amz-Signature=") == 1


async def test_an_expired_url_is_refused(client: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, _ = await registered(client)
    objects = client.server.platform.context.objects
    assert isinstance(objects, S3Objects)
    url = objects.direct.downloads(60)(name)
    assert await status_of(client, url) == 200
    stamp = Signer.page
    with monkeypatch.context() as patch:
        patch.setattr(
            "headrace.storage.objects.s3.sigv4._stamp", lambda seconds: "20200101T000000Z"
        )
        old = objects.direct.downloads(60)(name)
    assert stamp is Signer.page
    assert await status_of(client, old) == 403


async def test_only_what_was_stored_lately_is_registered_and_only_what_is_older_deleted(
    client: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no registration meets the deletion of its object, though no lock is held over S3."""
    context = client.server.platform.context
    names = []
    for _ in range(2):
        name, url = await client.new_name()
        assert await client.put(url, FIRST) == 204
        names.append(name)
    await client.register(names[0])
    from headrace.errors import BadRequestError
    from headrace.platform.datalake.registered import delete_unregistered

    await delete_unregistered(context, names)
    assert await client.stored(names[1]) == FIRST, "it may be about to be registered"
    now = context.clock()
    monkeypatch.setattr(context, "clock", lambda: now + REGISTERED_WITHIN_MS + 60_000)
    with pytest.raises(BadRequestError, match="nothing was uploaded"):
        await client.register(names[1])
    monkeypatch.setattr(context, "clock", lambda: now + 8 * 24 * 3600 * 1000)
    await delete_unregistered(context, names)
    assert await client.stored(names[1]) == FIRST, "only a collection of garbage deletes it"
    await collect(context)
    assert await client.stored(names[0]) == FIRST
    assert await client.stored(names[1]) is None
