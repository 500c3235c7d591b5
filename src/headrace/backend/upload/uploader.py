"""Sending a file to a storage, in the protocol that the upload's ticket names. Files are read in bounded pieces.

A form or a part may always be sent twice; a connection that breaks costs the piece that it broke in.
"""

from __future__ import annotations

import os
from uuid import UUID

from headrace.backend.base import Caller, UploadedFile
from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.journal import UploadJournal, UploadState
from headrace.backend.upload.multipart import (
    PARALLEL,
    PART_BYTES,
    MultipartUpload,
    ResumableUpload,
    is_lost,
    part_bytes,
)
from headrace.backend.upload.signed_put import FileRange, SignedUploader, UploadTarget
from headrace.errors import APIError, TransferError
from headrace.model.records import UploadTicket
from headrace.protocol.operations.storage import (
    INIT_MULTIPART,
    PRESIGN_UPLOAD,
    InitMultipart,
    PresignUpload,
)
from headrace.threads import in_thread

_BY_FORM = frozenset({"aws", "minio", "google"})
_BY_PUT = "azure"
_BARE = "headrace"


class RemoteUpload:
    """One file on its way to a storage. ``object_name`` is what an earlier run began to send it as, None where none did."""

    def __init__(
        self,
        caller: Caller,
        courier: SignedUploader,
        file: Snapshot,
        connector_id: UUID,
        journal: UploadJournal | None = None,
        *,
        parallel: int = PARALLEL,
    ) -> None:
        self._caller = caller
        self._courier = courier
        self._file = file
        self._connector_id = connector_id
        self._journal = journal
        self._in_parts = MultipartUpload(caller, courier, connector_id, parallel=parallel)

    @property
    def object_name(self) -> str | None:
        """The name to go on with."""
        begun = None if self._journal is None else self._journal.begun
        return None if begun is None else begun.object_name

    async def send(
        self, object_name: str, content_type: str, ticket: UploadTicket | None = None
    ) -> UploadedFile:
        """Send the file, in parts where it is large; to where the ``ticket`` says first, where there is one.

        Raises TransferError (also where the file changes meanwhile), an error of the API, ``OSError`` where the file
        cannot be read.
        """
        if (
            ticket is None
            and self._file.size > PART_BYTES
            and await self._in_pieces(object_name, content_type)
        ):
            return UploadedFile(self._file.size)
        return await self._at_once(object_name, content_type, ticket)

    async def finish(self) -> None:
        """The object is a data now: nothing of this upload needs to be gone on with."""
        if self._journal is not None:
            await in_thread(self._journal.forget)

    # --- in one piece -------------------------------------------------------------------------------------

    async def _at_once(
        self, object_name: str, content_type: str, first: UploadTicket | None
    ) -> UploadedFile:
        async def ask() -> UploadTarget:
            nonlocal first
            if first is not None:
                ticket, first = first, None
                return _place(ticket, object_name, content_type)
            ticket = await self._caller.call(
                PRESIGN_UPLOAD,
                PresignUpload(
                    connector_id=self._connector_id,
                    object_name=object_name,
                    content_type=content_type,
                ),
            )
            return _place(ticket, object_name, content_type)

        piece = FileRange(self._file, 0, self._file.size)
        delivered = await self._courier.deliver(piece, ask)
        return UploadedFile(self._file.size, delivered.digests.get("sha256"))

    # --- in several ---------------------------------------------------------------------------------------

    async def _in_pieces(self, object_name: str, content_type: str) -> bool:
        """Whether the storage takes pieces; where it does they are all there now."""
        begun = None if self._journal is None else self._journal.begun
        if begun is not None and begun.object_name == object_name:
            try:
                await self._go_on(begun, resumed=True)
                return True
            except APIError as error:
                if not is_lost(error):
                    raise
        begun = await self._begin(object_name, content_type)
        if begun is None:
            return False
        if self._journal is not None:
            await in_thread(self._journal.begin, begun)
        await self._go_on(begun, resumed=False)
        return True

    async def _begin(self, object_name: str, content_type: str) -> UploadState | None:
        ticket = await self._caller.call(
            INIT_MULTIPART,
            InitMultipart(
                connector_id=self._connector_id,
                object_name=object_name,
                content_type=content_type,
            ),
        )
        kind = (ticket.client_type or "").lower()
        upload_id = ticket.upload_id if kind in ("aws", "minio") else None
        url = ticket.url if kind == "google" else None
        if not upload_id and not url:
            return None
        return UploadState(
            size=self._file.size,
            changed=self._file.changed,
            inode=self._file.inode,
            object_name=object_name,
            part_bytes=part_bytes(self._file.size),
            upload_id=upload_id or "",
            url=url or "",
        )

    async def _go_on(self, begun: UploadState, *, resumed: bool) -> None:
        if begun.upload_id:
            await self._in_parts.send(self._file, begun, self._journal)
        else:
            await ResumableUpload(self._courier).send(self._file, begun, resumed=resumed)


def _place(ticket: UploadTicket, object_name: str, content_type: str) -> UploadTarget:
    """Where a whole file goes, and what goes around it."""
    kind = ticket.client_type.lower()
    target = ticket.presigned_url_data
    if kind in _BY_FORM:
        boundary = os.urandom(16).hex()
        head, tail = _form(boundary, ticket, object_name, content_type)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return UploadTarget(method="POST", url=target.url, headers=headers, head=head, tail=tail)
    if kind == _BY_PUT:
        headers = {
            **target.fields,
            "Content-Type": content_type,
            "x-ms-blob-type": "BlockBlob",
        }
        return UploadTarget(method="PUT", url=target.url, headers=headers)
    if kind == _BARE:
        return UploadTarget(method="PUT", url=target.url, headers={"Content-Type": content_type})
    raise TransferError(
        f"the storage asks for an upload by {ticket.client_type!r}, which headrace does not speak"
    )


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
