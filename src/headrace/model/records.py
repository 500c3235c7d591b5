"""Records: the objects of the API as plain data, with the field names of the wire protocol.

A field typed ``… | UnsetType`` is not sent where it is unknown; ``None`` is sent as null. Unknown fields of a newer
platform are ignored.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.model.enums import (
    AnnotationStatus,
    AssignmentStatus,
    CampaignStepType,
    DataType,
    DataUploadStatus,
    InferenceType,
    JobRunStatus,
    JobStatus,
    ProcessingTargetType,
    ProcessingType,
    TagTarget,
)

T = TypeVar("T")


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """Base of all records, which are trees: the garbage collector has no cycles to look for."""


class Items(Record, Generic[T], frozen=True):
    """A complete listing in one response."""

    items: list[T]


class Page(Record, Generic[T], frozen=True):
    """One page of a listing. ``count`` is the number of all matches; ``next_cursor`` is null on the last page."""

    items: list[T]
    count: int
    next_cursor: str | None = None


# --- users ------------------------------------------------------------------------------------------------


class PingRecord(Record, frozen=True):
    """``headrace`` is the version of a headrace server, absent on other platforms.

    ``blobs`` is the format of the packed shapes that it sends (``model/blob/layout.py``).
    """

    username: str
    default_organization: UUID | None
    sdk_version: str | None = None
    headrace: str | UnsetType = UNSET
    blobs: int | UnsetType = UNSET


class OrganizationRecord(Record, frozen=True):
    """A platform that finds an organization by name need not answer more than its id."""

    id: UUID
    name: str = ""
    default_connector_id: UUID | None = None


class UserRecord(Record, frozen=True):
    id: UUID
    username: str


class UsersRecord(Record, frozen=True):
    users: list[UserRecord]


# --- datalake and data -----------------------------------------------------------------------------------


class DatalakeRecord(Record, frozen=True):
    id: UUID
    name: str
    connector_id: UUID | None = None


class TagRecord(Record, frozen=True):
    id: UUID
    name: str
    target_type: TagTarget


class SourceRecord(Record, frozen=True):
    id: UUID
    name: str


class Meta(Struct, frozen=True, gc=False):
    """Size of an image or of the frames of a video, in pixels."""

    width: int
    height: int


class DataRecord(Record, frozen=True):
    """A file of the datalake. ``size`` is in bytes and ``sha256`` in hexadecimal (headrace only)."""

    id: UUID
    object_name: str
    filename: str
    type: DataType
    content_type: str
    upload_status: DataUploadStatus
    meta: Meta | None = None
    presigned_url: str | None = None
    metadata: dict[str, Any] | None = None
    custom_metadata: dict[str, Any] | None = None
    size: int | None = None
    sha256: str | None = None
    datalake_id: UUID | UnsetType = UNSET
    data_source: SourceRecord | None | UnsetType = UNSET
    tags: list[TagRecord] | UnsetType = UNSET


class ObjectNameRecord(Record, frozen=True):
    object_name: str


class CustomMetadataRecord(Record, frozen=True):
    """The custom metadata of a data; all that a platform answers when it is replaced."""

    custom_metadata: dict[str, Any] | None


class PresignedUrlRecord(Record, frozen=True):
    presigned_url: str


class UploadTarget(Record, frozen=True):
    """The target of an upload: the URL, and the form fields or headers to send with the file."""

    url: str
    fields: dict[str, str] = {}


class UploadTicket(Record, frozen=True):
    """``client_type`` names the protocol of the upload: aws, minio, google, azure, headrace, s3, or lake (in process).

    By ``s3``, the file is sent with a ``PUT`` and the fields as headers, which let it only create.
    """

    client_type: str
    presigned_url_data: UploadTarget


class MultipartTicket(Record, frozen=True):
    client_type: str | None = None
    upload_id: str | None = None
    url: str | None = None


class PartUrl(Record, frozen=True):
    url: str


# --- datasets, versions, assets --------------------------------------------------------------------------


class DatasetRecord(Record, frozen=True):
    id: UUID
    name: str
    description: str | None | UnsetType = UNSET
    tags: list[TagRecord] | UnsetType = UNSET


class DatasetVersionRecord(Record, frozen=True):
    """``is_locked`` is absent on platforms that do not tell it."""

    id: UUID
    origin_name: str
    origin_id: UUID
    version: str
    type: InferenceType
    annotation_campaign_id: UUID | None = None
    description: str | None | UnsetType = UNSET
    tags: list[TagRecord] | UnsetType = UNSET
    is_locked: bool | UnsetType = UNSET


class LockRecord(Record, frozen=True):
    """What the answer to locking or unlocking a version says; some platforms leave it out."""

    is_locked: bool | UnsetType = UNSET


class AssetRecord(Record, frozen=True):
    id: UUID
    data: DataRecord
    tags: list[TagRecord] | UnsetType = UNSET


class LabelRecord(Record, frozen=True):
    id: UUID
    name: str
    group_id: UUID | None = None


class LabelGroupRecord(Record, frozen=True):
    id: UUID
    name: str
    parent_id: UUID | None = None


class AnnotationRecord(Record, frozen=True):
    """An annotation without its shapes. ``worker_id`` is its owner (headrace only)."""

    id: UUID
    duration: float
    status: AnnotationStatus
    attributes: dict[str, Any] | None = None
    asset_id: UUID | UnsetType = UNSET
    worker_id: UUID | UnsetType = UNSET


class VersionStats(Record, frozen=True):
    """``label_repartition`` maps label names to numbers of shapes; ``nb_objects`` is their sum."""

    label_repartition: dict[str, int]
    nb_objects: int
    nb_annotations: int
    nb_assets: int | UnsetType = UNSET


# --- campaigns -------------------------------------------------------------------------------------------


class CampaignRecord(Record, frozen=True):
    """An annotation campaign. All fields except the two ids are sent by headrace only.

    ``default_entry_step_id`` is the step in which tasks start; null means the first one. ``annotated_entry_step_id`` is
    the step in which tasks of annotated assets start: a step, ``DONE``, or null for the default entry step.
    """

    id: UUID
    dataset_version_id: UUID
    description: str | None | UnsetType = UNSET
    instructions_text: str | None | UnsetType = UNSET
    instructions_object_name: str | None | UnsetType = UNSET
    end_date: str | None | UnsetType = UNSET
    auto_add_new_assets: bool | UnsetType = UNSET
    auto_close_on_completion: bool | UnsetType = UNSET
    default_entry_step_id: UUID | None | UnsetType = UNSET
    annotated_entry_step_id: str | None | UnsetType = UNSET
    is_closed: bool | UnsetType = UNSET


class AssigneeRecord(Record, frozen=True):
    """A user who gets tasks of a step. ``weight`` is the share relative to all assignees."""

    user_id: UUID
    weight: float


class CampaignStepRecord(Record, frozen=True):
    """A step of the workflow of a campaign; ``order`` counts from 0. Fields from ``description`` on: headrace only."""

    id: UUID
    name: str
    order: int
    type: CampaignStepType
    description: str | None | UnsetType = UNSET
    sample_rate: float | None | UnsetType = UNSET
    assignees: list[AssigneeRecord] | UnsetType = UNSET


class AssignmentDataRecord(Record, frozen=True):
    """The file of a task. Platforms need not send more than its names; headrace sends all fields of a data."""

    id: UUID
    object_name: str
    filename: str
    type: DataType | UnsetType = UNSET
    content_type: str | UnsetType = UNSET
    upload_status: DataUploadStatus | UnsetType = UNSET
    meta: Meta | None = None
    presigned_url: str | None = None
    metadata: dict[str, Any] | None = None
    custom_metadata: dict[str, Any] | None = None
    size: int | None = None
    sha256: str | None = None


class AssignmentRecord(Record, frozen=True):
    """The task of one asset in a campaign: its step, its status in that step, and its assignee."""

    id: UUID
    asset_id: UUID
    step_id: UUID
    status: AssignmentStatus
    data: AssignmentDataRecord
    assigned_user_id: UUID | None = None


class SyncRecord(Record, frozen=True):
    """Whether a campaign can be synchronised, the reason if not, and the number of assets without a task."""

    unsynced_item_count: int
    is_sync_available: bool = True
    reason: str | None = None


class SyncAnswer(Record, frozen=True):
    campaign: CampaignRecord
    job: JobRunRecord


class ProcessedAnswer(Record, frozen=True):
    processed_ids: list[UUID] = []


class ProgressRecord(Record, frozen=True):
    """The number of tasks of one step, status and user."""

    step_id: UUID
    status: AssignmentStatus
    user_id: UUID | None
    count: int


class IssueCountRecord(Record, frozen=True):
    """Refusals of one user's work: ``opened`` are still to be reworked, ``closed`` were reworked."""

    user_id: UUID | None
    opened: int
    closed: int


