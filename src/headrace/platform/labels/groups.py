"""Label groups, which form a forest: each group may have a parent group."""

from __future__ import annotations

from uuid import UUID

from headrace.errors import BadRequestError, ConflictError, UniqueViolationError
from headrace.model.ids import Kind
from headrace.model.names import safe_name
from headrace.model.records import Items, LabelGroupRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import missing
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import VersionScope, scope_of_part, touch, version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.labels import (
    CREATE_LABEL_GROUP,
    GET_LABEL_GROUP,
    LIST_LABEL_GROUPS,
    UPDATE_LABEL_GROUP,
    CreateLabelGroup,
    LabelGroupId,
    ListLabels,
    UpdateLabelGroup,
)
from headrace.storage.database.base import Row, Statements, Transaction


@handles(LIST_LABEL_GROUPS)
async def list_label_groups(
    context: Context, access: Access, request: ListLabels
) -> Items[LabelGroupRecord]:
    """List the label groups of a version in order of creation."""
    scope = await version_scope(context.database, access, request.version_id)
    rows = await context.database.fetch("labels.groups", version=scope.no)
    return Items(items=[_record(scope, row) for row in rows])


@handles(CREATE_LABEL_GROUP)
async def create_label_group(
    context: Context, access: Access, request: CreateLabelGroup
) -> LabelGroupRecord:
    """Create a group; 409 if the name is taken."""
    name = safe_name(request.name, "name of a label group")
    locks = await version_locks(context, request.version_id, labels=True)
    async with context.database.transaction(*locks) as tx:
        scope = await version_scope(tx, access, request.version_id, change=True)
        parent = None
        if request.parent_id is not None:
            parent = await group_key(tx, scope, request.parent_id)
        await touch(tx, scope)
        key = await context.database.take("labels.take_key", dataset=scope.dataset)
        assert key is not None
        try:
            await tx.execute(
                "labels.add_group",
                version=scope.no,
                key=key[0],
                name=name,
                parent=parent,
                created=context.clock(),
            )
        except UniqueViolationError:
            raise _taken(scope, name) from None
        return _record(scope, (key[0], name, parent))


@handles(GET_LABEL_GROUP)
async def get_label_group(
    context: Context, access: Access, request: LabelGroupId
) -> LabelGroupRecord:
    """Get a group by id."""
    scope, key = await scope_of_part(context.database, access, request.group_id, Kind.LABEL_GROUP)
    return _record(scope, await _row(context.database, scope, key, request.group_id))


@handles(UPDATE_LABEL_GROUP)
async def update_label_group(
    context: Context, access: Access, request: UpdateLabelGroup
) -> LabelGroupRecord:
    """Rename a group or move it under another; 409 if the name is taken, 400 for a circle."""
    name = None if request.name is None else safe_name(request.name, "name of a label group")
    locks = await version_locks(context, request.group_id, Kind.LABEL_GROUP)
    async with context.database.transaction(*locks) as tx:
        scope, key = await scope_of_part(
            tx, access, request.group_id, Kind.LABEL_GROUP, change=True
        )
        await _row(tx, scope, key, request.group_id)
        parent = None
        if request.parent_id is not None:
            parent = await group_key(tx, scope, request.parent_id)
            await _check_no_circle(tx, scope, key, parent)
        await touch(tx, scope)
        try:
            await tx.execute(
                "labels.update_group", version=scope.no, key=key, name=name, parent=parent
            )
        except UniqueViolationError:
            raise _taken(scope, name or "") from None
        return _record(scope, await _row(tx, scope, key, request.group_id))


async def group_key(statements: Statements, scope: VersionScope, id: UUID) -> int:
    """Return the key of a group; 404 if the version has no such group."""
    key = scope.ids(Kind.LABEL_GROUP).seq(id)
    if key is None:
        raise missing(Kind.LABEL_GROUP, id)
    await _row(statements, scope, key, id)
    return key


async def _check_no_circle(
    tx: Transaction, scope: VersionScope, key: int, parent: int | None
) -> None:
    rows = await tx.fetch("labels.groups", version=scope.no)
    parents = {group: group_parent for group, _, group_parent in rows}
    while parent is not None:
        if parent == key:
            raise BadRequestError("a label group cannot be its own ancestor")
        parent = parents.get(parent)


async def _row(statements: Statements, scope: VersionScope, key: int, id: UUID) -> Row:
    row = await statements.fetch_one("labels.group_by_key", version=scope.no, key=key)
    if row is None:
        raise missing(Kind.LABEL_GROUP, id)
    return row


def _record(scope: VersionScope, row: Row) -> LabelGroupRecord:
    key, name, parent = row
    return LabelGroupRecord(
        id=scope.ids(Kind.LABEL_GROUP).id(key),
        name=name,
        parent_id=None if parent is None else scope.ids(Kind.LABEL_GROUP).id(parent),
    )


def _taken(scope: VersionScope, name: str) -> ConflictError:
    return ConflictError(f"version {scope.full_name} has a label group {name!r} already")
