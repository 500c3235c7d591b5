"""Files on their way in: as the last field of a form, or as one part of an upload. Streamed, bounded, all or nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, web

from headrace.errors import BadRequestError, RequestTooLargeError
from headrace.server.expect import invite_body
from headrace.server.signing import Grant
from headrace.storage.objects.base import ObjectStore

CHUNK = 256 * 1024
MAX_FIELDS = 32
MAX_FIELD_BYTES = 8192

_SHA256 = re.compile(r'"[0-9a-f]{64}"')
_PROMISED = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{44}):", re.IGNORECASE)


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
            stored = await self._objects.put(grant.object_name, self._bounded(_chunks(file)))
        except (ValueError, AssertionError):
            raise BadRequestError("the upload's form is damaged or cut short") from None
        return web.Response(status=204, headers=_digest_header(stored.sha256))

    async def whole(self, request: web.Request, grant: Grant) -> web.Response:
        """Store the bare bytes of a file. What is not what its ``Content-Digest`` says is not kept."""
        stored = await self._objects.put(grant.object_name, await self._body(request))
        return web.Response(status=204, headers=_digest_header(stored.sha256))

    async def part(self, request: web.Request, grant: Grant) -> web.Response:
        """Store one part of an upload; an empty one is fine. One that is not what its ``Content-Digest`` says is not kept."""
        etag = await self._objects.put_part(
            grant.object_name, grant.upload_id, grant.part_no, await self._body(request)
        )
        headers = {"ETag": etag}
        if _SHA256.fullmatch(etag):
            headers |= _digest_header(bytes.fromhex(etag.strip('"')))
        return web.Response(status=200, headers=headers)

    async def _body(self, request: web.Request) -> AsyncIterator[bytes]:
        """The bytes of a body, held to the limit and to what was promised of them."""
        self._check_length(request)
        promised = _promised(request)
        await invite_body(request)
        chunks = self._bounded(request.content.iter_chunked(CHUNK))
        return chunks if promised is None else _checked(chunks, promised)

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


def _promised(request: web.Request) -> bytes | None:
    """The SHA-256 that the sender names ahead."""
    found = _PROMISED.search(request.headers.get("Content-Digest", ""))
    return base64.b64decode(found[1]) if found else None


async def _checked(chunks: AsyncIterator[bytes], promised: bytes) -> AsyncIterator[bytes]:
    """The chunks; an error in the place of their end, so that they are thrown away, where they are not what was promised."""
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if not hmac.compare_digest(digest.digest(), promised):
        raise BadRequestError(
            "the bytes are not those that Content-Digest names", hint="send them again"
        )


def _digest_header(sha256: bytes) -> dict[str, str]:
    """What was stored, so that the sender can tell whether it is what was sent."""
    if not sha256:
        return {}
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(sha256).decode()}:"}
