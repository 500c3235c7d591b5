"""The users of an organization: the accounts that are members of it. All of them may use all of its datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.model.ids import Kind, encode
from headrace.model.records import UserRecord, UsersRecord
from headrace.platform.access import Access
from headrace.platform.identity import check_organization, missing
from headrace.platform.scopes import dataset_scope
from headrace.protocol.operations.datasets import DatasetId
from headrace.protocol.operations.users import AddDatasetUser, ListOrganizationUsers

if TYPE_CHECKING:
    from headrace.platform.platform import Platform


async def list_organization_users(
    platform: Platform, access: Access, request: ListOrganizationUsers
) -> UsersRecord:
    """The users of the caller's organization, oldest first; of a name, the one or none."""
    check_organization(access, request.organization_id)
    users = await _users(platform, access)
    if request.username is not None:
        users = [user for user in users if user.username == request.username]
    return UsersRecord(users=users)


async def list_dataset_users(platform: Platform, access: Access, request: DatasetId) -> UsersRecord:
    """The users of a dataset: those of its organization."""
    await dataset_scope(platform.database, access, request.dataset_id)
    return UsersRecord(users=await _users(platform, access))


async def add_dataset_user(platform: Platform, access: Access, request: AddDatasetUser) -> None:
    """Check that the user may use the dataset; 404 for who is not in the organization."""
    await dataset_scope(platform.database, access, request.dataset_id)
    if request.user_id not in {user.id for user in await _users(platform, access)}:
        raise missing(Kind.USER, request.user_id)


async def _users(platform: Platform, access: Access) -> list[UserRecord]:
    rows = await platform.database.fetch("session.users", organization=access.organization)
    return [
        UserRecord(id=encode(Kind.USER, created, 0, no), username=username)
        for no, username, created in rows
    ]
