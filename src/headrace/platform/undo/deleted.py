"""Bring back deleted versions and datasets, whose rows stay until they are purged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headrace.model.records import UndoConflict, UndoRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.rows import Removal
from headrace.storage.database.base import Transaction
from headrace.storage.database.locks import Lock

RESTORED = "restored"
"""The suffix of a name that is taken: ``v1-restored``, then ``v1-restored-2``."""


async def restore_deleted(
    context: Context, access: Access, removal: Removal, *, dry_run: bool
) -> UndoRecord:
    """Bring back the version or dataset that a removal deleted; under another name where its own is taken."""
    locks = [
        Lock.organization(access.organization, shared=True),
        Lock.dataset(removal.dataset),
    ]
    async with context.database.transaction(*locks) as tx:
        return await _restore(tx, context, access, removal, dry_run)


async def _restore(
    tx: Transaction, context: Context, access: Access, removal: Removal, dry_run: bool
) -> UndoRecord:
    now = context.clock()
    dataset = await tx.fetch_one("undo.dataset", no=removal.dataset, now=now)
    rows = await tx.fetch("undo.deleted_versions", removal=removal.no, now=now)
    if dataset is None:
        return _nothing(removal, "its dataset was purged")
    name, state = dataset
    notes: list[str] = []
    dataset_back = state == "DELETING" and (rows or removal.kind == RemovalKind.DATASET)
    if not rows and not dataset_back:
        return await _not_deleted(tx, removal)
    if dataset_back:
        wanted = name

        async def dataset_taken(text: str) -> bool:
            row = await tx.fetch_one(
                "datasets.by_name", organization=access.organization, name=text
            )
            return row is not None

        name = await _free_name(wanted, dataset_taken)
        if name != wanted:
            notes.append(f"the dataset is called {name!r} now: {wanted!r} was taken")
        if not dry_run:
            await tx.execute("undo.restore_dataset", no=removal.dataset, name=name)
    restored = name
    for no, wanted, *_ in rows:

        async def version_taken(text: str) -> bool:
            row = await tx.fetch_one("undo.version_name", dataset=removal.dataset, name=text)
            return row is not None

        version = await _free_name(wanted, version_taken)
        if version != wanted:
            notes.append(f"the version is called {name}/{version} now: {wanted!r} was taken")
        if removal.kind == RemovalKind.VERSION:
            restored = f"{name}/{version}"
        if not dry_run:
            await tx.execute("undo.restore_version", no=no, name=version)
    if not dry_run:
        await tx.execute("removals.mark_undone", no=removal.no, now=now)
    return UndoRecord(
        version=restored,
        assets=removal.assets,
        annotations=removal.annotations,
        shapes=removal.shapes,
        notes=notes,
    )


async def _not_deleted(tx: Transaction, removal: Removal) -> UndoRecord:
    if removal.kind == RemovalKind.DATASET:
        return UndoRecord(version=removal.name, present=1)
    row = await tx.fetch_one("undo.version_state", no=removal.version)
    if row is None:
        return _nothing(removal, "it was purged")
    if row[0] == "ACTIVE":
        return UndoRecord(version=removal.name, present=1)
    return _nothing(removal, "it was deleted again; undo that deletion")


async def _free_name(name: str, taken: Callable[[str], Awaitable[bool]]) -> str:
    if not await taken(name):
        return name
    candidate, number = f"{name}-{RESTORED}", 1
    while await taken(candidate):
        number += 1
        candidate = f"{name}-{RESTORED}-{number}"
    return candidate


def _nothing(removal: Removal, why: str) -> UndoRecord:
    conflict = UndoConflict(subject=removal.name, why=why)
    return UndoRecord(version=removal.name, conflicts=[conflict], conflict_count=1)
