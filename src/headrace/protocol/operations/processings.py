"""Processings and their launch."""

from __future__ import annotations

from types import NoneType
from typing import Any
from uuid import UUID

from msgspec import Struct

from headrace.model.enums import ProcessingTargetType, ProcessingType
from headrace.model.records import Items, JobRunRecord, ProcessingRecord
from headrace.protocol.operation import Operation
from headrace.protocol.operations.listing import PageQuery


class CreateProcessing(Struct, kw_only=True):
    organization_id: UUID
    name: str
    target: ProcessingTargetType
    type: ProcessingType | None = None
    description: str | None = None
    default_cpu: int | None = None
    default_gpu: int | None = None
    default_parameters: dict[str, Any] | None = None
    docker_image: str | None = None
    docker_tag: str | None = None
    docker_flags: list[str] | None = None


class ListProcessings(PageQuery, kw_only=True):
    organization_id: UUID


class FindProcessing(Struct, kw_only=True):
    organization_id: UUID
    name: str


class ProcessingId(Struct, kw_only=True):
    processing_id: UUID


class UpdateProcessing(Struct, kw_only=True):
    processing_id: UUID
    docker_image: str | None = None
    docker_tag: str | None = None
    description: str | None = None
    default_parameters: dict[str, Any] | None = None
    default_cpu: int | None = None
    default_gpu: int | None = None


class Launch(Struct, kw_only=True):
    """None means the default of the processing. ``inputs`` (platforms only) are objects that the processing names."""

    processing_id: UUID
    parameters: dict[str, Any] | None = None
    cpu: int | None = None
    gpu: int | None = None
    inputs: dict[str, Any] = {}


class LaunchOnVersion(Launch, kw_only=True):
    """``asset_ids`` limits the launch to these assets; None for all."""

    version_id: UUID
    asset_ids: list[UUID] | None = None


class LaunchOnDatalake(Launch, kw_only=True):
    datalake_id: UUID
    data_ids: list[UUID]


CREATE_PROCESSING = Operation(
    name="create_processing",
    method="POST",
    path="/api/organization/{organization_id}/processings",
    request=CreateProcessing,
    result=ProcessingRecord,
    doc="Register a processing. headrace servers refuse it: only the owner of a lake decides which programs run there.",
    send_null=True,
    errors=(404, 409, 403),
)
LIST_PROCESSINGS = Operation(
    name="list_processings",
    method="GET",
    path="/api/organization/{organization_id}/processings",
    request=ListProcessings,
    result=Items[ProcessingRecord],
    doc="List the processings of an organization: the built-in ones first, then in order of registration.",
    errors=(404, 400),
)
FIND_PROCESSING = Operation(
    name="find_processing",
    method="GET",
    path="/api/organization/{organization_id}/processings/find",
    request=FindProcessing,
    result=ProcessingRecord,
    doc="Find a processing by name.",
    errors=(404,),
)
GET_PROCESSING = Operation(
    name="get_processing",
    method="GET",
    path="/api/processing/{processing_id}",
    request=ProcessingId,
    result=ProcessingRecord,
    doc="Get a processing.",
    errors=(404,),
)
UPDATE_PROCESSING = Operation(
    name="update_processing",
    method="PATCH",
    path="/api/processing/{processing_id}",
    request=UpdateProcessing,
    result=ProcessingRecord,
    doc="Change a processing. headrace servers refuse it.",
    repeatable=True,
    errors=(404, 403),
)
DELETE_PROCESSING = Operation(
    name="delete_processing",
    method="DELETE",
    path="/api/processing/{processing_id}",
    request=ProcessingId,
    result=NoneType,
    doc="Delete a processing. headrace servers refuse it.",
    errors=(404, 403),
)
LAUNCH_ON_VERSION = Operation(
    name="launch_on_version",
    method="POST",
    path="/api/dataset/version/{version_id}/processing/launch",
    request=LaunchOnVersion,
    result=JobRunRecord,
    doc="Run a processing on a version or on some of its assets, in a separate process.",
    send_null=True,
    errors=(404, 400, 402, 409, 413, 423),
)
LAUNCH_ON_DATALAKE = Operation(
    name="launch_on_datalake",
    method="POST",
    path="/api/datalake/{datalake_id}/processing/launch",
    request=LaunchOnDatalake,
    result=JobRunRecord,
    doc="Run a processing on data of a datalake, in a separate process.",
    send_null=True,
    errors=(404, 400, 402, 409, 413),
)
