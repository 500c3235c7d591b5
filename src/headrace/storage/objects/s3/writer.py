"""Store objects on S3 from this process: by one request, or in parts; where the name is free, or where it may be replaced."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import AsyncIterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio

from headrace.errors import ConflictError, MissingExtraError
from headrace.storage.objects import file_errors, source_file
from headrace.storage.objects.base import ObjectInfo, Replacing
from headrace.storage.objects.names import MAX_PARTS, media_type
from headrace.storage.objects.s3.errors import obstore_errors
from headrace.storage.objects.s3.location import S3Location
from headrace.storage.objects.s3.lookup import DIGEST_HEADER, PUT_HEADER, S3Lookup
from headrace.storage.objects.s3.parts import S3Parts, joined_etag, no_upload
from headrace.storage.objects.s3.requests import S3Requests
from headrace.storage.objects.s3.sigv4 import SigningKey
from headrace.tasks import map_bounded
from headrace.threads import in_thread

if TYPE_CHECKING:
    from obstore.store import S3Store

WHOLE_BYTES = 8 * 1024 * 1024
"""Objects of up to this size are stored by one request, larger ones in parts of this size or larger."""

_PARTS_TOGETHER = 4
_LONG_HASH = 1 << 17
_ABORT_SECONDS = 10.0
_RETRIES = 3
_RETRY_SECONDS = 15
_METADATA = "x-amz-meta-"


def connect(location: S3Location, key: SigningKey) -> S3Store:
    """Make obstore's client of a bucket.

    Raises:
        MissingExtraError: The package obstore is not installed.
    """
    try:
        from obstore.store import S3Store
    except ImportError:
        raise MissingExtraError(
            "objects on S3 need the package obstore", install="headrace[s3]"
        ) from None
    return S3Store(
        location.bucket,
        config={
            "access_key_id": key.id,
            "secret_access_key": key.secret,
            **({"session_token": key.token} if key.token else {}),
            "region": location.region,
            "endpoint": location.base(location.endpoint),
            "virtual_hosted_style_request": not location.in_path,
        },
        client_options={
            "allow_http": location.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=10),
        },
        retry_config={
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
        },
    )


class S3Writer:
    """Stores objects in one folder on S3."""

    def __init__(
        self,
        store: S3Store,
        requests: S3Requests,
        lookup: S3Lookup,
        parts: S3Parts,
        replacing: Replacing,
    ) -> None:
        self._store = store
        self._location = requests.location
        self._prefix = requests.location.prefix
        self._lookup = lookup
        self._parts = parts
        self._replacing = replacing

    async def put(self, name: str, content: AsyncIterable[bytes]) -> ObjectInfo:
        """Store a stream."""
        digest, held, size = hashlib.sha256(), bytearray(), 0
        upload_id, parts = "", list[tuple[int, str]]()

        async def send() -> None:
            number = len(parts) + 1
            key = self._prefix + name
            parts.append((number, await self._parts.put(key, name, upload_id, number, bytes(held))))
            held.clear()

        try:
            async for chunk in content:
                if len(chunk) > _LONG_HASH:
                    await in_thread(digest.update, chunk)
                else:
                    digest.update(chunk)
                held += chunk
                size += len(chunk)
                if len(held) > WHOLE_BYTES:
                    upload_id = upload_id or await self.begin(name)
                    await send()
            if not upload_id:
                return await self._put_whole(name, bytes(held), digest.digest())
            if held:
                await send()
            await self.complete(name, upload_id, parts)
        except BaseException:
            await self._abort(name, upload_id)
            raise
        return ObjectInfo(name, size, digest.digest())

    async def put_file(self, name: str, source: Path) -> ObjectInfo:
        """Store a local file."""
        content, sha256, size, state = await in_thread(_read, source)
        if content is not None:
            return await self._put_whole(name, content, sha256)
        upload_id = await self.begin(name, sha256)
        step = _part_bytes(size)

        async def send(number: int) -> tuple[int, str]:
            part = await in_thread(_read_part, source, (number - 1) * step, step, state)
            return number, await self._parts.put(self._prefix + name, name, upload_id, number, part)

        try:
            numbers = range(1, -(-size // step) + 1)
            parts = await map_bounded(send, numbers, concurrency=_PARTS_TOGETHER)
            await self.complete(name, upload_id, parts)
        except BaseException:
            await self._abort(name, upload_id)
            raise
        return ObjectInfo(name, size, sha256)

    async def begin(self, name: str, sha256: bytes = b"") -> str:
        """Begin an upload in parts; returns its id."""
        return await self._parts.begin(self._prefix + name, _headers(name, sha256))

    async def complete(self, name: str, upload_id: str, parts: list[tuple[int, str]]) -> None:
        """Join parts where the name is free; replaces an object where that is permitted.

        Raises:
            NotFoundError: There is no such upload, and no object that these parts have made.
        """
        key, expected = self._prefix + name, joined_etag(parts)
        answer = await self._parts.complete(key, name, upload_id, parts, new=True)
        if answer.is_success:
            return
        # The parts may have been joined before: the answer was lost, or the call is made again.
        found = await self._lookup.head(name)
        if found is not None and expected is not None and found[1].etag.strip('"') == expected:
            return
        if answer.status != 412:
            raise no_upload(name, upload_id)
        async with self._replacing(name):
            answer = await self._parts.complete(key, name, upload_id, parts, new=False)
        if not answer.is_success:
            raise no_upload(name, upload_id)

    async def _put_whole(self, name: str, content: bytes, sha256: bytes) -> ObjectInfo:
        """Store an object by one request."""
        from obstore.exceptions import AlreadyExistsError

        headers = _headers(name, sha256)
        try:
            await self._send(name, content, headers, "create")
        except AlreadyExistsError:
            # It may be this very object: the first answer was lost, and the request repeated.
            found = await self._lookup.head(name)
            if found is not None and found[1].headers.get(PUT_HEADER) == headers[PUT_HEADER]:
                return found[0]
            try:
                async with self._replacing(name):
                    await self._send(name, content, headers, "overwrite")
            except ConflictError:
                # The same bytes are there already: an earlier run of the caller has stored them.
                if found is None or found[0].sha256 != sha256:
                    raise
        return ObjectInfo(name, len(content), sha256)

    async def _send(
        self,
        name: str,
        content: bytes,
        headers: dict[str, str],
        mode: Literal["create", "overwrite"],
    ) -> None:
        import obstore

        attributes = {key.removeprefix(_METADATA): value for key, value in headers.items()}
        with obstore_errors(self._location.name, self._location.endpoint, "store an object"):
            await obstore.put_async(
                self._store,
                self._prefix + name,
                content,
                attributes=attributes,
                mode=mode,
                use_multipart=False,
            )

    async def _abort(self, name: str, upload_id: str) -> None:
        """Delete the parts of a broken upload, also when cancelled; what stays is collected as garbage."""
        if upload_id:
            with anyio.move_on_after(_ABORT_SECONDS, shield=True):
                await self._parts.abort_quietly(self._prefix + name, upload_id)


def _headers(name: str, sha256: bytes) -> dict[str, str]:
    """Return what is stored beside an object."""
    headers = {"Content-Type": media_type(name), PUT_HEADER: secrets.token_hex(8)}
    return headers | {DIGEST_HEADER: sha256.hex()} if sha256 else headers


def _part_bytes(size: int) -> int:
    return max(WHOLE_BYTES, -(-size // MAX_PARTS))


def _read(source: Path) -> tuple[bytes | None, bytes, int, tuple[int, int]]:
    """Read a file; returns its content if it is short, its SHA-256, its size, and its state. Blocks."""
    digest, kept, size = hashlib.sha256(), list[bytes](), 0
    opened = source_file.open_source(source)
    try:
        with file_errors.file_errors(source):
            state = source_file.state_of(opened)
            while chunk := os.read(opened, source_file.CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if size <= WHOLE_BYTES:
                    kept.append(chunk)
            if source_file.state_of(opened) != state or size != state[0]:
                raise source_file.changed(source)
    finally:
        os.close(opened)
    return b"".join(kept) if size <= WHOLE_BYTES else None, digest.digest(), size, state


def _read_part(source: Path, start: int, length: int, state: tuple[int, int]) -> bytes:
    """Read a part of a file that must not have changed. Blocks."""
    opened = source_file.open_source(source)
    try:
        with file_errors.file_errors(source):
            content = os.pread(opened, length, start)
            if source_file.state_of(opened) != state:
                raise source_file.changed(source)
    finally:
        os.close(opened)
    return content
