"""Upload many small files: one call returns object names and signed URLs, a second one registers all files."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.errors import APIError, error_for_status
from headrace.model.records import DataRecord, Items, Record, UploadTicket
from headrace.protocol.operation import Operation
from headrace.protocol.operations.datalake import DataDescription

FILES_PER_CALL = 200
"""Maximum number of files in one call."""


class PreparedUpload(Record, frozen=True):
    """A new object name and the target of its upload."""

    object_name: str
    ticket: UploadTicket


class Refusal(Record, frozen=True):
    """The error of one item in a call with many, equal to the error of a call with that item alone."""

    status: int
    message: str
    detail: str | list[Any] | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: APIError) -> Self:
        """Make the record of an error."""
        return cls(error.status, error.message, error.detail, error.hint)

    def error(self) -> APIError:
        """Make the error of this record."""
        error = error_for_status(self.status, self.message, detail=self.detail)
        error.hint = self.hint
        return error


class RegisteredData(Record, frozen=True):
    """The registered data, or the refusal."""

    data: DataRecord | None = None
    refusal: Refusal | None = None


class PrepareUploads(Struct, kw_only=True):
    organization_id: UUID
    connector_id: UUID
    filenames: list[str]
    upload_dir: str | UnsetType = UNSET


class RegisterManyData(Struct, kw_only=True):
    datalake_id: UUID
    files: list[DataDescription]


PREPARE_UPLOADS = Operation(
    name="prepare_uploads",
    method="POST",
    path="/api/organization/{organization_id}/connector/{connector_id}/prepare_uploads",
    request=PrepareUploads,
    result=Items[PreparedUpload],
    doc="Make object names and sign URLs for many files, in the order given.",
    repeatable=True,
    extension=True,
    instead="prepare each file with a call of its own",
    errors=(404, 400, 413),
)
REGISTER_MANY_DATA = Operation(
    name="register_many_data",
    method="POST",
    path="/api/datalake/{datalake_id}/datas/register",
    request=RegisterManyData,
    result=Items[RegisteredData],
    doc="Register many uploaded objects as data of the lake; returns for each, in the order given, the data or a refusal.",
    repeatable=True,
    extension=True,
    instead="register each file with a call of its own",
    errors=(404, 400, 413),
)
