"""Labels of a version. Label keys are unique in the dataset, so that its versions can share shapes."""

from __future__ import annotations

from headrace.errors import ConflictError, UniqueViolationError
from headrace.model.ids import Kind
from headrace.model.names import safe_name
from headrace.model.records import Items, LabelRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import missing
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import VersionScope, scope_of_part, touch, version_scope
from headrace.platform.dispatch import handles
from headrace.platform.labels.groups import group_key
from headrace.protocol.operations.labels import (
    CREATE_LABEL,
    ENSURE_LABELS,
    FIND_LABEL,
    GET_LABEL,
    LIST_LABELS,
    UPDATE_LABEL,
    LabelId,
    LabelName,
    LabelNames,
    ListLabels,
    UpdateLabel,
)
from headrace.storage.database.base import Row, Statements, Transaction


@handles(LIST_LABELS)
async def list_labels(context: Context, access: Access, request: ListLabels) -> Items[LabelRecord]:
    """List the labels of a version in order of creation."""
    scope = await version_scope(context.database, access, request.version_id)
    rows = await context.database.fetch("labels.all", version=scope.no)
    return Items(items=[label_record(scope, row) for row in rows])


@handles(CREATE_LABEL)
async def create_label(context: Context, access: Access, request: LabelName) -> LabelRecord:
    """Create a label; 409 if the name is taken."""
    name = safe_name(request.name, "name of a label")
    locks = await version_locks(context, request.version_id, labels=True)
    async with context.database.transaction(*locks) as tx:
        scope = await version_scope(tx, access, request.version_id, change=True)
        await touch(tx, scope)
        try:
            return label_record(scope, await _add(context, tx, scope, name))
        except UniqueViolationError:
            raise _taken(scope, name) from None


@handles(FIND_LABEL)
async def find_label(context: Context, access: Access, request: LabelName) -> LabelRecord:
    """Find a label by name."""
    scope = await version_scope(context.database, access, request.version_id)
    row = await context.database.fetch_one("labels.by_name", version=scope.no, name=request.name)
    if row is None:
        raise missing(Kind.LABEL, repr(request.name))
    return label_record(scope, row)


@handles(ENSURE_LABELS)
async def ensure_labels(context: Context, access: Access, request: LabelNames) -> list[LabelRecord]:
    """Return the labels of these names in their order; creates the missing ones."""
    names = list(dict.fromkeys(safe_name(name, "name of a label") for name in request.names))
    scope = await version_scope(context.database, access, request.version_id)
    found = await _by_names(context.database, scope, names)
    if len(found) < len(names):
        locks = await version_locks(context, request.version_id, labels=True)
        async with context.database.transaction(*locks) as tx:
            scope = await version_scope(tx, access, request.version_id, change=True)
            await touch(tx, scope)
            await ensure_label_keys(context, tx, scope, names)
            found = await _by_names(tx, scope, names)
    return [label_record(scope, found[name]) for name in names]


async def ensure_label_keys(
    context: Context, tx: Transaction, scope: VersionScope, names: list[str]
) -> dict[str, int]:
    """Return the keys of the labels of these names; creates the missing ones."""
    found = await _by_names(tx, scope, names)
    for name in names:
        if name not in found:
            found[name] = await _add(context, tx, scope, name)
    return {name: row[0] for name, row in found.items()}


@handles(GET_LABEL)
async def get_label(context: Context, access: Access, request: LabelId) -> LabelRecord:
    """Get a label by id."""
    scope, key = await scope_of_part(context.database, access, request.label_id, Kind.LABEL)
    return label_record(scope, await _row(context.database, scope, key, request))


@handles(UPDATE_LABEL)
async def update_label(context: Context, access: Access, request: UpdateLabel) -> LabelRecord:
    """Rename a label or move it into a group of its version; 409 if the new name is taken."""
    name = None if request.name is None else safe_name(request.name, "name of a label")
    locks = await version_locks(context, request.label_id, Kind.LABEL)
    async with context.database.transaction(*locks) as tx:
        scope, key = await scope_of_part(tx, access, request.label_id, Kind.LABEL, change=True)
        group = None
        if request.group_id is not None:
            group = await group_key(tx, scope, request.group_id)
        try:
            row = await tx.fetch_one(
                "labels.update", version=scope.no, key=key, name=name, grp=group
            )
        except UniqueViolationError:
            raise _taken(scope, name or "") from None
        if row is None:
            raise missing(Kind.LABEL, request.label_id)
        await touch(tx, scope)
    return label_record(scope, row)


async def _add(context: Context, tx: Transaction, scope: VersionScope, name: str) -> Row:
    key = await tx.fetch_one(
        "labels.sibling_key", dataset=scope.dataset, version=scope.no, name=name
    ) or await context.database.take("labels.take_key", dataset=scope.dataset)
    position = await tx.fetch_one("labels.next_position", version=scope.no)
    assert key is not None
    assert position is not None
    await tx.execute(
        "labels.add",
        version=scope.no,
        key=key[0],
        name=name,
        position=position[0],
        created=context.clock(),
    )
    return key[0], name, None


async def _by_names(
    statements: Statements, scope: VersionScope, names: list[str]
) -> dict[str, Row]:
    rows = await statements.fetch("labels.by_names", version=scope.no, names=json_text(names))
    return {row[1]: row for row in rows}


async def _row(
    statements: Statements, scope: VersionScope, key: int, request: LabelId | UpdateLabel
) -> Row:
    row = await statements.fetch_one("labels.by_key", version=scope.no, key=key)
    if row is None:
        raise missing(Kind.LABEL, request.label_id)
    return row


def label_record(scope: VersionScope, row: Row) -> LabelRecord:
    """Build the record of a label from its key, name and group."""
    key, name, group = row
    return LabelRecord(
        id=scope.ids(Kind.LABEL).id(key),
        name=name,
        group_id=None if group is None else scope.ids(Kind.LABEL_GROUP).id(group),
    )


def _taken(scope: VersionScope, name: str) -> ConflictError:
    return ConflictError(f"version {scope.full_name} has a label {name!r} already")
