"""Sending a file to a storage, in the protocol that the upload's ticket names. Files are read in bounded pieces.

Connections that break are tried again from the piece they broke in; a part or a form may always be sent twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from uuid import UUID

import aiohttp

from headrace.backend.filebody import FileBody
from headrace.errors import TransferError, error_for_status
from headrace.model.records import UploadTicket
from headrace.net.redact import redact
from headrace.net.retry import STORAGE_TRANSIENT, RetryPolicy, send_with_retries
from headrace.net.session import Answer, StorageSession
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations.storage import (
    COMPLETE_MULTIPART,
    INIT_MULTIPART,
    PRESIGN_PART,
    PRESIGN_UPLOAD,
    CompleteMultipart,
    InitMultipart,
    PresignPart,
    PresignUpload,
    UploadedPart,
)
from headrace.storage.threads import in_thread

PART_BYTES = 25 * 1024 * 1024
"""Files above this go in parts of this size."""


class Caller(Protocol):
    """Whoever answers the operations that hand out upload URLs."""

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Answer one operation."""
        ...


class Uploader:
    """Uploads the files of one backend."""

    def __init__(
        self, caller: Caller, storage: StorageSession, *, policy: RetryPolicy | None = None
    ) -> None:
        self._caller = caller
        self._storage = storage
        self._policy = policy

    async def upload(
        self, path: Path, *, connector_id: UUID, object_name: str, content_type: str
    ) -> None:
        """Send a file; raises :class:`TransferError` or an error of the API, ``OSError`` where it cannot be read."""
        size = (await in_thread(path.stat)).st_size
        if size > PART_BYTES:
            ticket = await self._caller.call(
                INIT_MULTIPART,
                InitMultipart(
                    connector_id=connector_id, object_name=object_name, content_type=content_type
                ),
            )
            kind = (ticket.client_type or "").lower()
            if kind in ("aws", "minio") and ticket.upload_id:
                await self._in_parts(path, size, connector_id, object_name, ticket.upload_id)
                return
            if kind == "google" and ticket.url:
                await self._in_ranges(path, size, ticket.url)
                return
        await self._at_once(
            path,
            size,
            connector_id=connector_id,
            object_name=object_name,
            content_type=content_type,
        )

    async def _at_once(
        self, path: Path, size: int, *, connector_id: UUID, object_name: str, content_type: str
    ) -> None:
        ticket = await self._caller.call(
            PRESIGN_UPLOAD,
            PresignUpload(
                connector_id=connector_id, object_name=object_name, content_type=content_type
            ),
        )
        kind = ticket.client_type.lower()
        target = ticket.presigned_url_data
        if kind in ("aws", "minio", "google"):
            boundary = os.urandom(16).hex()
            head, tail = _form(boundary, ticket, object_name, content_type)
            headers = {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Content-Length": str(len(head) + size + len(tail)),
            }
            await self._send(
                "POST", target.url, lambda: FileBody(path, 0, size, head=head, tail=tail), headers
            )
        elif kind == "azure":
            headers = {
                **target.fields,
                "Content-Type": content_type,
                "Content-Length": str(size),
                "x-ms-blob-type": "BlockBlob",
            }
            await self._send("PUT", target.url, lambda: FileBody(path, 0, size), headers)
        else:
            raise TransferError(
                f"the storage asks for an upload by {ticket.client_type!r}, which headrace does not speak"
            )

    async def _in_parts(
        self, path: Path, size: int, connector_id: UUID, object_name: str, upload_id: str
    ) -> None:
        done = []
        for number, start in enumerate(range(0, size, PART_BYTES), 1):
            length = min(PART_BYTES, size - start)
            part = await self._caller.call(
                PRESIGN_PART,
                PresignPart(
                    connector_id=connector_id,
                    object_name=object_name,
                    upload_id=upload_id,
                    part_no=number,
                ),
            )
            answer = await self._send_piece(path, part.url, start, length, {})
            etag = answer.headers.get("ETag")
            if etag is None:
                raise TransferError(f"{redact(part.url)} took part {number} but named no ETag")
            done.append(UploadedPart(etag=etag, part_number=number))
        await self._caller.call(
            COMPLETE_MULTIPART,
            CompleteMultipart(
                connector_id=connector_id,
                object_name=object_name,
                upload_id=upload_id,
                parts=done,
            ),
        )

    async def _in_ranges(self, path: Path, size: int, url: str) -> None:
        for start in range(0, size, PART_BYTES):
            length = min(PART_BYTES, size - start)
            place = {"Content-Range": f"bytes {start}-{start + length - 1}/{size}"}
            await self._send_piece(path, url, start, length, place)

    async def _send_piece(
        self, path: Path, url: str, start: int, length: int, headers: Mapping[str, str]
    ) -> Answer:
        headers = {**headers, "Content-Length": str(length)}
        return await self._send("PUT", url, lambda: FileBody(path, start, length), headers)

    async def _send(
        self,
        method: str,
        url: str,
        body: Callable[[], FileBody],
        headers: Mapping[str, str],
    ) -> Answer:
        async def send() -> Answer:
            with body() as content:
                data = aiohttp.AsyncIterablePayload(content)
                try:
                    return await self._storage.send(method, url, data=data, headers=headers)
                except TransferError:
                    if content.failure is not None:
                        raise content.failure from None
                    raise

        answer = await send_with_retries(
            send, repeatable=True, policy=self._policy, transient=STORAGE_TRANSIENT
        )
        if answer.status >= 400:
            raise error_for_status(
                answer.status, f"{redact(url)} refused the upload (status {answer.status})"
            )
        return answer


def _form(
    boundary: str, ticket: UploadTicket, object_name: str, content_type: str
) -> tuple[bytes, bytes]:
    """What stands before and after the file in a form: all fields, the content type, then the file."""
    fields = {**ticket.presigned_url_data.fields, "Content-Type": content_type}
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_quoted(object_name)}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return "".join(lines).encode(), f"\r\n--{boundary}--\r\n".encode()


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
