"""Attacks on registered objects over HTTP: whoever holds a signed URL cannot change what the catalog has a digest of."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from headrace.errors import ConflictError
from headrace.platform.context import Context
from headrace.platform.datalake.registered import delete_unregistered
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    FIND_DATALAKE,
    GET_DATA,
    DataId,
    FindDatalake,
)
from headrace.storage.objects.base import ObjectInfo
from tests.support.lakes.uploads import WAYS, Uploader, uploader
from tests.support.tiers import scaled

pytestmark = pytest.mark.folder_of_files(
    "the server receives the uploads; test_files_on_s3.py attacks S3"
)

FIRST, OTHER = b"first content", b"other content"
DONE = (200, 204)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Uploader]:
    async with uploader(tmp_path / "lake") as found:
        yield found


def left(client: Uploader, folder: str = ".incoming") -> list[str]:
    return os.listdir(client.server.platform.context.path / "objects" / folder)


async def check(client: Uploader, name: str, sha256: str | None) -> None:
    """The catalog and the store agree."""
    content = await client.stored(name)
    assert content is not None
    assert hashlib.sha256(content).hexdigest() == sha256


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_registered_is_not_replaced(client: Uploader, way: str) -> None:
    name, url = await client.new_name()
    attack = await client.prepare(way, name, url)
    assert await client.put(url, FIRST) == 204
    data = await client.register(name)
    for _ in range(2):
        assert await attack(OTHER) == 409
    assert await client.stored(name) == FIRST
    await check(client, name, data.sha256)
    assert left(client) == []
    again = await client.backend.call(GET_DATA, DataId(data_id=data.id))
    assert again.sha256 == data.sha256


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_more_is_begun_for_what_is_registered(client: Uploader, way: str) -> None:
    if way == "bare":
        pytest.skip("its URL comes with its name")
    name, url = await client.new_name()
    assert await client.put(url, FIRST) == 204
    await client.register(name)
    with pytest.raises(ConflictError, match="already registered"):
        await client.prepare(way, name, url)


@pytest.mark.parametrize("way", WAYS)
async def test_an_upload_may_be_sent_again_until_it_is_registered(
    client: Uploader, way: str
) -> None:
    name, url = await client.new_name()
    assert await client.put(url, OTHER) == 204
    for content in (OTHER, FIRST):
        send = await client.prepare(way, name, url, content)
        assert await send(content) in DONE
        assert await client.stored(name) == content
    assert (await client.register(name)).sha256 == hashlib.sha256(FIRST).hexdigest()
    # The same registration is a retry.
    assert (await client.register(name)).sha256 == hashlib.sha256(FIRST).hexdigest()


async def test_an_upload_in_parts_is_completed_again_until_it_is_registered(
    client: Uploader,
) -> None:
    name, url = await client.new_name()
    complete = await client.prepare("completing", name, url, FIRST)
    assert [await complete(b""), await complete(b"")] == [204, 204]
    data = await client.register(name)
    assert await complete(b"") == 409
    await check(client, name, data.sha256)


async def test_a_large_upload_is_refused_before_it_is_received(client: Uploader) -> None:
    name, url = await client.new_name()
    assert await client.put(url, FIRST) == 204
    await client.register(name)
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n"
        "Expect: 100-continue\r\n\r\n".encode()
    )
    assert b" 409 " in await asyncio.wait_for(reader.readline(), 20)
    writer.close()
    assert await client.stored(name) == FIRST


@pytest.mark.one_platform("other uploads end while this platform looks at the object")
@pytest.mark.parametrize("uploads", [1, 100])
async def test_an_object_that_changes_while_it_is_registered_is_looked_at_again(
    client: Uploader, monkeypatch: pytest.MonkeyPatch, uploads: int
) -> None:
    """Other uploads end after the registration has looked at the object, and before it writes."""
    name, url = await client.new_name()
    assert await client.put(url, FIRST) == 204
    objects = client.server.platform.context.objects
    heads, sent = objects.heads, []

    async def heads_and_put(names: Sequence[str], /) -> list[ObjectInfo | None]:
        found = await heads(names)
        if len(sent) < uploads:
            sent.append(await client.put(url, OTHER))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(objects, "heads", heads_and_put)
        if uploads > 1:
            with pytest.raises(ConflictError, match="while it was registered"):
                await client.register(name)
        else:
            await client.register(name)
    assert set(sent) == {204}
    data = await client.register(name)
    assert data.sha256 == hashlib.sha256(OTHER).hexdigest()
    await check(client, name, data.sha256)


async def test_uploads_that_race_with_the_registration(client: Uploader) -> None:
    for _ in range(scaled(60)):
        name, url = await client.new_name()
        assert await client.put(url, FIRST) == 204
        attacks = [
            (await client.prepare(way, name, url, os.urandom(40)))(os.urandom(40)) for way in WAYS
        ]
        racing = asyncio.gather(*attacks, client.put(url, os.urandom(900_000)))
        data = None
        while data is None:
            with suppress(ConflictError):  # it changed too often meanwhile
                data = await client.register(name)
        assert set(await racing) <= {*DONE, 409}
        await check(client, name, data.sha256)
        assert await client.put(url, OTHER) == 409
    assert left(client) == []


async def test_after_a_deletion_the_name_is_free_and_the_upload_a_spare_one(
    client: Uploader,
) -> None:
    name, url = await client.new_name()
    assert await client.put(url, FIRST) == 204
    old = await client.register(name)
    await client.backend.call(DELETE_DATA, DataId(data_id=old.id))
    assert await client.stored(name) is None
    assert await client.put(url, OTHER) == 204
    new = await client.register(name)
    assert new.id != old.id
    await check(client, name, new.sha256)
    assert await client.put(url, FIRST) == 409


async def test_a_deletion_does_not_take_the_file_of_a_later_registration(
    client: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is deleted, then another client uploads and registers, then the file would be deleted."""
    name, url = await client.new_name()
    assert await client.put(url, FIRST) == 204
    old = await client.register(name)
    registered = []

    async def late(context: Context, names: Sequence[str]) -> None:
        assert await client.put(url, OTHER) == 204
        registered.append(await client.register(name))
        await delete_unregistered(context, names)

    monkeypatch.setattr("headrace.platform.datalake.data.delete_unregistered", late)
    await client.backend.call(DELETE_DATA, DataId(data_id=old.id))
    (new,) = registered
    await check(client, name, new.sha256)


async def test_an_object_in_two_lakes_stays_until_the_last_of_its_data_is_deleted(
    client: Uploader,
) -> None:
    await client.server.platform.context.database.execute(
        "datalake.add_lake",
        no=2,
        bucket=0,
        organization=1,
        connector=1,
        name="second",
        created=1,
        is_default=0,
    )
    second = await client.backend.call(
        FIND_DATALAKE, FindDatalake(organization_id=client.organization, name="second")
    )
    name, url = await client.new_name()
    assert await client.put(url, FIRST) == 204
    mine = await client.register(name)
    theirs = await client.register(name, second.id)
    await client.backend.call(DELETE_DATA, DataId(data_id=mine.id))
    await check(client, name, theirs.sha256)
    assert await client.put(url, OTHER) == 409
    await client.backend.call(DELETE_DATA, DataId(data_id=theirs.id))
    assert await client.stored(name) is None
