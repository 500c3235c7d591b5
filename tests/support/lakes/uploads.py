"""A client that uploads by hand, over HTTP with signed URLs: as a form, as bare bytes, and in parts."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import aiohttp
from msgspec import Struct
from yarl import URL

from headrace.backend.base import Backend
from headrace.backend.connect import open_backend
from headrace.errors import APIError
from headrace.model.enums import DataType
from headrace.model.records import DatalakeRecord, DataRecord, Meta
from headrace.protocol.operations.datalake import (
    FIND_DATALAKE,
    REGISTER_DATA,
    FindDatalake,
    RegisterData,
)
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
from headrace.protocol.operations.uploading import PREPARE_UPLOADS, PrepareUploads
from headrace.server.settings import ServerSettings
from tests.support.lakes.on_s3 import running_on_s3
from tests.support.lakes.servers import Running, running
from tests.support.storage import files_on_s3

WAYS = ("form", "bare", "parts", "completing")
"""``parts`` sends a part and completes, ``completing`` only completes: its part was sent when it was prepared."""

Send = Callable[[bytes], Awaitable[int]]
"""Sends content to where it was prepared to go, and returns the status."""


class Uploader(Struct):
    """Works on the server of a lake."""

    server: Running
    backend: Backend
    organization: UUID
    lake: DatalakeRecord
    http: aiohttp.ClientSession
    on_s3: bool = False

    async def new_name(self) -> tuple[str, str]:
        """An object name, and the URL to put its bytes to."""
        request = PrepareUploads(
            organization_id=self.organization, connector_id=self.connector, filenames=["a.png"]
        )
        (prepared,) = (await self.backend.call(PREPARE_UPLOADS, request)).items
        return prepared.object_name, prepared.ticket.presigned_url_data.url

    @property
    def connector(self) -> UUID:
        assert self.lake.connector_id is not None
        return self.lake.connector_id

    async def prepare(self, way: str, name: str, url: str, content: bytes = b"part") -> Send:
        """Ask for the URLs of an upload of one of the :data:`WAYS`; ``content`` is the part of ``completing``."""
        if way == "bare":
            return lambda content: self.put(url, content)
        if way == "form":
            ticket = await self.backend.call(
                PRESIGN_UPLOAD,
                PresignUpload(
                    connector_id=self.connector, object_name=name, content_type="image/png"
                ),
            )
            target = ticket.presigned_url_data
            return lambda content: self._send_form(target.url, target.fields, content)
        begun = await self.backend.call(
            INIT_MULTIPART,
            InitMultipart(connector_id=self.connector, object_name=name, content_type="image/png"),
        )
        assert begun.upload_id is not None
        upload_id = begun.upload_id
        part = await self.backend.call(
            PRESIGN_PART,
            PresignPart(
                connector_id=self.connector, object_name=name, upload_id=upload_id, part_no=1
            ),
        )
        if way == "completing":
            assert await self.put(part.url, content) == 200

        async def send(sent: bytes) -> int:
            if way == "parts" and (status := await self.put(part.url, sent)) != 200:
                return status
            return await self.complete(name, upload_id, content if way == "completing" else sent)

        return send

    async def put(self, url: str, content: bytes) -> int:
        # Of a whole object, S3 demands that it may only be created.
        only_new = {"If-None-Match": "*"} if self.on_s3 and "uploadId" not in url else {}
        data = io.BytesIO(content) if len(content) >= 1 << 20 else content
        async with self.http.put(URL(url, encoded=True), data=data, headers=only_new) as answer:
            return 204 if only_new and answer.status == 200 else answer.status

    async def complete(self, name: str, upload_id: str, content: bytes) -> int:
        digest = hashlib.md5(content) if self.on_s3 else hashlib.sha256(content)
        etag = f'"{digest.hexdigest()}"'
        request = CompleteMultipart(
            connector_id=self.connector,
            object_name=name,
            upload_id=upload_id,
            parts=[UploadedPart(etag, 1)],
        )
        try:
            await self.backend.call(COMPLETE_MULTIPART, request)
        except APIError as error:
            return error.status
        return 204

    async def register(self, name: str, lake: UUID | None = None) -> DataRecord:
        request = RegisterData(
            datalake_id=lake or self.lake.id,
            type=DataType.IMAGE,
            filename="a.png",
            object_name=name,
            content_type="image/png",
            meta=Meta(8, 6),
        )
        return await self.backend.call(REGISTER_DATA, request)

    async def stored(self, name: str) -> bytes | None:
        """The bytes of an object, None where there is none."""
        objects = self.server.platform.context.objects
        if await objects.head(name) is None:
            return None
        return b"".join([chunk async for chunk in objects.get(name)])

    async def _send_form(self, url: str, fields: dict[str, str], content: bytes) -> int:
        form = aiohttp.FormData({**fields, "Content-Type": "image/png"})
        form.add_field("file", content, filename="a.png")
        async with self.http.post(URL(url, encoded=True), data=form) as answer:
            return answer.status


@asynccontextmanager
async def uploader(
    path: Path, settings: ServerSettings | None = None, *, on_s3: bool = False
) -> AsyncIterator[Uploader]:
    """A new lake, served in this process, and who uploads to it."""
    async with (running_on_s3 if on_s3 else running)(path, settings) as server:
        backend, _, organization = await open_backend(server.address, api_token=server.token)
        try:
            lake = await backend.call(FIND_DATALAKE, FindDatalake(organization_id=organization.id))
            async with aiohttp.ClientSession() as http:
                here = on_s3 or files_on_s3()
                yield Uploader(server, backend, organization.id, lake, http, here)
        finally:
            await backend.aclose()
