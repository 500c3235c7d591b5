"""Files over HTTP, by signed URL, with ranges. No token is asked or looked at: the URL is the whole authority."""

from __future__ import annotations

import logging
import mimetypes
import os
import stat
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from aiohttp import web

from headrace.errors import NotFoundError, StorageError
from headrace.server.expect import defer_continue
from headrace.server.ranges import Span, UnsatisfiableRangeError, asked_span
from headrace.server.receiving import Receiver
from headrace.server.signing import PREFIX, Grant, verify
from headrace.storage.objects.base import ObjectStore
from headrace.threads import in_thread

SMALL = 256 * 1024
"""Files up to this size are read whole, in the one trip to a thread that also looks them up."""

_SHOWN_INLINE = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff", "video/mp4"}
)
_log = logging.getLogger("headrace.server")


class _Found(NamedTuple):
    """An object: its size, a name for its very content, and the content itself where it is small."""

    name: str
    size: int
    etag: str | None
    content: bytes | None


class Blobs:
    """Handlers of the file URLs of one lake."""

    def __init__(self, objects: ObjectStore, keys: Mapping[int, bytes], *, max_upload: int) -> None:
        self._objects = objects
        self._keys = keys
        self._receiver = Receiver(objects, max_upload)

    def routes(self) -> list[web.RouteDef]:
        """The routes of files."""
        path = PREFIX + "{name:.+}"
        return [
            web.get(path, self.read, allow_head=True),
            web.post(path, self.receive_form, expect_handler=defer_continue),
            web.put(path, self.receive_bytes, expect_handler=defer_continue),
        ]

    async def receive_form(self, request: web.Request) -> web.Response:
        """Store the file of a form."""
        return await self._receiver.form(request, self._granted(request))

    async def receive_bytes(self, request: web.Request) -> web.Response:
        """Store a whole object, or one part of an upload in parts."""
        grant = self._granted(request)
        if grant.upload_id:
            return await self._receiver.part(request, grant)
        return await self._receiver.whole(request, grant)

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Answer a file or a range of it; always with a length."""
        found = await self._find(self._granted(request).object_name)
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

    def _granted(self, request: web.Request) -> Grant:
        return verify(self._keys, request.method, request.match_info["name"], request.query)

    async def _find(self, name: str) -> _Found:
        path = self._objects.local_path(name)
        if path is not None:
            found = await in_thread(_look_up, name, path)
        else:
            info = await self._objects.head(name)
            etag = f'"{info.sha256.hex()}"' if info and info.sha256 else None
            found = _Found(name, info.size, etag, None) if info else None
        if found is None:
            raise NotFoundError(f"no object {name!r}")
        return found

    async def _send(
        self,
        request: web.Request,
        found: _Found,
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
            # The length is promised already: only a cut connection tells the client that this is not the file.
            request.transport.abort()

    async def _chunks(self, name: str, span: Span) -> AsyncGenerator[bytes, None]:
        chunks: Any = self._objects.get(name, offset=span.start, length=span.length)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


def _look_up(name: str, path: Path) -> _Found | None:
    try:
        opened = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as exc:
        raise StorageError(f"cannot read object {name}: {exc.strerror}") from exc
    try:
        about = os.fstat(opened)
        if not stat.S_ISREG(about.st_mode):
            return None
        etag = f'"{about.st_mtime_ns:x}-{about.st_ino:x}-{about.st_size:x}"'
        content = os.pread(opened, about.st_size, 0) if about.st_size <= SMALL else None
        if content is not None and len(content) != about.st_size:
            raise StorageError(f"object {name} is shorter than it was")
        return _Found(name, about.st_size, etag, content)
    finally:
        os.close(opened)


def _conditional_span(request: web.Request, found: _Found) -> Span | None:
    condition = request.headers.get("If-Range")
    if condition is not None and condition != found.etag:
        return None
    return asked_span(request.headers.get("Range"), found.size)


def _headers(found: _Found) -> dict[str, str]:
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    shown = "inline" if kind in _SHOWN_INLINE else "attachment"
    filename = quote(found.name.rpartition("/")[2], safe="")
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{filename}",
        # Files are whatever people upload: nothing in them may run as a page of this host.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": kind if shown == "inline" else "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
    }
    if found.etag:
        headers["ETag"] = found.etag
    return headers
