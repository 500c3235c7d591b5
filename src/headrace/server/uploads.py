"""Receive uploads: as the last field of a form, as bare bytes, or as one part. Streamed, limited, stored whole or not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import BodyPartReader, web

from headrace.errors import BadRequestError, RequestTooLargeError, error_for_status
from headrace.server.http_protocol import send_continue
from headrace.server.limits.bodies import too_slow
from headrace.server.limits.connections import SlowBodyError
from headrace.server.signing import Grant
from headrace.storage.objects.base import ObjectStore

CHUNK = 256 * 1024
EARLY = 1024 * 1024
"""Size (bytes) of a body from which an upload that must be refused is refused before it is received."""
MAX_FIELDS = 32
MAX_FIELD_BYTES = 8192

_SHA256 = re.compile(r'"[0-9a-f]{64}"')
_CONTENT_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{44}):", re.IGNORECASE)


class UploadReceiver:
    """Stores uploads that a grant allows; files and parts of more than ``max_upload`` bytes are refused.

    ``check_free`` raises an error for an object that may not be stored again. The store asks too, when the bytes are
    there; asking first saves receiving much that is refused.
    """

    def __init__(
        self,
        objects: ObjectStore,
        max_upload: int,
        check_free: Callable[[str], Awaitable[None]],
    ) -> None:
        self._objects = objects
        self._check_free = check_free
        self._max_upload = max_upload

    async def form(self, request: web.Request, grant: Grant) -> web.Response:
        """Store the file of a form. The file must be the last field; the fields before it are read and limited."""
        self._check_length(request)
        await self._check_early(request, grant)
        if not request.content_type.startswith("multipart/"):
            raise BadRequestError("the upload is not a multipart form")
        await send_continue(request)
        try:
            file = await _find_file(request)
            stored = await self._objects.put(grant.object_name, self._bounded(_chunks(file)))
        except (ValueError, AssertionError):
            raise BadRequestError("the form is damaged or truncated") from None
        return web.Response(status=204, headers=_digest_header(stored.sha256))

    async def whole(self, request: web.Request, grant: Grant) -> web.Response:
        """Store the bare bytes of a file; bytes that do not match ``Content-Digest`` are discarded."""
        await self._check_early(request, grant)
        stored = await self._objects.put(grant.object_name, await self._body(request))
        return web.Response(status=204, headers=_digest_header(stored.sha256))

    async def part(self, request: web.Request, grant: Grant) -> web.Response:
        """Store one part of an upload, which may be empty; bytes that do not match ``Content-Digest`` are discarded."""
        await self._check_free(grant.object_name)
        etag = await self._objects.put_part(
            grant.object_name, grant.upload_id, grant.part_no, await self._body(request)
        )
        headers = {"ETag": etag}
        if _SHA256.fullmatch(etag):
            headers |= _digest_header(bytes.fromhex(etag.strip('"')))
        return web.Response(status=200, headers=headers)

    async def _body(self, request: web.Request) -> AsyncIterator[bytes]:
        """Stream a body, checked against the limit and the promised digest."""
        self._check_length(request)
        expected = _expected_digest(request)
        await send_continue(request)
        chunks = self._bounded(request.content.iter_chunked(CHUNK))
        return chunks if expected is None else _checked(chunks, expected)

    async def _check_early(self, request: web.Request, grant: Grant) -> None:
        # A small file costs less to receive than to ask about.
        if request.content_length is None or request.content_length > EARLY:
            await self._check_free(grant.object_name)

    def _check_length(self, request: web.Request) -> None:
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise error_for_status(415, "a file is sent as it is, without Content-Encoding")
        # The length includes the other fields of the form; the exact size is checked while reading.
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
        except SlowBodyError:
            raise too_slow() from None
        except ConnectionError:
            # A failure of the connection must not be reported as one of the disk.
            raise web.RequestPayloadError("the upload was interrupted") from None

    def _too_large(self) -> RequestTooLargeError:
        return RequestTooLargeError(
            f"the file is larger than the {self._max_upload} bytes that this server accepts",
            hint="send it in parts",
        )


async def _find_file(request: web.Request) -> BodyPartReader:
    reader = await request.multipart()
    for _ in range(MAX_FIELDS):
        part = await reader.next()
        if part is None:
            break
        if not isinstance(part, BodyPartReader):
            raise BadRequestError("the form contains another form")
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


def _expected_digest(request: web.Request) -> bytes | None:
    """Return the SHA-256 in the ``Content-Digest`` header."""
    found = _CONTENT_DIGEST.search(request.headers.get("Content-Digest", ""))
    return base64.b64decode(found[1]) if found else None


async def _checked(chunks: AsyncIterator[bytes], expected: bytes) -> AsyncIterator[bytes]:
    """Pass the chunks on, and raise at their end where the digest differs, so that the store discards them."""
    digest = hashlib.sha256()
    async for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if not hmac.compare_digest(digest.digest(), expected):
        raise BadRequestError("the bytes do not match Content-Digest", hint="send them again")


def _digest_header(sha256: bytes) -> dict[str, str]:
    """Return the digest of the stored bytes as a header, for the sender to compare."""
    if not sha256:
        return {}
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(sha256).decode()}:"}
