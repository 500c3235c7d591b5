"""Upload a file to a storage, by the protocol that the upload's ticket names. Files are read in bounded blocks.

A form or a part may always be sent again; a broken connection costs the part that it interrupted.
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
    is_gone,
    part_bytes,
)
from headrace.backend.upload.signed_put import (
    STORAGE_ALGORITHMS,
    FileRange,
    SignedUploader,
    UploadTarget,
)
from headrace.errors import APIError, ConflictError, TransferError, error_for_status
from headrace.model.records import UploadTicket
from headrace.protocol.operations.storage import (
    INIT_MULTIPART,
    PRESIGN_UPLOAD,
    InitMultipart,
    PresignUpload,
)
from headrace.threads import in_thread

_BY_FORM = frozenset({"aws", "minio", "google"})
_BY_AZURE_PUT = "azure"
_BY_HEADRACE_PUT = "headrace"
_BY_CREATE_PUT = "s3"
_READ_BY_PLATFORM = frozenset({_BY_HEADRACE_PUT, "minio"})

EXISTS = 412
"""The status of a ``PUT`` that may only create, where the object exists."""


class RemoteUpload:
    """The upload of one file to a storage."""

    def __init__(
        self,
        caller: Caller,
        uploader: SignedUploader,
        file: Snapshot,
        connector_id: UUID,
        journal: UploadJournal | None = None,
        *,
        parallel: int = PARALLEL,
    ) -> None:
        self._caller = caller
        self._uploader = uploader
        self._file = file
        self._connector_id = connector_id
        self._journal = journal
        self._direct = False
        self._multipart = MultipartUpload(caller, uploader, connector_id, parallel=parallel)

    @property
    def object_name(self) -> str | None:
        """The object name that an earlier run began to upload; None if there is none."""
        state = None if self._journal is None else self._journal.state
        return None if state is None else state.object_name

    async def send(
        self, object_name: str, content_type: str, ticket: UploadTicket | None = None
    ) -> UploadedFile:
        """Send the file, in parts if it is large.

        Args:
            object_name: Name of the object to create.
            content_type: Its MIME type.
            ticket: The target of the first attempt. Without one a target is requested.

        Raises:
            TransferError: The storage cannot be reached, or the file changes during the upload.
            APIError: The storage rejects the upload.
            OSError: The file cannot be read.
        """
        if (
            ticket is None
            and self._file.size > PART_BYTES
            and await self._in_parts_if_supported(object_name, content_type)
        ):
            return UploadedFile(self._file.size, direct=self._direct)
        return await self._at_once(object_name, content_type, ticket)

    async def finish(self) -> None:
        """Delete the journal: the object has been registered."""
        if self._journal is not None:
            await in_thread(self._journal.delete)

    async def _at_once(
        self, object_name: str, content_type: str, first: UploadTicket | None
    ) -> UploadedFile:
        kind = ""

        async def ask() -> UploadTarget:
            nonlocal first, kind
            if first is not None:
                ticket, first = first, None
                kind = ticket.client_type.lower()
                return _target(ticket, object_name, content_type)
            ticket = await self._caller.call(
                PRESIGN_UPLOAD,
                PresignUpload(
                    connector_id=self._connector_id,
                    object_name=object_name,
                    content_type=content_type,
                ),
            )
            kind = ticket.client_type.lower()
            return _target(ticket, object_name, content_type)

        whole = FileRange(self._file, 0, self._file.size)
        sent_range = await self._uploader.upload(whole, ask, final=frozenset({EXISTS}))
        # An object of this name can only be that of an earlier attempt, whose answer was lost.
        if sent_range.response.status == EXISTS and kind != _BY_CREATE_PUT:
            raise error_for_status(EXISTS, f"the storage refused the upload (status {EXISTS})")
        return UploadedFile(
            self._file.size,
            sent_range.digests.get("sha256"),
            direct=kind not in _READ_BY_PLATFORM,
        )

    async def _in_parts_if_supported(self, object_name: str, content_type: str) -> bool:
        """Upload the file in parts; False if the storage does not support that."""
        state = None if self._journal is None else self._journal.state
        if state is not None and state.object_name == object_name:
            try:
                await self._continue(state, resumed=True)
                return True
            except ConflictError:
                # An earlier run has registered it; a registration finds out whether that was the same.
                return True
            except APIError as error:
                if not is_gone(error):
                    raise
        state = await self._begin(object_name, content_type)
        if state is None:
            return False
        if self._journal is not None:
            await in_thread(self._journal.begin, state)
        await self._continue(state, resumed=False)
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
            is_direct=kind == "aws",
        )

    async def _continue(self, state: UploadState, *, resumed: bool) -> None:
        self._direct = state.is_direct
        if state.upload_id:
            await self._multipart.send(self._file, state, self._journal)
        else:
            await ResumableUpload(self._uploader).send(self._file, state, resumed=resumed)


def _target(ticket: UploadTicket, object_name: str, content_type: str) -> UploadTarget:
    """Return the target of a whole file."""
    kind = ticket.client_type.lower()
    target = ticket.presigned_url_data
    algorithms = () if kind in _READ_BY_PLATFORM else STORAGE_ALGORITHMS
    if kind in _BY_FORM:
        boundary = os.urandom(16).hex()
        head, tail = _form(boundary, ticket, object_name, content_type)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return UploadTarget(
            method="POST",
            url=target.url,
            headers=headers,
            head=head,
            tail=tail,
            algorithms=algorithms,
        )
    if kind == _BY_AZURE_PUT:
        headers = {
            **target.fields,
            "Content-Type": content_type,
            "x-ms-blob-type": "BlockBlob",
        }
        return UploadTarget(method="PUT", url=target.url, headers=headers)
    if kind == _BY_HEADRACE_PUT:
        return UploadTarget(method="PUT", url=target.url, headers={"Content-Type": content_type})
    if kind == _BY_CREATE_PUT:
        headers = {**target.fields, "Content-Type": content_type}
        return UploadTarget(method="PUT", url=target.url, headers=headers, algorithms=algorithms)
    raise TransferError(
        f"the storage demands an upload by {ticket.client_type!r}, which headrace does not support"
    )


def _form(
    boundary: str, ticket: UploadTicket, object_name: str, content_type: str
) -> tuple[bytes, bytes]:
    """Return the bytes before and after the file in a form: all fields, the content type, then the file."""
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
