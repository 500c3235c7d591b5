"""Try what headrace needs of an S3, so that one that lacks something is refused before anything is stored there."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import aiohttp
import anyio
from yarl import URL

from headrace.errors import ConfigurationError, HeadraceError
from headrace.net.errors import translated
from headrace.storage.objects.base import DirectUrls, ObjectStore
from headrace.storage.objects.s3.errors import COMPLETE_S3
from headrace.storage.objects.s3.requests import S3Requests, parse_xml
from headrace.storage.objects.s3.sigv4 import quoted
from headrace.storage.objects.s3.urls import INCOMING

_FOLDER = "probe"
_LIFE_SECONDS = 600
_CLEAN_SECONDS = 10.0
_REFUSED = (409, 412)
_ONLY_NEW = {"If-None-Match": "*"}
_CONTENT = b"headrace"


class Probed(NamedTuple):
    """The store that is tried: what it stores and signs, its requests, and what its keys begin with."""

    store: ObjectStore
    direct: DirectUrls
    requests: S3Requests
    prefix: str

    def lacks(self, what: str) -> ConfigurationError:
        """The error for a server that does not do something."""
        name = self.requests.location.name
        return ConfigurationError(f"the S3 of {name} does not {what}", hint=COMPLETE_S3)


async def probe(probed: Probed) -> None:
    """Try each step on objects of random names, and delete them.

    Raises:
        ConfigurationError: A step does not do what it must; the message names it.
        StorageError: The key has no right to a step.
    """
    name = f"{_FOLDER}/{secrets.token_hex(8)}"
    used = [name, f"{name}.parts", f"{name}.form"]
    try:
        await _store_and_read(probed, name)
        await _use_urls(probed, name)
        await _upload_in_parts(probed, used[1])
        await _take_form(probed, name, used[2])
        await _list(probed, name)
    except BaseException:
        with anyio.move_on_after(_CLEAN_SECONDS, shield=True), suppress(HeadraceError):
            await probed.requests.send("DELETE", f"{probed.prefix}{INCOMING}{used[2]}")
            await probed.store.delete(used)
        raise
    await probed.store.delete(used)
    if any(await probed.store.heads(used)):
        raise probed.lacks("delete objects")


async def _store_and_read(probed: Probed, name: str) -> None:
    await probed.store.put(name, _stream(_CONTENT))
    again = await probed.requests.send(
        "PUT", probed.prefix + name, headers=_ONLY_NEW, body=b"other"
    )
    if again.status not in _REFUSED:
        raise probed.lacks("refuse to replace an object (PUT with If-None-Match)")
    part = b"".join([chunk async for chunk in probed.store.get(name, offset=4, length=3)])
    if part != _CONTENT[4:7]:
        raise probed.lacks("read a range of an object")


async def _use_urls(probed: Probed, name: str) -> None:
    direct = probed.direct
    async with _session(probed) as session:
        url = direct.downloads(_LIFE_SECONDS)(name)
        async with session.get(URL(url, encoded=True)) as response:
            if response.status != 200 or await response.read() != _CONTENT:
                raise probed.lacks("send objects by signed URLs")
        tampered = url[:-1] + ("0" if url[-1] != "0" else "1")
        async with session.get(URL(tampered, encoded=True)) as response:
            if response.status < 400:
                raise probed.lacks("refuse a URL with a wrong signature")
        put = URL(direct.put(name, _LIFE_SECONDS), encoded=True)
        async with session.put(put, data=b"other", headers=direct.put_headers) as response:
            if response.status not in _REFUSED:
                raise probed.lacks("refuse to replace an object (signed PUT with If-None-Match)")


async def _upload_in_parts(probed: Probed, name: str) -> None:
    store = probed.store
    upload = await store.begin_parts(name)
    try:
        etag = await store.put_part(name, upload, 1, _stream(_CONTENT))
        stored = await store.complete_parts(name, upload, [(1, etag)])
    except BaseException:
        with anyio.move_on_after(_CLEAN_SECONDS, shield=True), suppress(HeadraceError):
            await store.abort_parts(name, upload)
        raise
    if stored.size != len(_CONTENT):
        raise probed.lacks("join the parts of an upload")


async def _take_form(probed: Probed, source: str, target: str) -> None:
    url, fields = probed.direct.form(target, _LIFE_SECONDS, len(_CONTENT))
    form = aiohttp.FormData(fields)
    form.add_field("Content-Type", "image/png")
    form.add_field("file", _CONTENT, filename=target, content_type="image/png")
    async with (
        _session(probed) as session,
        session.post(URL(url, encoded=True), data=form) as response,
    ):
        if response.status >= 300:
            raise probed.lacks("take uploads by forms (POST)")
    (taken,) = await probed.store.receive([target])
    if taken is None or taken.size != len(_CONTENT):
        raise probed.lacks("copy an object")
    bucket = probed.requests.location.bucket
    headers = {"x-amz-copy-source": quoted(f"/{bucket}/{probed.prefix}{source}"), **_ONLY_NEW}
    answer = await probed.requests.send("PUT", probed.prefix + target, headers=headers)
    if answer.status not in _REFUSED:
        raise probed.lacks("refuse to replace an object (copy with If-None-Match)")


async def _list(probed: Probed, name: str) -> None:
    key = probed.prefix + name
    query = {"list-type": "2", "prefix": key}
    answer = await probed.requests.send("GET", "", query=query)
    root = parse_xml(probed.requests.check(answer, "list objects").body)
    if key not in [each.findtext("Key") for each in root.iterfind("Contents")]:
        raise probed.lacks("list objects")


@asynccontextmanager
async def _session(probed: Probed) -> AsyncIterator[aiohttp.ClientSession]:
    """Connect to the server as clients do, without a key."""
    with translated(probed.requests.location.endpoint):
        async with aiohttp.ClientSession(trust_env=True) as session:
            yield session


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content