# --- jobs ------------------------------------------------------------------------------------------------


class JobRecord(Record, frozen=True):
    """A job (v1). Headrace only: ``done`` of ``total`` assets, the ``error`` of a failed job, and the ``kind``."""

    id: UUID
    status: JobStatus
    done: int | UnsetType = UNSET
    total: int | None | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    kind: str | UnsetType = UNSET


class JobRunRecord(Record, frozen=True):
    """A job run (v2). Headrace only: ``done`` of ``total`` items, the ``error`` of a failed job, and the ``kind``."""

    id: UUID
    status: JobRunStatus
    done: int | UnsetType = UNSET
    total: int | None | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    kind: str | UnsetType = UNSET


class JobsRecord(Record, frozen=True):
    """The newest jobs of both kinds, each newest first."""

    jobs: list[JobRecord]
    runs: list[JobRunRecord]


class JobLogRecord(Record, frozen=True):
    """A chunk of the log of a job's program, from byte ``offset`` on; the next one starts at ``next_offset``.

    ``offset`` is greater than the requested one where the middle of a long log was dropped. ``ended`` means that the
    log is complete.
    """

    offset: int
    text: str
    next_offset: int
    ended: bool


class JobAnswer(Record, frozen=True):
    job: JobRecord


class ForkAnswer(Record, frozen=True):
    """The new version, and the job that fills it."""

    dataset_version: DatasetVersionRecord
    job: JobRecord


