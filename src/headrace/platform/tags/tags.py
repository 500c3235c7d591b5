"""Create, find, list, rename and delete tags of a lake's data, a version's assets and the organization."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.errors import BadRequestError, ConflictError, UniqueViolationError
from headrace.model.enums import TagTarget
from headrace.model.ids import Kind
from headrace.model.names import safe_name
from headrace.model.records import Items, TagRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import check_organization, key_of, missing
from headrace.platform.core.listing import NO_LIMIT, order_clause, page_offset
from headrace.platform.core.scopes import DatalakeScope
from headrace.platform.dispatch import handles
from headrace.platform.tags.scopes import Tag, TagFamily, TagScope, locks_of_tag, scope_of, tag_of
from headrace.protocol.operations.listing import PageQuery
from headrace.protocol.operations.tags import (
    CREATE_ASSET_TAG,
    CREATE_DATA_TAG,
    CREATE_TAG,
    DELETE_TAG,
    FIND_ASSET_TAG,
    FIND_DATA_TAG,
    FIND_TAG,
    GET_TAG,
    LIST_ASSET_TAGS,
    LIST_DATA_TAGS,
    LIST_TAGS,
    UPDATE_TAG,
    AssetTagName,
    DataTagName,
    ListAssetTags,
    ListDataTags,
    ListOrganizationTags,
    OrganizationTagName,
    TagId,
    UpdateTag,
)
from headrace.storage.database.base import Statements, Transaction

ORGANIZATION_TARGETS = (
    TagTarget.DATASET,
    TagTarget.DATASET_VERSION,
    TagTarget.MODEL,
    TagTarget.MODEL_VERSION,
    TagTarget.DEPLOYMENT,
)
_ORDERS = {"name": "t.name", "created_at": "t.key"}
_LINKS_AT_ONCE = 10_000
_DROP_LINKS = {
    TagFamily.DATA: "tags.drop_data_links",
    TagFamily.ASSET: "tags.drop_asset_links",
    TagFamily.ORGANIZATION: "tags.drop_object_links",
}


# --- tags of data ----------------------------------------------------------------------------------------


@handles(CREATE_DATA_TAG)
async def create_data_tag(context: Context, access: Access, request: DataTagName) -> TagRecord:
    """Create a tag for the data of a lake."""
    scope = await _scope(context, access, TagFamily.DATA, Kind.DATALAKE, request.datalake_id)
    return await _create(context, access, scope, TagTarget.DATA, request.name)


@handles(FIND_DATA_TAG)
async def find_data_tag(context: Context, access: Access, request: DataTagName) -> TagRecord:
    """Find a tag of a lake by name."""
    scope = await _scope(context, access, TagFamily.DATA, Kind.DATALAKE, request.datalake_id)
    return await _find(context, scope, TagTarget.DATA, request.name)


@handles(LIST_DATA_TAGS)
async def list_data_tags(
    context: Context, access: Access, request: ListDataTags
) -> Items[TagRecord]:
    """List the tags of a lake in order of creation."""
    scope = await _scope(context, access, TagFamily.DATA, Kind.DATALAKE, request.datalake_id)
    return await _list(context, scope, TagTarget.DATA, request)


# --- tags of assets --------------------------------------------------------------------------------------


@handles(CREATE_ASSET_TAG)
async def create_asset_tag(context: Context, access: Access, request: AssetTagName) -> TagRecord:
    """Create a tag for the assets of a version."""
    scope = await _scope(context, access, TagFamily.ASSET, Kind.VERSION, request.version_id)
    return await _create(context, access, scope, TagTarget.ASSET, request.name)


@handles(FIND_ASSET_TAG)
async def find_asset_tag(context: Context, access: Access, request: AssetTagName) -> TagRecord:
    """Find a tag of a version's assets by name."""
    scope = await _scope(context, access, TagFamily.ASSET, Kind.VERSION, request.version_id)
    return await _find(context, scope, TagTarget.ASSET, request.name)


