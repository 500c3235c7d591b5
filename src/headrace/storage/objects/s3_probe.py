"""Try what headrace needs of an S3, so that one that lacks something is refused before anything is stored there."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from yarl import URL

from headrace.errors import ConfigurationError, HeadraceError, StorageError
from headrace.storage.objects.s3_requests import S3Requests, parse_xml

if TYPE_CHECKING:
    from headrace.storage.objects.s3 import S3Objects

T = TypeVar("T")

_FOLDER = "probe"
_LIFE_SECONDS = 600
_CONTENT = b"headrace"
_CURE = "use an S3 that does it, such as AWS S3, MinIO, Ceph or SeaweedFS"


async def probe(store: S3Objects, requests: S3Requests, prefix: str) -> None:
    """Try each step on objects of random names, and delete them.

    Raises:
        ConfigurationError: A step does not do what it must; the message names it.
        StorageError: The key has no right to a step.
    """
    name = f"{_FOLDER}/{secrets.token_hex(8)}"
    used = [name, f"{name}.parts", f"{name}.form"]
    try:
        await _store_and_read(store, requests, prefix + name, name)
        await _reach_by_urls(store, name)
        await _upload_in_parts(store, f"{name}.parts")
        await _take_form(store, requests, prefix, name, f"{name}.form")
        await _list(store, requests, prefix + name)
    finally:
        await store.delete(used)
    if any(await store.heads(used)):
        raise _lacks(store, "delete objects")


async def _store_and_read(store: S3Objects, requests: S3Requests, key: str, name: str) -> None:
    await store.put(name, _stream(_CONTENT))
    again = await requests.send("PUT", key, headers={"If-None-Match": "*"}, body=b"other")
    if again.status not in (409, 412):
        raise _lacks(store, "refuse to replace an object (PUT with If-None-Match)")
    part = b"".join([chunk async for chunk in store.get(name, offset=4, length=3)])
    if part != _CONTENT[4:7]:
        raise _lacks(store, "read a range of an object")


async def _reach_by_urls(store: S3Objects, name: str) -> None:
    direct = store.direct
    async with aiohttp.ClientSession() as session:
        url = direct.downloads(_LIFE_SECONDS)(name)
        async with session.get(URL(url, encoded=True)) as response:
            if response.status != 200 or await response.read() != _CONTENT:
                raise _lacks(store, "send objects by signed URLs")
        tampered = url[:-1] + ("0" if url[-1] != "0" else "1")
        async with session.get(URL(tampered, encoded=True)) as response:
            if response.status < 400:
                raise _lacks(store, "refuse a URL with a wrong signature")
        put = URL(direct.put(name, _LIFE_SECONDS), encoded=True)
        async with session.put(put, data=b"other", headers=direct.put_headers) as response:
            if response.status not in (409, 412):
                raise _lacks(store, "refuse to replace an object (signed PUT with If-None-Match)")


async def _upload_in_parts(store: S3Objects, name: str) -> None:
    upload = await _tried(store, "upload in parts", store.begin_parts(name))
    try:
        etag = await store.put_part(name, upload, 1, _stream(_CONTENT))
        await _tried(store, "upload in parts", store.complete_parts(name, upload, [(1, etag)]))
    except BaseException:
        await store.abort_parts(name, upload)
        raise


async def _take_form(
    store: S3Objects, requests: S3Requests, prefix: str, source: str, target: str
) -> None:
    url, fields = store.direct.form(target, _LIFE_SECONDS, len(_CONTENT))
    form = aiohttp.FormData(fields)
    form.add_field("Content-Type", "image/png")
    form.add_field("file", _CONTENT, filename=target, content_type="image/png")
    async with (
        aiohttp.ClientSession() as session,
        session.post(URL(url, encoded=True), data=form) as response,
    ):
        if response.status >= 300:
            raise _lacks(store, "take uploads by forms (POST)")
    (taken,) = await _tried(store, "copy an object", store.receive([target]))
    if taken is None or taken.size != len(_CONTENT):
        raise _lacks(store, "copy an object")
    headers = {
        "x-amz-copy-source": f"/{requests.location.bucket}/{prefix}{source}",
        "If-None-Match": "*",
    }
    answer = await requests.send("PUT", prefix + target, headers=headers)
    if answer.status not in (409, 412):
        raise _lacks(store, "refuse to replace an object (copy with If-None-Match)")


async def _list(store: S3Objects, requests: S3Requests, key: str) -> None:
    answer = await requests.send("GET", "", query={"list-type": "2", "prefix": key})
    root = parse_xml(requests.check(answer, "list objects").body)
    if key not in [each.findtext("Key") for each in root.iterfind("Contents")]:
        raise _lacks(store, "list objects")


async def _tried(store: S3Objects, what: str, step: Awaitable[T]) -> T:
    try:
        return await step
    except (HeadraceError, ValueError) as error:
        raise _lacks(store, what, error) from None


def _lacks(store: S3Objects, what: str, error: Exception | None = None) -> ConfigurationError:
    if isinstance(error, StorageError) and "right" in error.message:
        return ConfigurationError(error.message, hint=error.hint)
    return ConfigurationError(f"the S3 of {store.name} does not {what}", hint=_CURE)


async def _stream(content: bytes) -> AsyncIterator[bytes]:
    yield content
