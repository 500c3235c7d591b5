"""The users of an organization: its member accounts. Every user may use all of its datasets."""

from __future__ import annotations

from uuid import UUID

from headrace.model.enums import AnnotationStatus
from headrace.model.ids import Kind, encode
from headrace.model.records import UserRecord, UsersRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_id, check_organization, key_of, missing
from headrace.platform.core.scopes import dataset_scope
from headrace.platform.dispatch import handles
from headrace.platform.filters import Filters
from headrace.platform.filters.conditions import Conditions
from headrace.protocol.operations.datasets import DatasetId
from headrace.protocol.operations.users import (
    ADD_DATASET_USER,
    LIST_DATASET_USERS,
    LIST_ORGANIZATION_USERS,
    AddDatasetUser,
    ListOrganizationUsers,
)
from headrace.storage.database.base import Database, Statements


@handles(LIST_ORGANIZATION_USERS)
async def list_organization_users(
    context: Context, access: Access, request: ListOrganizationUsers
) -> UsersRecord:
    """List the users of the caller's organization, oldest first; with a name, at most one."""
    check_organization(access, request.organization_id)
    users = await _users(context, access)
    if request.username is not None:
        users = [user for user in users if user.username == request.username]
    return UsersRecord(users=users)


@handles(LIST_DATASET_USERS)
async def list_dataset_users(context: Context, access: Access, request: DatasetId) -> UsersRecord:
    """List the users of a dataset: the users of its organization."""
    await dataset_scope(context.database, access, request.dataset_id)
    return UsersRecord(users=await _users(context, access))


@handles(ADD_DATASET_USER)
async def add_dataset_user(context: Context, access: Access, request: AddDatasetUser) -> None:
    """Check that the user may use the dataset; 404 for a user outside the organization."""
    await dataset_scope(context.database, access, request.dataset_id)
    await account_of(context.database, access, request.user_id)


async def account_of(statements: Statements, access: Access, user_id: UUID) -> int:
    """Return the row number of a user; 404 for a user outside the caller's organization."""
    key = key_of(user_id, Kind.USER)
    row = await statements.fetch_one(
        "accounts.member", organization=access.organization, account=key.number
    )
    if row is None:
        raise missing(Kind.USER, user_id)
    check_id(user_id, Kind.USER, row[2], 0, key.number)
    return key.number


async def worker_account(
    statements: Statements, access: Access, worker_id: UUID | None
) -> int | None:
    """Return the row number of an optional worker, None for None; 404 for a worker outside the organization."""
    return None if worker_id is None else await account_of(statements, access, worker_id)


async def compile_annotation_filters(
    database: Database,
    access: Access,
    status: AnnotationStatus | None,
    worker_id: UUID | None,
) -> Filters:
    """Compile the filters of annotations (alias ``n``) by status and worker; 404 for an unknown worker."""
    conditions = Conditions(database.dialect)
    if status is not None:
        conditions.add(f"n.status = {conditions.bind(str(status))}")
    account = await worker_account(database, access, worker_id)
    if account is not None:
        conditions.add(f"n.account = {conditions.bind(account)}")
    return Filters(conditions.sql(), conditions.params)


async def _users(context: Context, access: Access) -> list[UserRecord]:
    rows = await context.database.fetch("accounts.users", organization=access.organization)
    return [
        UserRecord(id=encode(Kind.USER, created, 0, no), username=username)
        for no, username, created in rows
    ]
