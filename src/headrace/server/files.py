"""Serve files over HTTP, by signed URL and with ranges. Tokens are ignored: the URL alone authorises the request."""

from __future__ import annotations

import logging
import mimetypes
import os
import re
import stat
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from aiohttp import web

from headrace.errors import NotFoundError, StorageError
from headrace.platform.datalake.registered import check_unregistered
from headrace.server.http_protocol import defer_continue
from headrace.server.key_ring import KeyRing
from headrace.server.limits.connections import SERVER
from headrace.server.settings import ServerSettings
from headrace.server.signing import PREFIX, Grant, key_number, verify
from headrace.server.uploads import UploadReceiver
from headrace.storage.database.base import Database
from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.names import SHOWN_TYPES
from headrace.threads import in_thread

SMALL = 256 * 1024
"""Files up to this size (bytes) are read whole, in the same thread call that looks them up."""

_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$", re.ASCII)
_log = logging.getLogger("headrace.server")


class Span(NamedTuple):
    """``length`` bytes from ``start``."""

    start: int
    length: int


class UnsatisfiableRangeError(ValueError):
    """The range lies outside of the file."""


class _StoredFile(NamedTuple):
    """An object: its size, a validator of its content, and the content itself where it is small."""

    name: str
    size: int
    etag: str | None
    content: bytes | None


class FileRoutes:
    """The handlers of the file URLs of one lake."""

    def __init__(
        self, objects: ObjectStore, database: Database, keys: KeyRing, settings: ServerSettings
    ) -> None:
        self._objects = objects
        self._database = database
        self._keys = keys
        self._life = settings.url_ttl
        self._receiver = UploadReceiver(
            objects, settings.max_upload, partial(check_unregistered, database)
        )

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of files."""
        path = PREFIX + "{name:.+}"
        return [
            web.get(path, self.read, allow_head=True),
            web.post(path, self.receive_form, expect_handler=defer_continue),
            web.put(path, self.receive_bytes, expect_handler=defer_continue),
        ]

    async def receive_form(self, request: web.Request) -> web.Response:
        """Store the file of a multipart form."""
        return await self._receiver.form(request, await self._grant(request))

    async def receive_bytes(self, request: web.Request) -> web.Response:
        """Store a whole object, or one part of a multipart upload."""
        grant = await self._grant(request)
        if grant.upload_id:
            return await self._receiver.part(request, grant)
        return await self._receiver.whole(request, grant)

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Send a file or a range of it, always with a Content-Length."""
        found = await self._find((await self._grant(request)).object_name)
        headers = _headers(found)
        if found.etag and request.headers.get("If-None-Match") in (found.etag, "*"):
            return web.Response(status=304, headers=headers)
        try:
            span = _conditional_span(request, found)
        except UnsatisfiableRangeError:
            headers["Content-Range"] = f"bytes */{found.size}"
            return web.Response(status=416, headers=headers)
        if span is None:
            return await self._send(request, found, Span(0, found.size), 200, headers)
        last = span.start + span.length - 1
        headers["Content-Range"] = f"bytes {span.start}-{last}/{found.size}"
        return await self._send(request, found, span, 206, headers)

    async def _grant(self, request: web.Request) -> Grant:
        name, query = request.match_info["name"], request.query
        keys = await self._keys.accepted(key_number(query))
        return verify(keys, request.method, name, query, life=self._life)

    async def _find(self, name: str) -> _StoredFile:
        path = self._objects.local_path(name)
        if path is not None:
            found = await in_thread(_look_up, name, path)
        else:
            info = await self._objects.head(name)
            etag = f'"{info.sha256.hex()}"' if info and info.sha256 else None
            found = _StoredFile(name, info.size, etag, None) if info else None
        if found is None:
            await self._database.check_present()
            raise NotFoundError(f"no object {name!r}")
        return found

    async def _send(
        self,
        request: web.Request,
        found: _StoredFile,
        span: Span,
        status: int,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        if found.content is not None and request.method != "HEAD":
            body = found.content[span.start : span.start + span.length]
            return web.Response(status=status, headers=headers, body=body)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = span.length
        await response.prepare(request)
        if request.method != "HEAD":
            await self._stream(request, response, found.name, span)
        return response

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, name: str, span: Span
    ) -> None:
        sent = 0
        try:
            async with aclosing(self._chunks(name, span)) as chunks:
                async for chunk in chunks:
                    await response.write(chunk)
                    sent += len(chunk)
        except StorageError:
            _log.exception("reading an object failed midway")
        if sent != span.length and request.transport is not None:
            # The length was already sent: only a broken connection tells the client that the body is incomplete.
            request.transport.abort()

    async def _chunks(self, name: str, span: Span) -> AsyncGenerator[bytes, None]:
        chunks: Any = self._objects.get(name, offset=span.start, length=span.length)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


def _look_up(name: str, path: str) -> _StoredFile | None:
    try:
        fd = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as exc:
        raise StorageError(f"cannot read object {name}: {exc.strerror}") from exc
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            return None
        etag = f'"{info.st_mtime_ns:x}-{info.st_ino:x}-{info.st_size:x}"'
        content = os.pread(fd, info.st_size, 0) if info.st_size <= SMALL else None
        if content is not None and len(content) != info.st_size:
            raise StorageError(f"object {name} changed while it was read")
        return _StoredFile(name, info.st_size, etag, content)
    finally:
        os.close(fd)


def _conditional_span(request: web.Request, found: _StoredFile) -> Span | None:
    condition = request.headers.get("If-Range")
    if condition is not None and condition != found.etag:
        return None
    return parse_range(request.headers.get("Range"), found.size)


def _headers(found: _StoredFile) -> dict[str, str]:
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    disposition = "inline" if kind in SHOWN_TYPES else "attachment"
    filename = quote(found.name.rpartition("/")[2], safe="")
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{filename}",
        # Files are untrusted uploads: nothing in them may run as a page of this host.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": kind if disposition == "inline" else "application/octet-stream",
        "Server": SERVER,
        "X-Content-Type-Options": "nosniff",
    }
    if found.etag:
        headers["ETag"] = found.etag
    return headers


def parse_range(header: str | None, size: int) -> Span | None:
    """Parse a ``Range`` header for a file of ``size`` bytes; None means the whole file.

    Multiple ranges and malformed headers mean the whole file, as HTTP allows.

    Raises:
        UnsatisfiableRangeError: The range lies outside of the file.
    """
    found = _RANGE.match(header.strip()) if header else None
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, end = max(0, size - int(found[2])), size - 1
        if int(found[2]) == 0:
            raise UnsatisfiableRangeError
    else:
        start = int(found[1])
        end = min(size - 1, int(found[2])) if found[2] else size - 1
        if found[2] and int(found[2]) < start:
            return None
    if start >= size:
        raise UnsatisfiableRangeError
    return Span(start, end - start + 1)
