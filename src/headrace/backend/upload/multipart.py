"""Upload large files in parts: in parallel under one upload id, or one after another to one URL.

The journal knows which parts a storage has; for the single URL the storage itself reports its position. So an upload that
was interrupted resumes with what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from headrace.backend.base import Caller
from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.journal import UploadJournal, UploadState
from headrace.backend.upload.signed_put import (
    STORAGE_ALGORITHMS,
    FileRange,
    SignedUploader,
    UploadTarget,
)
from headrace.errors import APIError, TransferError, error_for_status
from headrace.net.urls import redact
from headrace.protocol.operations.storage import (
    COMPLETE_MULTIPART,
    PRESIGN_PART,
    CompleteMultipart,
    PresignPart,
    UploadedPart,
)
from headrace.tasks import map_bounded
from headrace.threads import in_thread

PART_BYTES = 25 * 1024 * 1024
"""Larger files are uploaded in parts of this size, or larger ones if there would be too many."""

MAX_PARTS = 10_000
PARALLEL = 4
"""Parts of one file that are uploaded at a time."""

GONE_STATUSES = frozenset({400, 404, 410})
"""Statuses that say that the storage does not know an upload, or not all of its parts."""

MAX_MISMATCHES = 5
"""Most times in a row that a storage may report another position than expected."""

_WRONG_POSITION = frozenset({400, 409, 412, 416})
_RANGE = re.compile(r"^bytes=0-([0-9]{1,18})$")


def part_bytes(size: int) -> int:
    """Return the size of the parts of a file, in bytes."""
    return max(PART_BYTES, -(-size // MAX_PARTS))


class MultipartUpload:
    """Uploads a file in parts under an upload id (``aws``, ``minio``)."""

    def __init__(
        self,
        caller: Caller,
        uploader: SignedUploader,
        connector_id: UUID,
        *,
        parallel: int = PARALLEL,
    ) -> None:
        self._caller = caller
        self._uploader = uploader
        self._connector_id = connector_id
        self._parallel = parallel

    async def send(self, file: Snapshot, state: UploadState, journal: UploadJournal | None) -> None:
        """Upload the missing parts, and complete the upload."""
        etags = dict(journal.parts) if journal is not None else {}
        count = max(1, -(-file.size // state.part_bytes))

        async def send(number: int) -> None:
            etags[number] = await self._part(file, state, number)
            if journal is not None:
                await in_thread(journal.enter, number, etags[number])

        missing = [number for number in range(1, count + 1) if number not in etags]
        await map_bounded(send, missing, concurrency=self._parallel)
        await in_thread(file.check)
        await self._caller.call(
            COMPLETE_MULTIPART,
            CompleteMultipart(
                connector_id=self._connector_id,
                object_name=state.object_name,
                upload_id=state.upload_id,
                parts=[UploadedPart(etags[number], number) for number in range(1, count + 1)],
            ),
        )

    async def _part(self, file: Snapshot, state: UploadState, number: int) -> str:
        start = (number - 1) * state.part_bytes
        algorithms = STORAGE_ALGORITHMS if state.is_direct else ()
        part = FileRange(file, start, min(state.part_bytes, file.size - start))

        async def ask() -> UploadTarget:
            request = PresignPart(
                connector_id=self._connector_id,
                object_name=state.object_name,
                upload_id=state.upload_id,
                part_no=number,
            )
            url = (await self._caller.call(PRESIGN_PART, request)).url
            return UploadTarget(method="PUT", url=url, algorithms=algorithms)

        response = (await self._uploader.upload(part, ask)).response
        etag = response.headers.get("ETag")
        if etag is None:
            raise TransferError(f"the storage returned no ETag for part {number} of {file.path}")
        return etag


class ResumableUpload:
    """Uploads a file to one URL, range by range (``google``)."""

    def __init__(self, uploader: SignedUploader) -> None:
        self._uploader = uploader

    async def send(self, file: Snapshot, state: UploadState, *, resumed: bool) -> None:
        """Send what is missing, always from the position that the storage reports."""
        at = await self._position(file, state) if resumed else 0
        mismatches = 0
        while at < file.size:
            length = min(state.part_bytes, file.size - at)
            status, headers = await self._range(file, state, at, length)
            if status in _WRONG_POSITION:
                position, mismatches = await self._position(file, state), mismatches + 1
            else:
                received = _received_bytes(headers) if status == 308 else 0
                position = received or at + length
                mismatches = 0 if position > at else mismatches + 1
            if mismatches > MAX_MISMATCHES:
                raise TransferError(f"{redact(state.url)} does not accept the bytes from {at} on")
            at = position
        await in_thread(file.check)

    async def _range(
        self, file: Snapshot, state: UploadState, at: int, length: int
    ) -> tuple[int, Mapping[str, str]]:
        async def ask() -> UploadTarget:
            content_range = f"bytes {at}-{at + length - 1}/{file.size}"
            return UploadTarget(
                method="PUT", url=state.url, headers={"Content-Range": content_range}
            )

        part = FileRange(file, at, length)
        response = (await self._uploader.upload(part, ask, final=_WRONG_POSITION)).response
        return response.status, response.headers

    async def _position(self, file: Snapshot, state: UploadState) -> int:
        """Return the number of bytes that the storage has."""
        content_range = {"Content-Range": f"bytes */{file.size}"}
        response = await self._uploader.ask(
            UploadTarget(method="PUT", url=state.url, headers=content_range)
        )
        if response.status < 300:
            return file.size
        if response.status == 308:
            return _received_bytes(response.headers)
        raise error_for_status(
            response.status,
            f"{redact(state.url)} cannot resume the upload (status {response.status})",
        )


def is_gone(error: APIError) -> bool:
    """Whether an error says that the storage no longer knows an upload."""
    return error.status in GONE_STATUSES


def _received_bytes(headers: Mapping[str, str]) -> int:
    found = _RANGE.match(headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0
