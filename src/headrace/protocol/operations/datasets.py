"""Datasets and their versions."""

from __future__ import annotations

from types import NoneType
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from headrace.model.enums import InferenceType
from headrace.model.records import (
    DatasetRecord,
    DatasetVersionRecord,
    ForkAnswer,
    Items,
    LockRecord,
    VersionStats,
)
from headrace.protocol.operation import Operation
from headrace.protocol.operations.listing import PageQuery


class CreateDataset(Struct, kw_only=True):
    organization_id: UUID
    name: str
    description: str = ""


class ListDatasets(PageQuery, kw_only=True):
    organization_id: UUID


class FindDataset(Struct, kw_only=True):
    organization_id: UUID
    name: str | None = None
    id: UUID | None = None


class DatasetId(Struct, kw_only=True):
    dataset_id: UUID


class DeleteDataset(DatasetId, kw_only=True):
    """``undo`` (headrace only): False purges at once, so that the deletion cannot be undone."""

    undo: bool | None = None


class UpdateDataset(Struct, kw_only=True):
    dataset_id: UUID
    name: str | None = None
    description: str | None = None


class CreateVersion(Struct, kw_only=True):
    dataset_id: UUID
    version: str
    description: str = ""
    type: InferenceType = InferenceType.NOT_CONFIGURED


class ListVersions(PageQuery, kw_only=True):
    dataset_id: UUID


class FindVersion(Struct, kw_only=True):
    dataset_id: UUID
    version: str | None = None
    id: UUID | None = None


class FindVersionById(Struct, kw_only=True):
    organization_id: UUID
    id: UUID


class VersionId(Struct, kw_only=True):
    version_id: UUID


class DeleteVersion(VersionId, kw_only=True):
    """``undo`` (headrace only): False purges at once, so that the deletion cannot be undone."""

    undo: bool | None = None


class UpdateVersion(Struct, kw_only=True):
    version_id: UUID
    version: str | None = None
    description: str | None = None
    type: InferenceType | None = None


class Fork(Struct, kw_only=True):
    """``asset_ids`` are assets of the parent; absent means all, an empty list none. Annotations keep their labels."""

    dataset_id: UUID
    parent_id: UUID
    version: str
    description: str | None = None
    type: InferenceType = InferenceType.NOT_CONFIGURED
    with_tags: bool = False
    with_labels: bool = False
    with_annotations: bool = False
    asset_ids: list[UUID] | UnsetType = UNSET


_DATASETS = "/api/organization/{organization_id}/datasets"
_DATASET = "/api/dataset/{dataset_id}"
_VERSIONS = _DATASET + "/versions"
_VERSION = "/api/dataset/version/{version_id}"

CREATE_DATASET = Operation(
    name="create_dataset",
    method="POST",
    path=_DATASETS,
    request=CreateDataset,
    result=DatasetRecord,
    doc="Create a dataset; its name is unique in the organization.",
    errors=(404, 409, 400),
)
LIST_DATASETS = Operation(
    name="list_datasets",
    method="GET",
    path=_DATASETS,
    request=ListDatasets,
    result=Items[DatasetRecord],
    doc="List the datasets of an organization, newest first.",
    errors=(404, 400),
)
FIND_DATASET = Operation(
    name="find_dataset",
    method="GET",
    path=_DATASETS + "/find",
    request=FindDataset,
    result=DatasetRecord,
    doc="Find a dataset by name or id.",
    errors=(404, 400),
)
GET_DATASET = Operation(
    name="get_dataset",
    method="GET",
    path=_DATASET,
    request=DatasetId,
    result=DatasetRecord,
    doc="Get a dataset with its tags.",
    errors=(404,),
)
UPDATE_DATASET = Operation(
    name="update_dataset",
    method="PATCH",
    path=_DATASET,
    request=UpdateDataset,
    result=DatasetRecord,
    doc="Change the name or the description of a dataset.",
    repeatable=True,
    errors=(404, 409, 400),
)
DELETE_DATASET = Operation(
    name="delete_dataset",
    method="DELETE",
    path=_DATASET,
    request=DeleteDataset,
    result=NoneType,
    doc="Delete a dataset with all its versions.",
    repeatable=True,
    extension_fields=("undo",),
    errors=(404, 423),
)
LIST_VERSIONS = Operation(
    name="list_versions",
    method="GET",
    path=_VERSIONS,
    request=ListVersions,
    result=Items[DatasetVersionRecord],
    doc="List the versions of a dataset, newest first.",
    errors=(404, 400),
)
FIND_VERSION = Operation(
    name="find_version",
    method="GET",
    path=_VERSIONS + "/find",
    request=FindVersion,
    result=DatasetVersionRecord,
    doc="Find a version of a dataset by name or id.",
    errors=(404, 400),
)
CREATE_VERSION = Operation(
    name="create_version",
    method="POST",
    path=_VERSIONS,
    request=CreateVersion,
    result=DatasetVersionRecord,
    doc="Create an empty version; its name is unique in the dataset.",
    errors=(404, 409, 400),
)
FORK_VERSION = Operation(
    name="fork_version",
    method="POST",
    path=_DATASET + "/fork",
    request=Fork,
    result=ForkAnswer,
    doc="Fork a version: create a new version at once, which a job fills with the assets of the other.",
    repeatable=True,
    only_here=True,
    errors=(404, 400, 409, 423),
)
FIND_VERSION_BY_ID = Operation(
    name="find_version_by_id",
    method="GET",
    path="/api/organization/{organization_id}/datasetversions/find",
    request=FindVersionById,
    result=DatasetVersionRecord,
    doc="Find a version by id, without its dataset.",
    errors=(404,),
)
GET_VERSION = Operation(
    name="get_version",
    method="GET",
    path=_VERSION,
    request=VersionId,
    result=DatasetVersionRecord,
    doc="Get a version with its tags.",
    errors=(404,),
)
UPDATE_VERSION = Operation(
    name="update_version",
    method="PATCH",
    path=_VERSION,
    request=UpdateVersion,
    result=DatasetVersionRecord,
    doc="Change the name, description or type of a version.",
    repeatable=True,
    errors=(404, 409, 400, 423),
)
DELETE_VERSION = Operation(
    name="delete_version",
    method="DELETE",
    path=_VERSION,
    request=DeleteVersion,
    result=NoneType,
    doc="Delete a version with its assets and annotations; the data remain in the lake.",
    repeatable=True,
    extension_fields=("undo",),
    errors=(404, 423),
)
LOCK_VERSION = Operation(
    name="lock_version",
    method="POST",
    path=_VERSION + "/lock",
    request=VersionId,
    result=LockRecord,
    doc="Lock a version: every write below it is refused (423) until it is unlocked.",
    repeatable=True,
    errors=(404, 423),
)
UNLOCK_VERSION = Operation(
    name="unlock_version",
    method="POST",
    path=_VERSION + "/unlock",
    request=VersionId,
    result=LockRecord,
    doc="Unlock a version.",
    repeatable=True,
    errors=(404, 423),
)
GET_STATS = Operation(
    name="get_stats",
    method="GET",
    path=_VERSION + "/stats",
    request=VersionId,
    result=VersionStats,
    doc="Count the shapes per label, the shapes and the annotations of a version.",
    errors=(404,),
)
