"""The target of an upload, the description of a file for its registration, and the check after it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from msgspec import UNSET, Struct

from headrace.backend.base import Backend, UploadedFile
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.settle import refuse_unreadable
from headrace.errors import BadRequestError, ChecksumError
from headrace.formats.io.image_size import read_size
from headrace.model.enums import DataType
from headrace.model.records import DatalakeRecord, DataRecord, Meta
from headrace.protocol.operations.datalake import DELETE_DATA, DataDescription, DataId


class UploadTarget(Struct, frozen=True, kw_only=True):
    """The datalake and folder of an upload, and the tags and source of all its data.

    Without ``reuse``, each file becomes a data of its own, also where an equal one exists.
    """

    organization_id: UUID
    lake: DatalakeRecord
    tag_ids: list[UUID]
    source_id: UUID | None = None
    upload_dir: str | None = None
    reuse: bool = True

    @property
    def connector(self) -> UUID:
        """The storage connector of the lake. Raises BadRequestError if it has none."""
        connector = self.lake.connector_id
        if connector is None:
            raise BadRequestError(f"the datalake {self.lake.name!r} has no storage")
        return connector


def description(
    backend: Backend,
    target: UploadTarget,
    file: UploadFile,
    object_name: str,
    sent: UploadedFile | None = None,
) -> DataDescription:
    """Describe a file for its registration.

    Where the platform can, it checks the digest of what was ``sent``, and reuses data that another run registered.
    """
    extensions = backend.limits.extensions
    sha256 = None if sent is None else sent.sha256
    kind = file.media_type
    return DataDescription(
        type=DataType.VIDEO if kind.startswith("video/") else DataType.IMAGE,
        filename=file.filename,
        object_name=object_name,
        content_type=kind,
        tags=target.tag_ids,
        data_source_id=target.source_id,
        metadata=file.metadata or UNSET,
        custom_metadata=UNSET if file.custom_metadata is None else file.custom_metadata,
        sha256=sha256 if extensions and sha256 is not None else UNSET,
        meta=file.meta or UNSET,
        reuse=True if extensions and target.reuse else UNSET,
    )


def add_sizes(described: Sequence[tuple[UploadFile, DataDescription]]) -> None:
    """Add the sizes of images, so that the platform need not read what went to a storage elsewhere. Blocks."""
    for file, description in described:
        if description.type != DataType.IMAGE or description.meta is not UNSET:
            continue
        with suppress(OSError):
            size = read_size(file.path)
            # What cannot be read here, the platform looks at.
            if size is not None:
                description.meta = Meta(*size.upright)


class ReusedData(Struct, frozen=True):
    """Data that another run registered meanwhile; the platform returned it instead of a second one."""

    record: DataRecord


async def checked(
    backend: Backend, file: UploadFile, sent: UploadedFile, object_name: str, record: DataRecord
) -> DataRecord | ReusedData:
    """Return the record of a file that was sent as ``object_name``, which the platform may still have to read.

    Raises ChecksumError if the stored file differs from the one that was sent, or from what that must be, UnprocessableEntityError if the
    platform cannot read it; either way the data is deleted.
    """
    if sent.sha256 is not None and record.sha256 not in (None, sent.sha256):
        await backend.call(DELETE_DATA, DataId(data_id=record.id))
        raise ChecksumError(
            f"{file.path} in the lake differs from the file that was sent", hint="run it again"
        )
    if None not in (file.sha256, sent.sha256) and file.sha256 != sent.sha256:
        if record.object_name == object_name:
            await backend.call(DELETE_DATA, DataId(data_id=record.id))
        raise ChecksumError(
            f"{file.path} was damaged: its content has not the digest that its lake knows",
            hint="restore it from a backup",
        )
    await refuse_unreadable(backend, record)
    return record if record.object_name == object_name else ReusedData(record)
