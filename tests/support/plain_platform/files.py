"""Where presigned URLs lead: uploads by each kind of storage client, and downloads (reference 4.3, 4.4)."""

from __future__ import annotations

import re
from hashlib import md5
from mimetypes import guess_type
from urllib.parse import unquote

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from tests.support.plain_platform.routes import FileRoute, RefusedError, missing
from tests.support.plain_platform.signing import claims_of, claims_of_request
from tests.support.plain_platform.store import Store
from tests.support.plain_platform.switches import Switches

PART_BYTES = 25 << 20
_FROM = re.compile(r"bytes=(\d+)-")
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def etag(content: bytes) -> str:
    """As object stores give it, quotes and all."""
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


async def _form(store: Store, switches: Switches, request: web.Request) -> web.StreamResponse:
    """A form POST: all fields, then Content-Type, then the file as the last part."""
    if request.content_type != "multipart/form-data":
        raise RefusedError(400, "This takes a form.")
    parts: list[tuple[str, str | None, bytes]] = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        parts.append((part.name or "", part.filename, bytes(await part.read())))
    fields = {name: content.decode() for name, _, content in parts[:-1]}
    if not parts or parts[-1][0] != "file" or parts[-1][1] is None:
        raise RefusedError(400, "The file must be the last part.")
    if set(fields) != {"key", "policy", "Content-Type"} or len(parts) != 4:
        raise RefusedError(400, "The form must have the fields that were given, and Content-Type.")
    claims = claims_of(store, fields["policy"], "form")
    same = _comparable(parts[-1][1]) == _comparable(fields["key"])
    if fields["key"] != claims["object_name"] or not same:
        raise RefusedError(403, "The object has another name.")
    if fields["Content-Type"] != claims["content_type"]:
        raise RefusedError(403, "The object has another type.")
    store.files[claims["object_name"]] = parts[-1][2]
    return web.Response(status=204)


def _comparable(name: str) -> str:
    """Forms escape quotes in the name of a file, and the parser here takes a backslash for such an escape."""
    return unquote(name).replace("\\", "")


async def _blob(store: Store, switches: Switches, request: web.Request) -> web.StreamResponse:
    """A PUT of the whole file."""
    claims = claims_of_request(store, request, "blob")
    if request.headers.get("x-ms-blob-type") != "BlockBlob":
        raise RefusedError(400, "The header x-ms-blob-type must be BlockBlob.")
    if "x-ms-version" not in request.headers:
        raise RefusedError(400, "The headers that were given must be sent.")
    if request.headers.get("Content-Type") != claims["content_type"]:
        raise RefusedError(403, "The object has another type.")
    store.files[claims["object_name"]] = await _whole_body(request)
    return web.Response(status=201)


async def _part(store: Store, switches: Switches, request: web.Request) -> web.StreamResponse:
    """A PUT of one part; the answer has its ETag."""
    claims = claims_of_request(store, request, "part")
    parts = store.parts.get(claims["upload"])
    if parts is None:
        raise missing("upload")
    content = await _whole_body(request)
    if len(content) > PART_BYTES:
        raise RefusedError(400, "The part is too large.")
    parts[claims["part"]] = content
    return web.Response(status=200, headers={"ETag": etag(content)})


async def _resumable(store: Store, switches: Switches, request: web.Request) -> web.StreamResponse:
    """A PUT of a range of the file; a range that is there already may be repeated."""
    claims = claims_of_request(store, request, "resumable")
    match = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
    if match is None:
        raise RefusedError(400, "The header Content-Range is missing or wrong.")
    first, last, total = map(int, match.groups())
    content = await _whole_body(request)
    if len(content) != last - first + 1 or last >= total:
        raise RefusedError(400, "The body is not as long as its range.")
    parts = store.parts.get(claims["upload"])
    if parts is None:  # the answer to the last range was lost
        return web.Response(status=200)
    received = sum(len(part) for part in parts.values())
    if first not in parts and first != received:
        raise RefusedError(400, f"The next byte is {received}.")
    parts[first] = content
    if last + 1 < total:
        return web.Response(status=308, headers={"Range": f"bytes=0-{last}"})
    store.files[claims["object_name"]] = b"".join(parts[start] for start in sorted(parts))
    del store.parts[claims["upload"]]
    return web.Response(status=200)


async def _file(store: Store, switches: Switches, request: web.Request) -> web.StreamResponse:
    """A whole file, always with its length; what follows a byte of it where ranges are on."""
    claims = claims_of_request(store, request, "file")
    content = store.files.get(claims["object_name"])
    if content is None:
        raise missing("file")
    content_type = guess_type(claims["object_name"])[0] or "application/octet-stream"
    if not switches.ranges:
        return web.Response(body=content, content_type=content_type)
    headers = {"ETag": etag(content), "Accept-Ranges": "bytes"}
    match = _FROM.fullmatch(request.headers.get("Range", ""))
    if match is None or request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        return web.Response(body=content, content_type=content_type, headers=headers)
    first = int(match[1])
    headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
    return web.Response(
        status=206, body=content[first:], content_type=content_type, headers=headers
    )


async def _whole_body(request: web.Request) -> bytes:
    if "Content-Length" not in request.headers:
        raise RefusedError(411, "The length is missing.")
    return await request.read()


FILE_ROUTES = [
    FileRoute("POST", "/storage/form", _form),
    FileRoute("PUT", "/storage/blob", _blob),
    FileRoute("PUT", "/storage/part", _part),
    FileRoute("PUT", "/storage/resumable", _resumable),
    FileRoute("GET", "/storage/file", _file),
]
