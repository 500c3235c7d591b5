"""Files on their way in: as the last field of a form, or as one part of an upload. Streamed, bounded, all or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, web

from headrace.errors import BadRequestError, RequestTooLargeError
from headrace.server.expect import invite_body
from headrace.server.signing import Grant
from headrace.storage.objects.base import ObjectStore

CHUNK = 256 * 1024
MAX_FIELDS = 32
MAX_FIELD_BYTES = 8192


class Receiver:
    """Stores what was granted; files and parts of more than ``max_upload`` bytes are refused."""

    def __init__(self, objects: ObjectStore, max_upload: int) -> None:
        self._objects = objects
        self._max_upload = max_upload

    async def form(self, request: web.Request, grant: Grant) -> web.Response:
        """Store the file of a form; the fields before it are read and bounded, the file must come last."""
        self._check_length(request)
        if not request.content_type.startswith("multipart/"):
            raise BadRequestError("the upload is no multipart form")
        await invite_body(request)
        try:
            file = await _find_file(request)
            await self._objects.put(grant.object_name, self._bounded(_chunks(file)))
        except (ValueError, AssertionError):
            raise BadRequestError("the upload's form is damaged or cut short") from None
        return web.Response(status=204)

    async def part(self, request: web.Request, grant: Grant) -> web.Response:
        """Store one part of an upload; an empty one is fine."""
        self._check_length(request)
        await invite_body(request)
        etag = await self._objects.put_part(
            grant.object_name,
            grant.upload_id,
            grant.part_no,
            self._bounded(request.content.iter_chunked(CHUNK)),
        )
        return web.Response(status=200, headers={"ETag": etag})

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


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while not part.at_eof():
        if chunk := await part.read_chunk(CHUNK):
            yield chunk
