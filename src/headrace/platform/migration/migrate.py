"""Move a lake into a PostgreSQL database, or copy a platform into a lake, as the two places say."""

from __future__ import annotations

import os
from pathlib import Path

from headrace.errors import ConfigurationError, LakeError
from headrace.folders.moved import forget_moved
from headrace.platform.lake_layout import check_lake
from headrace.platform.migration.copy_out import copy_platform
from headrace.platform.migration.files import OnError
from headrace.platform.migration.move_in import move_lake
from headrace.platform.migration.plan import plan_copy, plan_move
from headrace.platform.migration.report import MigrationReport
from headrace.storage.database.dsn import is_dsn
from headrace.storage.opening import postgres_target
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress


async def migrate(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    objects: str | os.PathLike[str] | None = None,
    on_error: OnError = "raise",
    dry_run: bool = False,
    progress: OnProgress | None = None,
) -> MigrationReport:
    """Move a lake into a database, or copy a platform into a lake; see :func:`headrace.migrate_lake`."""
    database = postgres_target(target, objects=objects) if is_dsn(os.fspath(target)) else None
    platform = postgres_target(source, objects=objects) if is_dsn(os.fspath(source)) else None
    if (database is None) == (platform is None):
        raise ConfigurationError(
            "a migration is between a lake and a database",
            hint="name the folder of a lake and postgresql://…, in the order from and to",
        )
    if database is not None:
        lake = await in_thread(lambda: Path(os.path.abspath(source)))
        if dry_run:
            return await plan_move(lake, database, progress=progress)
        return await move_lake(lake, database, on_error=on_error, progress=progress)
    assert platform is not None
    lake = await in_thread(lambda: Path(os.path.abspath(target)))
    if dry_run:
        return await plan_copy(platform, lake, progress=progress)
    return await copy_platform(platform, lake, on_error=on_error, progress=progress)


async def reopen(lake: Path) -> None:
    """Make a lake that has moved writable again; see :func:`headrace.reopen_lake`."""
    await check_lake(lake)
    if not await in_thread(forget_moved, lake):
        raise LakeError(f"the lake {lake} has not moved", hint="it can be used as it is")
