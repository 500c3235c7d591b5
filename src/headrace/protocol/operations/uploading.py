"""Many small files at once: their names and signed URLs in one answer, then their registration in one transaction."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.errors import APIError, error_for_status
from headrace.model.records import DataRecord, Items, Record, UploadTicket
from headrace.protocol.operation import Operation
from headrace.protocol.operations.datalake import DataDescription

FILES_PER_CALL = 200
"""More files in one call are refused."""


class PreparedUpload(Record, frozen=True):
    """A new object name, and where the file is sent."""

    object_name: str
    ticket: UploadTicket


class Refusal(Record, frozen=True):
    """Why one of many was refused, as the call for it alone would have answered."""

    status: int
    message: str
    detail: str | list[Any] | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: APIError) -> Self:
        """The refusal that tells of an error."""
        return cls(error.status, error.message, error.detail, error.hint)

    def error(self) -> APIError:
        """The error that it tells of."""
        error = error_for_status(self.status, self.message, detail=self.detail)
        error.hint = self.hint
        return error


class RegisteredData(Record, frozen=True):
    """The data, or why there is none."""

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
    doc="New object names and signed URLs for many files, in their order.",
    repeatable=True,
    extension=True,
    errors=(404, 400, 413),
)
REGISTER_MANY_DATA = Operation(
    name="register_many_data",
    method="POST",
    path="/api/datalake/{datalake_id}/datas/register",
    request=RegisterManyData,
    result=Items[RegisteredData],
    doc="Make many uploaded objects data of the lake: for each in its order the data, or why there is none.",
    repeatable=True,
    extension=True,
    errors=(404, 400, 413),
)
