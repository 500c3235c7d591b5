"""Large files in pieces: parts side by side with an id for all of them, or one after another to one URL.

What a storage has already is asked of the journal (parts) or of the storage itself (the one URL), so an upload that was
cut short goes on with what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from headrace.backend.base import Caller
from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.journal import UploadJournal, UploadState
from headrace.backend.upload.signed_put import FileRange, SignedUploader, UploadTarget
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
"""Files above this go in parts of this size, or of a larger one where there would be too many."""

MAX_PARTS = 10_000
PARALLEL = 4
"""Parts of one file that are under way at once."""

LOST = frozenset({400, 404, 410})
"""How a storage says that it knows nothing of an upload (any more), or not of all its parts."""

RESYNCHRONIZED = 5
"""Times in a row that a storage may say that it is elsewhere than it was thought to be."""

_OUT_OF_STEP = frozenset({400, 409, 412, 416})
_RANGE = re.compile(r"^bytes=0-([0-9]{1,18})$")


def part_bytes(size: int) -> int:
    """How long the parts of a file are."""
    return max(PART_BYTES, -(-size // MAX_PARTS))


class MultipartUpload:
    """One upload in parts under an id (``aws``, ``minio``)."""

    def __init__(
        self,
        caller: Caller,
        courier: SignedUploader,
        connector_id: UUID,
        *,
        parallel: int = PARALLEL,
    ) -> None:
        self._caller = caller
        self._courier = courier
        self._connector_id = connector_id
        self._parallel = parallel

    async def send(self, file: Snapshot, begun: UploadState, journal: UploadJournal | None) -> None:
        """Send what is missing and join all."""
        etags = dict(journal.parts) if journal is not None else {}
        count = max(1, -(-file.size // begun.part_bytes))

        async def send(number: int) -> None:
            etags[number] = await self._part(file, begun, number)
            if journal is not None:
                await in_thread(journal.enter, number, etags[number])

        missing = [number for number in range(1, count + 1) if number not in etags]
        await map_bounded(send, missing, concurrency=self._parallel)
        await in_thread(file.check)
        await self._caller.call(
            COMPLETE_MULTIPART,
            CompleteMultipart(
                connector_id=self._connector_id,
                object_name=begun.object_name,
                upload_id=begun.upload_id,
                parts=[UploadedPart(etags[number], number) for number in range(1, count + 1)],
            ),
        )

    async def _part(self, file: Snapshot, begun: UploadState, number: int) -> str:
        start = (number - 1) * begun.part_bytes
        piece = FileRange(file, start, min(begun.part_bytes, file.size - start))

        async def ask() -> UploadTarget:
            request = PresignPart(
                connector_id=self._connector_id,
                object_name=begun.object_name,
                upload_id=begun.upload_id,
                part_no=number,
            )
            return UploadTarget(
                method="PUT", url=(await self._caller.call(PRESIGN_PART, request)).url
            )

        answer = (await self._courier.deliver(piece, ask)).answer
        etag = answer.headers.get("ETag")
        if etag is None:
            raise TransferError(f"the storage took part {number} of {file.path} but named no ETag")
        return etag


class ResumableUpload:
    """One upload to one URL, a range after the other (``google``)."""

    def __init__(self, courier: SignedUploader) -> None:
        self._courier = courier

    async def send(self, file: Snapshot, begun: UploadState, *, resumed: bool) -> None:
        """Send what is missing; where the storage is elsewhere than we are, we go where it is."""
        at = await self._reached(file, begun) if resumed else 0
        lost_steps = 0
        while at < file.size:
            length = min(begun.part_bytes, file.size - at)
            status, headers = await self._range(file, begun, at, length)
            if status in _OUT_OF_STEP:
                reached, lost_steps = await self._reached(file, begun), lost_steps + 1
            else:
                reached = _told(headers) if status == 308 and _told(headers) else at + length
                lost_steps = 0 if reached > at else lost_steps + 1
            if lost_steps > RESYNCHRONIZED:
                raise TransferError(f"{redact(begun.url)} does not take the bytes from {at} on")
            at = reached
        await in_thread(file.check)

    async def _range(
        self, file: Snapshot, begun: UploadState, at: int, length: int
    ) -> tuple[int, Mapping[str, str]]:
        async def ask() -> UploadTarget:
            place = f"bytes {at}-{at + length - 1}/{file.size}"
            return UploadTarget(method="PUT", url=begun.url, headers={"Content-Range": place})

        piece = FileRange(file, at, length)
        answer = (await self._courier.deliver(piece, ask, final=_OUT_OF_STEP)).answer
        return answer.status, answer.headers

    async def _reached(self, file: Snapshot, begun: UploadState) -> int:
        """How many bytes the storage has."""
        place = {"Content-Range": f"bytes */{file.size}"}
        answer = await self._courier.ask(UploadTarget(method="PUT", url=begun.url, headers=place))
        if answer.status < 300:
            return file.size
        if answer.status == 308:
            return _told(answer.headers)
        raise error_for_status(
            answer.status, f"{redact(begun.url)} goes on with no upload (status {answer.status})"
        )


def is_lost(error: APIError) -> bool:
    """Whether an error says that an upload that was begun is no longer there to be gone on with."""
    return error.status in LOST


def _told(headers: Mapping[str, str]) -> int:
    found = _RANGE.match(headers.get("Range", ""))
    return int(found[1]) + 1 if found else 0
