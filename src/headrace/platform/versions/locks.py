"""Lock a version against every write below it, and unlock it.

The writes themselves ask :func:`~headrace.platform.core.scopes.check_unlocked`, in the transaction that writes.
"""

from __future__ import annotations

from headrace.model.records import LockRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import check_unlocked, version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.datasets import LOCK_VERSION, UNLOCK_VERSION, VersionId


@handles(LOCK_VERSION)
async def lock_version(context: Context, access: Access, request: VersionId) -> LockRecord:
    """Lock a version; one that is locked already stays so."""
    return await _set(context, access, request, locked=True)


@handles(UNLOCK_VERSION)
async def unlock_version(context: Context, access: Access, request: VersionId) -> LockRecord:
    """Unlock a version; one that is not locked stays so."""
    return await _set(context, access, request, locked=False)


async def _set(context: Context, access: Access, request: VersionId, *, locked: bool) -> LockRecord:
    async with context.database.transaction(
        *await version_locks(context, request.version_id)
    ) as tx:
        scope = await version_scope(tx, access, request.version_id)
        if scope.filling:
            check_unlocked(scope)
        await tx.execute("versions.lock", no=scope.no, locked=int(locked))
    return LockRecord(is_locked=locked)
