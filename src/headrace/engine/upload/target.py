"""Where uploads go, how a file is described there, and what must be true of it once it is there."""

from __future__ import annotations

from uuid import UUID

import anyio
from msgspec import UNSET, Struct

from headrace.backend.base import Backend, Sent
from headrace.engine.upload.file import UploadFile, content_type
from headrace.errors import (
    BadRequestError,
    ChecksumError,
    UnprocessableEntityError,
    WaitTimeoutError,
)
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import DatalakeRecord, DataRecord
from headrace.protocol.operations.datalake import DELETE_DATA, GET_DATA, DataDescription, DataId

PAUSE, LOOKS = 5.0, 30
"""Seconds between looks, and looks, at a file that a platform takes its time to read."""


class UploadTarget(Struct, frozen=True, kw_only=True):
    """Where uploads go, and what every data gets."""

    organization_id: UUID
    lake: DatalakeRecord
    tag_ids: list[UUID]
    source_id: UUID | None = None
    upload_dir: str | None = None

    @property
    def connector(self) -> UUID:
        """The storage behind the lake; BadRequestError where there is none."""
        connector = self.lake.connector_id
        if connector is None:
            raise BadRequestError(f"the datalake {self.lake.name!r} has no storage behind it")
        return connector


def description(target: UploadTarget, file: UploadFile, object_name: str) -> DataDescription:
    """What the registration of a file says of it."""
    kind = content_type(file.filename)
    return DataDescription(
        type=DataType.VIDEO if kind.startswith("video/") else DataType.IMAGE,
        filename=file.filename,
        object_name=object_name,
        content_type=kind,
        tags=target.tag_ids,
        data_source_id=target.source_id,
        metadata=file.metadata or UNSET,
        custom_metadata=UNSET if file.custom_metadata is None else file.custom_metadata,
    )


async def checked(backend: Backend, file: UploadFile, sent: Sent, record: DataRecord) -> DataRecord:
    """The record once the platform has looked into the file.

    What is not there as it was sent, or cannot be read, is taken out again: ChecksumError, UnprocessableEntityError.
    """
    if sent.sha256 is not None and record.sha256 not in (None, sent.sha256):
        await backend.call(DELETE_DATA, DataId(data_id=record.id))
        raise ChecksumError(f"{file.path} is not in the lake as it was sent", hint="run it again")
    looks = LOOKS
    while record.upload_status in (DataUploadStatus.PENDING, DataUploadStatus.COMPUTING):
        if not looks:
            raise WaitTimeoutError(
                f"the platform has not looked into {record.filename!r} yet", hint="look later"
            )
        looks -= 1
        await anyio.sleep(PAUSE)
        record = await backend.call(GET_DATA, DataId(data_id=record.id))
    if record.upload_status == DataUploadStatus.ERROR:
        await backend.call(DELETE_DATA, DataId(data_id=record.id))
        raise UnprocessableEntityError(
            f"{record.filename!r} cannot be read as {record.content_type}"
        )
    return record
