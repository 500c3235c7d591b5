"""The users of an organization and of its datasets."""

from __future__ import annotations

from types import NoneType
from uuid import UUID

from msgspec import Struct

from headrace.model.records import UsersRecord
from headrace.protocol.operation import Operation
from headrace.protocol.operations.datasets import DatasetId


class ListOrganizationUsers(Struct, kw_only=True):
    organization_id: UUID
    username: str | None = None


class AddDatasetUser(Struct, kw_only=True):
    """``role`` has no effect: every user of the organization may use all of its datasets."""

    dataset_id: UUID
    user_id: UUID
    role: str | None = None


LIST_ORGANIZATION_USERS = Operation(
    name="list_organization_users",
    method="GET",
    path="/api/access/organization/{organization_id}/users",
    request=ListOrganizationUsers,
    result=UsersRecord,
    doc="List the users of an organization, or the one with a given name.",
    errors=(404,),
)
LIST_DATASET_USERS = Operation(
    name="list_dataset_users",
    method="GET",
    path="/api/access/dataset/{dataset_id}/users",
    request=DatasetId,
    result=UsersRecord,
    doc="List the users of a dataset.",
    errors=(404,),
)
ADD_DATASET_USER = Operation(
    name="add_dataset_user",
    method="POST",
    path="/api/access/dataset/{dataset_id}/users",
    request=AddDatasetUser,
    result=NoneType,
    doc="Give a user of the organization access to a dataset.",
    repeatable=True,
    errors=(404,),
)
