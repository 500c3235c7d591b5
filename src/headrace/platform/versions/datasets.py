"""Datasets: create, find, list, rename, delete."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from headrace.errors import BadRequestError, ConflictError, UniqueViolationError, locked_version
from headrace.model.enums import TagTarget
from headrace.model.ids import Kind, decode, encode
from headrace.model.names import safe_name
from headrace.model.records import DatasetRecord, Items, TagRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_organization, key_of, missing
from headrace.platform.core.listing import NO_LIMIT, order_clause, page_offset
from headrace.platform.core.scopes import DatasetScope, dataset_scope
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import purge
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.room import purge_time
from headrace.platform.removals.rows import count_deletion, record_deletion
from headrace.protocol.operations.datasets import (
    CREATE_DATASET,
    DELETE_DATASET,
    FIND_DATASET,
    GET_DATASET,
    LIST_DATASETS,
    UPDATE_DATASET,
    CreateDataset,
    DatasetId,
    DeleteDataset,
    FindDataset,
    ListDatasets,
    UpdateDataset,
)
from headrace.protocol.operations.listing import PageQuery
from headrace.storage.database.base import Statements
from headrace.storage.database.locks import Lock

_ORDERS = {"name": "s.name", "created_at": "s.no"}


@handles(CREATE_DATASET)
async def create_dataset(context: Context, access: Access, request: CreateDataset) -> DatasetRecord:
    """Create a dataset; raises ConflictError where the name exists."""
    check_organization(access, request.organization_id)
    name = safe_name(request.name, "name of a dataset")
    async with context.database.transaction(
        Lock.organization(access.organization, shared=True)
    ) as tx:
        no = await context.database.reserve("dataset")
        bucket = context.database.dialect.new_bucket(no)
        scope = DatasetScope(no, bucket, context.clock(), name, request.description)
        try:
            await tx.execute(
                "datasets.add",
                no=no,
                bucket=bucket,
                organization=access.organization,
                name=name,
                description=request.description,
                created=scope.created,
            )
        except UniqueViolationError:
            raise _dataset_exists(name) from None
    return _record(scope)


@handles(LIST_DATASETS)
async def list_datasets(
    context: Context, access: Access, request: ListDatasets
) -> Items[DatasetRecord]:
    """List the datasets of the organization, newest first."""
    check_organization(access, request.organization_id)
    rows = await context.database.fetch(
        "datasets.page",
        filters=order_clause(
            request.order_by or ["-created_at"], _ORDERS, "s.no desc", context.database.dialect
        ),
        organization=access.organization,
        limit=all_or_limit(request),
        offset=page_offset(request),
    )
    return Items(items=[_record(DatasetScope(*row)) for row in rows])


@handles(FIND_DATASET)
async def find_dataset(context: Context, access: Access, request: FindDataset) -> DatasetRecord:
    """Find a dataset by name or id; where both are given, both must match."""
    check_organization(access, request.organization_id)
    if request.id is not None:
        scope = await dataset_scope(context.database, access, request.id)
        if request.name not in (None, scope.name):
            raise missing(Kind.DATASET, repr(request.name))
        return _record(scope)
    if request.name is None:
        raise BadRequestError("give the name or the id of a dataset")
    row = await context.database.fetch_one(
        "datasets.by_name", organization=access.organization, name=request.name
    )
    if row is None:
        raise missing(Kind.DATASET, repr(request.name))
    return _record(DatasetScope(*row))


@handles(GET_DATASET)
async def get_dataset(context: Context, access: Access, request: DatasetId) -> DatasetRecord:
    """Get a dataset with its tags."""
    scope = await dataset_scope(context.database, access, request.dataset_id)
    tags = await object_tags(context.database, access, TagTarget.DATASET, scope.no)
    return _record(scope, tags)


@handles(UPDATE_DATASET)
async def update_dataset(context: Context, access: Access, request: UpdateDataset) -> DatasetRecord:
    """Change the name or description of a dataset; raises ConflictError where the new name exists."""
    name = None if request.name is None else safe_name(request.name, "name of a dataset")
    lock = Lock.dataset(key_of(request.dataset_id, Kind.DATASET).number)
    async with context.database.transaction(lock) as tx:
        scope = await dataset_scope(tx, access, request.dataset_id)
        try:
            await tx.execute(
                "datasets.update", no=scope.no, name=name, description=request.description
            )
        except UniqueViolationError:
            raise _dataset_exists(name or "") from None
        return _record(await dataset_scope(tx, access, request.dataset_id))


@handles(DELETE_DATASET)
async def delete_dataset(context: Context, access: Access, request: DeleteDataset) -> None:
    """Delete a dataset with its versions.

    The rows are purged in the background: when the deletion can no longer be undone, or at once for a caller who wants no
    way back.

    Raises:
        LockedError: A version is locked.
    """
    async with context.database.transaction(
        Lock.organization(access.organization, shared=True),
        Lock.dataset(key_of(request.dataset_id, Kind.DATASET).number),
    ) as tx:
        scope = await dataset_scope(tx, access, request.dataset_id)
        locked = await tx.fetch_one("datasets.locked_version", no=scope.no)
        if locked is not None:
            raise locked_version(f"{scope.name}/{locked[0]}")
        removal = None
        if request.undo is not False:
            removal = await record_deletion(
                tx,
                context,
                access,
                RemovalKind.DATASET,
                dataset=scope.no,
                version=None,
                name=scope.name,
            )
        doomed: dict[str, Any] = {
            "no": scope.no,
            "removal": removal,
            "purge_after": 0 if removal is None else purge_time(context),
        }
        await tx.execute("datasets.doom_versions", **doomed)
        await tx.execute("datasets.doom", **doomed)
        if removal is not None:
            await count_deletion(tx, context, removal)
    context.background.start(purge, context)


def all_or_limit(request: PageQuery) -> int:
    """Return the limit of a listing that is complete by default."""
    if request.limit is None:
        return NO_LIMIT
    if request.limit < 1:
        raise BadRequestError("limit must be at least 1")
    return request.limit


async def object_tags(
    statements: Statements, access: Access, target: TagTarget, no: int
) -> list[TagRecord]:
    """Read the tags of the organization on a dataset or version."""
    rows = await statements.fetch(
        "datasets.tags", organization=access.organization, no=no, target=str(target)
    )
    created = decode(access.organization_id).created_ms
    return [
        TagRecord(
            id=encode(Kind.ORGANIZATION_TAG, created, 0, access.organization << 31 | key),
            name=name,
            target_type=target,
        )
        for key, name, _, _ in rows
    ]


def _record(scope: DatasetScope, tags: list[TagRecord] | UnsetType = UNSET) -> DatasetRecord:
    return DatasetRecord(id=scope.id, name=scope.name, description=scope.description, tags=tags)


def _dataset_exists(name: str) -> ConflictError:
    return ConflictError(f"there is a dataset {name!r} already", hint="choose another name")