@handles(LIST_ASSET_TAGS)
async def list_asset_tags(
    context: Context, access: Access, request: ListAssetTags
) -> Items[TagRecord]:
    """List the tags of a version's assets in order of creation."""
    scope = await _scope(context, access, TagFamily.ASSET, Kind.VERSION, request.version_id)
    return await _list(context, scope, TagTarget.ASSET, request)


# --- tags of the organization ----------------------------------------------------------------------------


@handles(CREATE_TAG)
async def create_tag(context: Context, access: Access, request: OrganizationTagName) -> TagRecord:
    """Create a tag of the organization for one kind of target."""
    scope = await _organization(context, access, request.organization_id)
    target = _organization_target(request.target_type)
    return await _create(context, access, scope, target, request.name)


@handles(FIND_TAG)
async def find_tag(context: Context, access: Access, request: OrganizationTagName) -> TagRecord:
    """Find a tag of the organization by name and target."""
    scope = await _organization(context, access, request.organization_id)
    return await _find(context, scope, _organization_target(request.target_type), request.name)


@handles(LIST_TAGS)
async def list_tags(
    context: Context, access: Access, request: ListOrganizationTags
) -> Items[TagRecord]:
    """List the organization's tags for one kind of target, in order of creation."""
    scope = await _organization(context, access, request.organization_id)
    return await _list(context, scope, _organization_target(request.target_type), PageQuery())


# --- any tag ---------------------------------------------------------------------------------------------


@handles(GET_TAG)
async def get_tag(context: Context, access: Access, request: TagId) -> TagRecord:
    """Get a tag by id."""
    return (await tag_of(context.database, access, request.tag_id)).record


@handles(UPDATE_TAG)
async def update_tag(context: Context, access: Access, request: UpdateTag) -> TagRecord:
    """Rename a tag; it stays attached."""
    name = safe_name(request.name)
    try:
        locks = await locks_of_tag(context, request.tag_id)
        async with context.database.transaction(*locks) as tx:
            tag = await tag_of(tx, access, request.tag_id)
            tag.scope.check_unlocked()
            await tx.execute("tags.rename", name=name, **tag.bound)
            await touch(tx, tag.scope)
    except UniqueViolationError:
        raise _taken(name) from None
    return tag._replace(name=name).record


@handles(DELETE_TAG)
async def delete_tag(context: Context, access: Access, request: TagId) -> None:
    """Delete a tag: first its links in ranges, so that other writers wait only briefly, then the tag."""
    while True:
        locks = await locks_of_tag(context, request.tag_id)
        async with context.database.transaction(*locks) as tx:
            tag = await tag_of(tx, access, request.tag_id)
            tag.scope.check_unlocked()
            dropped = await tx.execute(
                _DROP_LINKS[tag.scope.family], limit=_LINKS_AT_ONCE, **tag.links
            )
            if dropped < _LINKS_AT_ONCE:
                await tx.execute("tags.delete", **tag.bound)
                await touch(tx, tag.scope)
                return


async def touch(tx: Transaction, scope: TagScope) -> None:
    """Increase the revision if the scope is a version."""
    if scope.family is TagFamily.ASSET:
        await tx.execute("tags.touch_version", version=scope.no)


# --- for other modules -----------------------------------------------------------------------------------


async def data_tags(
    statements: Statements, access: Access, lake: DatalakeScope, tag_ids: Sequence[UUID]
) -> list[Tag]:
    """Find tags of a lake, each once; 400 for a tag that is not this lake's."""
    tags: dict[int, Tag] = {}
    for tag_id in tag_ids:
        tag = await tag_of(statements, access, tag_id)
        if (tag.scope.family, tag.scope.no) != (TagFamily.DATA, lake.no):
            raise BadRequestError(f"{tag_id} is not a tag of datalake {lake.name!r}")
        tags[tag.key] = tag
    return list(tags.values())


