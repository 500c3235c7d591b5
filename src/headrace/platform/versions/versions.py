"""Versions of a dataset: create, find, list, change, delete and count."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from headrace.errors import BadRequestError, ConflictError, UniqueViolationError
from headrace.model.enums import TagTarget
from headrace.model.ids import Kind, encode
from headrace.model.names import safe_name
from headrace.model.records import DatasetVersionRecord, Items, TagRecord, VersionStats
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_organization, key_of, missing
from headrace.platform.core.listing import order_clause, page_offset
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import (
    VersionScope,
    check_unlocked,
    dataset_scope,
    version_from_row,
    version_scope,
)
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import purge
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.room import purge_time
from headrace.platform.removals.rows import count_deletion, record_deletion
from headrace.platform.versions.datasets import all_or_limit, object_tags
from headrace.protocol.operations.datasets import (
    CREATE_VERSION,
    DELETE_VERSION,
    FIND_VERSION,
    FIND_VERSION_BY_ID,
    GET_STATS,
    GET_VERSION,
    LIST_VERSIONS,
    UPDATE_VERSION,
    CreateVersion,
    DeleteVersion,
    FindVersion,
    FindVersionById,
    ListVersions,
    UpdateVersion,
    VersionId,
)
from headrace.storage.database.locks import Lock

_ORDERS = {"version": "v.name", "name": "v.name", "created_at": "v.no"}


@handles(CREATE_VERSION)
async def create_version(
    context: Context, access: Access, request: CreateVersion
) -> DatasetVersionRecord:
    """Create an empty version; raises ConflictError where the name exists."""
    name = safe_name(request.version, "name of a version")
    lock = Lock.dataset(key_of(request.dataset_id, Kind.DATASET).number)
    async with context.database.transaction(lock) as tx:
        dataset = await dataset_scope(tx, access, request.dataset_id)
        no = await context.database.reserve("version")
        try:
            await tx.execute(
                "versions.add",
                no=no,
                bucket=context.database.dialect.new_bucket(dataset.no),
                dataset=dataset.no,
                name=name,
                description=request.description,
                type=str(request.type),
                created=context.clock(),
            )
        except UniqueViolationError:
            raise version_exists(dataset.name, name) from None
        row = await tx.fetch_one("versions.by_no", no=no, organization=access.organization)
        assert row is not None
    return version_record(version_from_row(row))


@handles(LIST_VERSIONS)
async def list_versions(
    context: Context, access: Access, request: ListVersions
) -> Items[DatasetVersionRecord]:
    """List the versions of a dataset, newest first."""
    dataset = await dataset_scope(context.database, access, request.dataset_id)
    rows = await context.database.fetch(
        "versions.page",
        filters=order_clause(
            request.order_by or ["-created_at"], _ORDERS, "v.no desc", context.database.dialect
        ),
        dataset=dataset.no,
        organization=access.organization,
        limit=all_or_limit(request),
        offset=page_offset(request),
    )
    return Items(items=[version_record(version_from_row(row)) for row in rows])


@handles(FIND_VERSION)
async def find_version(
    context: Context, access: Access, request: FindVersion
) -> DatasetVersionRecord:
    """Find a version of a dataset by name or id; where both are given, both must match."""
    dataset = await dataset_scope(context.database, access, request.dataset_id)
    if request.id is not None:
        scope = await version_scope(context.database, access, request.id)
        if scope.dataset != dataset.no or request.version not in (None, scope.name):
            raise missing(Kind.VERSION, request.id)
        return version_record(scope)
    if request.version is None:
        raise BadRequestError("give the name or the id of a version")
    row = await context.database.fetch_one(
        "versions.by_name",
        dataset=dataset.no,
        organization=access.organization,
        name=request.version,
    )
    if row is None:
        raise missing(Kind.VERSION, repr(f"{dataset.name}/{request.version}"))
    return version_record(version_from_row(row))


@handles(FIND_VERSION_BY_ID)
async def find_version_by_id(
    context: Context, access: Access, request: FindVersionById
) -> DatasetVersionRecord:
    """Find a version by id, without its dataset."""
    check_organization(access, request.organization_id)
    return version_record(await version_scope(context.database, access, request.id))


@handles(GET_VERSION)
async def get_version(context: Context, access: Access, request: VersionId) -> DatasetVersionRecord:
    """Get a version with its tags."""
    scope = await version_scope(context.database, access, request.version_id)
    tags = await object_tags(context.database, access, TagTarget.DATASET_VERSION, scope.no)
    return version_record(scope, tags)


@handles(UPDATE_VERSION)
async def update_version(
    context: Context, access: Access, request: UpdateVersion
) -> DatasetVersionRecord:
    """Change the name, description or type of a version; raises ConflictError where the new name exists."""
    name = None if request.version is None else safe_name(request.version, "name of a version")
    async with context.database.transaction(
        *await version_locks(context, request.version_id)
    ) as tx:
        scope = await version_scope(tx, access, request.version_id, change=True)
        try:
            await tx.execute(
                "versions.update",
                no=scope.no,
                name=name,
                description=request.description,
                type=None if request.type is None else str(request.type),
            )
        except UniqueViolationError:
            raise version_exists(scope.dataset_name, name or "") from None
        return version_record(await version_scope(tx, access, request.version_id))


@handles(DELETE_VERSION)
async def delete_version(context: Context, access: Access, request: DeleteVersion) -> None:
    """Delete a version with its assets and annotations.

    Its rows are purged in the background: when the deletion can no longer be undone, or at once for an unfinished fork and
    for a caller who wants no way back.
    """
    async with context.database.transaction(
        *await version_locks(context, request.version_id, labels=True)
    ) as tx:
        scope = await version_scope(tx, access, request.version_id)
        if not scope.filling:
            check_unlocked(scope)
        await tx.execute("jobs.ask_fillers_to_stop", version=scope.no, now=context.clock())
        removal = None
        if request.undo is not False and not scope.filling:
            removal = await record_deletion(
                tx,
                context,
                access,
                RemovalKind.VERSION,
                dataset=scope.dataset,
                version=scope.no,
                name=scope.full_name,
            )
        await tx.execute(
            "versions.doom",
            no=scope.no,
            removal=removal,
            purge_after=0 if removal is None else purge_time(context),
        )
        if removal is not None:
            await count_deletion(tx, context, removal)
    context.background.start(purge, context)


@handles(GET_STATS)
async def get_stats(context: Context, access: Access, request: VersionId) -> VersionStats:
    """Count the shapes per label, in order of creation of the labels, and totals; labels without shapes are absent."""
    scope = await version_scope(context.database, access, request.version_id)
    keys = {"bucket": scope.bucket, "version": scope.no}
    labels = await context.database.fetch("counters.labels", filters="", **keys)
    totals = await context.database.fetch_one("counters.totals", filters="", **keys)
    assert totals is not None
    shapes = {name: number for _, number, _, name in labels if number}
    return VersionStats(
        label_repartition=shapes,
        nb_objects=sum(shapes.values()),
        nb_annotations=totals[1],
        nb_assets=totals[0],
    )


def version_record(
    scope: VersionScope, tags: list[TagRecord] | UnsetType = UNSET
) -> DatasetVersionRecord:
    """Make the record of a version."""
    return DatasetVersionRecord(
        id=scope.id,
        origin_name=scope.dataset_name,
        origin_id=encode(Kind.DATASET, scope.dataset_created, scope.dataset_bucket, scope.dataset),
        version=scope.name,
        type=scope.type,
        annotation_campaign_id=scope.campaign_id,
        description=scope.description,
        tags=tags,
        is_locked=scope.locked and not scope.filling,
    )


def version_exists(dataset: str, name: str) -> ConflictError:
    """Make the error for the name of an existing version."""
    return ConflictError(
        f"dataset {dataset!r} has a version {name!r} already", hint="choose another name"
    )