class ExportRecord(Record, frozen=True):
    """An exported annotation file. Headrace only: counts; ``shapes_dropped`` are shapes that the format cannot represent."""

    object_name: str
    presigned_url: str
    images: int | UnsetType = UNSET
    shapes: int | UnsetType = UNSET
    shapes_dropped: int | UnsetType = UNSET


# --- processings -----------------------------------------------------------------------------------------


class ParameterRecord(Record, frozen=True):
    """A parameter of a processing. Values have the type of the default; without a default the parameter is required."""

    name: str
    default: Any | UnsetType = UNSET
    choices: list[Any] | UnsetType = UNSET


class ProcessingRecord(Record, frozen=True):
    """A program that can be launched. On headrace it is not a Docker image: those two fields are empty.

    Fields from ``description`` on: headrace only. ``version_types`` are the types of versions that the processing
    accepts; empty means all.
    """

    id: UUID
    name: str
    target: ProcessingTargetType
    type: ProcessingType | None = None
    docker_image: str = ""
    docker_tag: str = ""
    description: str | None | UnsetType = UNSET
    default_cpu: int | None | UnsetType = UNSET
    default_gpu: int | None | UnsetType = UNSET
    default_parameters: dict[str, Any] | None | UnsetType = UNSET
    parameters: list[ParameterRecord] | UnsetType = UNSET
    version_types: list[InferenceType] | UnsetType = UNSET


class AttachAnswer(Record, frozen=True):
    tag: TagRecord
    count: int


# --- removals ---------------------------------------------------------------------------------------------


class RemovalRecord(Record, frozen=True):
    """What one action removed, and for how long that can be undone (headrace only).

    ``kind`` is ``assets``, ``annotations``, ``import`` (annotations that an import replaced), ``undo`` (annotations that an
    undo took back), ``version`` or ``dataset``. ``version`` is ``dataset/version`` as it was called, or the dataset's name.
    Times are seconds since 1970; ``undone_at`` is null until it is undone. ``bytes`` is the size of the record.
    """

    id: UUID
    kind: str
    version: str
    username: str
    assets: int
    annotations: int
    shapes: int
    bytes: int
    created_at: float
    expires_at: float
    undone_at: float | None = None


class RemovalDetails(RemovalRecord, frozen=True):
    """A removal with the shapes by label, and the first of the files that it removed."""

    labels: dict[str, int] = {}
    files: list[str] = []


class RemovalRoom(Record, frozen=True):
    """Bytes that the record of a removal needs at most (0 where there is plenty of room), and bytes that are left."""

    needed: int
    free: int


class UndoConflict(Record, frozen=True):
    """Something that an undo leaves as it is: ``subject`` names it, ``why`` is the reason and what to do about it."""

    subject: str
    why: str


class UndoRecord(Record, frozen=True):
    """What an undo, or one step of it, put back.

    ``present`` counts the assets and annotations that were there already. ``replaced`` counts the annotations of an import
    that gave way; ``removal_id`` brings them back. ``conflicts`` has the first conflicts, ``conflict_count`` the number
    of all. ``notes`` are remarks. ``version`` is the name under which a version came back. ``cursor`` continues the
    undo; null at its end.
    """

    version: str
    assets: int = 0
    annotations: int = 0
    shapes: int = 0
    present: int = 0
    replaced: int = 0
    removal_id: UUID | None = None
    conflicts: list[UndoConflict] = []
    conflict_count: int = 0
    notes: list[str] = []
    cursor: int | None = None
