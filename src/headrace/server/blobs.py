"""Files over HTTP, by signed URL: read with ranges, sent as a form or in parts. No token is asked or looked at."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from headrace.errors import BadRequestError, NotFoundError, RequestTooLargeError, StorageError
from headrace.server.expect import defer_continue, invite_body
from headrace.server.ranges import Span, UnsatisfiableRangeError, asked_span
from headrace.server.signing import PREFIX, Grant, verify
from headrace.storage.objects.base import ObjectInfo, ObjectStore

CHUNK = 256 * 1024
MAX_FIELDS = 32
MAX_FIELD_BYTES = 8192

_SHOWN_INLINE = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff", "video/mp4"}
)
_log = logging.getLogger("headrace.server")


class Blobs:
    """Handlers of the file URLs of one lake."""

    def __init__(
        self,
        objects: ObjectStore,
        keys: Mapping[int, bytes],
        *,
        max_upload: int,
    ) -> None:
        self._objects = objects
        self._keys = keys
        self._max_upload = max_upload

    def routes(self) -> list[web.RouteDef]:
        """The routes of files."""
        path = PREFIX + "{name:.+}"
        return [
            web.get(path, self.read, allow_head=True),
            web.post(path, self.receive_form, expect_handler=defer_continue),
            web.put(path, self.receive_part, expect_handler=defer_continue),
        ]

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Answer a file or a range of it; always with a length."""
        grant = self._granted(request)
        info = await self._objects.head(grant.object_name)
        if info is None:
            raise NotFoundError(f"no object {grant.object_name!r}")
        etag = self._etag(info)
        headers = _headers(info, etag)
        if etag and request.headers.get("If-None-Match") in (etag, "*"):
            return web.Response(status=304, headers=headers)
        try:
            span = _conditional_span(request, info.size, etag)
        except UnsatisfiableRangeError:
            return web.Response(
                status=416, headers={**headers, "Content-Range": f"bytes */{info.size}"}
            )
        status = 200
        if span is None:
            span = Span(0, info.size)
        else:
            status = 206
            last = span.start + span.length - 1
            headers["Content-Range"] = f"bytes {span.start}-{last}/{info.size}"
        return await self._send(request, info, span, status, headers)

    async def receive_form(self, request: web.Request) -> web.Response:
        """Store the file of a form; the fields before it are read and bounded, the file must come last."""
        grant = self._granted(request)
        self._check_length(request)
        if not request.content_type.startswith("multipart/"):
            raise BadRequestError("the upload is no multipart form")
        await invite_body(request)
        try:
            file = await _find_file(request)
            await self._objects.put(grant.object_name, self._bounded(_form_chunks(file)))
        except (ValueError, AssertionError):
            raise BadRequestError("the upload's form is damaged or cut short") from None
        return web.Response(status=204)

    async def receive_part(self, request: web.Request) -> web.Response:
        """Store one part of an upload; an empty one is fine."""
        grant = self._granted(request)
        self._check_length(request)
        await invite_body(request)
        etag = await self._objects.put_part(
            grant.object_name,
            grant.upload_id,
            grant.part_no,
            self._bounded(request.content.iter_chunked(CHUNK)),
        )
        return web.Response(status=200, headers={"ETag": etag})

    def _etag(self, info: ObjectInfo) -> str | None:
        """A name for the very content: its digest, else the moment and place of a plain file."""
        if info.sha256:
            return f'"{info.sha256.hex()}"'
        path = self._objects.local_path(info.name)
        if path is None:
            return None
        try:
            found = path.stat()
        except OSError:
            return None
        return f'"{found.st_mtime_ns:x}-{found.st_ino:x}-{found.st_size:x}"'

    def _granted(self, request: web.Request) -> Grant:
        return verify(self._keys, request.method, request.match_info["name"], request.query)

    def _check_length(self, request: web.Request) -> None:
        # A form's own lines ride along: they are small, and the exact count follows while reading.
        if (request.content_length or 0) > self._max_upload + MAX_FIELDS * MAX_FIELD_BYTES:
            raise self._too_large()

    async def _bounded(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > self._max_upload:
                    raise self._too_large()
                yield chunk
        except ConnectionError:
            # The sender's fault must not look like the disk's.
            raise web.RequestPayloadError("the upload broke off") from None

    def _too_large(self) -> RequestTooLargeError:
        return RequestTooLargeError(
            f"the file is larger than the {self._max_upload} bytes that this server takes",
            hint="send it in parts",
        )

    async def _send(
        self,
        request: web.Request,
        info: ObjectInfo,
        span: Span,
        status: int,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        whole = span.length <= CHUNK
        if request.method != "HEAD" and whole:
            body = b"".join([c async for c in self._chunks(info.name, span)])
            if len(body) == span.length:
                return web.Response(status=status, headers=headers, body=body)
            raise NotFoundError(f"object {info.name!r} has changed", hint="ask again")
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = span.length
        await response.prepare(request)
        if request.method != "HEAD":
            await self._stream(request, response, info.name, span)
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
        if span.length == 0:
            return
        chunks: Any = self._objects.get(name, offset=span.start, length=span.length)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk


async def _find_file(request: web.Request) -> BodyPartReader:
    reader = await request.multipart()
    for _ in range(MAX_FIELDS):
        part = await reader.next()
        if part is None:
            break
        if not isinstance(part, BodyPartReader):
            raise BadRequestError("the upload's form holds another form")
        if part.name == "file":
            return part
        await _skip(part)
    raise BadRequestError("the form has no field 'file'")


async def _skip(part: BodyPartReader) -> None:
    size = 0
    while not part.at_eof():
        size += len(await part.read_chunk(MAX_FIELD_BYTES))
        if size > MAX_FIELD_BYTES:
            raise BadRequestError("a field of the form is too long")


async def _form_chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while not part.at_eof():
        if chunk := await part.read_chunk(CHUNK):
            yield chunk


def _conditional_span(request: web.Request, size: int, etag: str | None) -> Span | None:
    condition = request.headers.get("If-Range")
    if condition is not None and condition != etag:
        return None
    return asked_span(request.headers.get("Range"), size)


def _headers(info: ObjectInfo, etag: str | None) -> dict[str, str]:
    kind = mimetypes.guess_type(info.name)[0] or "application/octet-stream"
    shown = "inline" if kind in _SHOWN_INLINE else "attachment"
    filename = quote(info.name.rpartition("/")[2], safe="")
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{filename}",
        # Files are whatever people upload: nothing in them may run as a page of this host.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": kind if shown == "inline" else "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
    }
    if etag:
        headers["ETag"] = etag
    return headers