async def tags_of_data(
    statements: Statements, lake: int, lake_created: int, lake_bucket: int, no: int
) -> list[TagRecord]:
    """The tags of a data."""
    scope = TagScope(TagFamily.DATA, lake, lake_created, lake_bucket)
    rows = await statements.fetch("tags.of_data", bucket=lake_bucket, lake=lake, data=no)
    return [scope.record(key, TagTarget.DATA, name) for key, name in rows]


async def tags_of_asset(
    statements: Statements, version: int, version_created: int, bucket: int, seq: int
) -> list[TagRecord]:
    """The tags of an asset."""
    scope = TagScope(TagFamily.ASSET, version, version_created, bucket)
    rows = await statements.fetch("tags.of_asset", bucket=bucket, version=version, asset=seq)
    return [scope.record(key, TagTarget.ASSET, name) for key, name in rows]


# --- within a scope --------------------------------------------------------------------------------------


async def _scope(
    context: Context, access: Access, family: TagFamily, kind: Kind, scope_id: UUID
) -> TagScope:
    key = key_of(scope_id, kind)
    scope = await scope_of(context.database, access, family, key.number)
    if scope is None or (scope.created, scope.bucket) != (key.created_ms, key.bucket):
        raise missing(kind, scope_id)
    return scope


async def _organization(context: Context, access: Access, organization_id: UUID) -> TagScope:
    check_organization(access, organization_id)
    return await _scope(context, access, TagFamily.ORGANIZATION, Kind.ORGANIZATION, organization_id)


def _organization_target(target: TagTarget) -> TagTarget:
    if target not in ORGANIZATION_TARGETS:
        raise BadRequestError(
            f"an organization has no {target} tags",
            hint="one of " + ", ".join(ORGANIZATION_TARGETS),
        )
    return target


async def _create(
    context: Context, access: Access, scope: TagScope, target: TagTarget, wanted: str
) -> TagRecord:
    name = safe_name(wanted)
    try:
        async with context.database.transaction(*await scope.locks(context)) as tx:
            # Read again inside the transaction: the version may be locked meanwhile.
            (await scope_of(tx, access, scope.family, scope.no) or scope).check_unlocked()
            key = await _take_key(context, scope)
            await tx.execute(
                "tags.add",
                key=key,
                target=target,
                name=name,
                created=context.clock(),
                **scope.bound,
            )
            await touch(tx, scope)
    except UniqueViolationError:
        raise _taken(name) from None
    return scope.record(key, target, name)


async def _take_key(context: Context, scope: TagScope) -> int:
    if scope.family is not TagFamily.ASSET:
        return await context.database.reserve(f"tag/{scope.family:d}/{scope.no}")
    row = await context.database.take("tags.take_asset_tag_key", version=scope.no)
    if row is None:
        raise missing(Kind.VERSION, scope.no)
    return int(row[0])


async def _find(context: Context, scope: TagScope, target: TagTarget, name: str) -> TagRecord:
    row = await context.database.fetch_one("tags.by_name", target=target, name=name, **scope.bound)
    if row is None:
        raise missing(Kind.ORGANIZATION_TAG, ascii(name))
    return Tag(scope, row[0], target, row[1]).record


async def _list(
    context: Context, scope: TagScope, target: TagTarget, page: PageQuery
) -> Items[TagRecord]:
    rows = await context.database.fetch(
        "tags.by_target",
        filters=order_clause(page.order_by or [], _ORDERS, "t.key", context.database.dialect),
        target=target,
        limit=NO_LIMIT if page.limit is None else max(0, page.limit),
        offset=page_offset(page),
        **scope.bound,
    )
    return Items(items=[scope.record(key, target, name) for key, name in rows])


def _taken(name: str) -> ConflictError:
    return ConflictError(f"there is a tag {name!r} already", hint="find it by its name")
