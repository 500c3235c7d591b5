"""Move a lake into a PostgreSQL database, and back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headrace.event_loop import running_loop
from headrace.sdk.client.lake_care import local_folder
from headrace.transfer.progress import OnProgress

if TYPE_CHECKING:
    from headrace.platform.migration.report import MigrationReport


async def migrate_lake(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    objects: str | os.PathLike[str] | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    dry_run: bool = False,
    progress: OnProgress | None = "auto",
) -> MigrationReport:
    """Move a lake into a PostgreSQL database; or copy a platform from there into a new lake, while its servers go on.

    All ids stay. What has arrived is read again and compared. A lake that moves is only read from the first moment on, and
    says where it is; :func:`headrace.reopen_lake` takes that back. The same call continues after an interruption.

    Args:
        source: The folder of a lake, which no other process has open; or ``postgresql://user@host/database``.
        target: ``postgresql://user@host/database``, an empty database; or a folder that does not exist yet or is empty.
        objects: Where the platform keeps its files: ``s3://bucket/prefix``, or a folder; empty at first, for a lake that
            moves in. Default: the setting ``objects``.
        on_error: What to do about files that the source lacks or has damaged: ``"raise"`` an error, or ``"skip"`` them.
        dry_run: Count what would be copied, and write nothing.
        progress: Called with progress events; ``"auto"`` shows a line on a terminal.

    Returns:
        What was done; ``missing`` names files that the source itself has lost.

    Raises:
        LakeError: If the source is not a lake or a platform, or has moved elsewhere; or if the target is not empty.
        LakeBusyError: If another process has the lake open, or if a job has not ended.
        LakeVersionError: If the database has another schema than this headrace.
        ConfigurationError: If the database or the place of the files does not exist, or does not let this user in.
        ConnectError: If the database or the place of the files cannot be reached.
        CorruptionError: If what has arrived is not what was sent.
        StorageError: If files are missing, or cannot be written.
    """
    running_loop()
    from headrace.platform.migration import migrate
    from headrace.storage.database.dsn import is_dsn

    return await migrate.migrate(
        *[each if is_dsn(os.fspath(each)) else local_folder(each) for each in (source, target)],
        objects=objects,
        on_error=on_error,
        dry_run=dry_run,
        progress=progress,
    )


async def reopen_lake(lake: str | os.PathLike[str]) -> Path:
    """Make a lake that has moved, or was about to, writable again. What is in the database stays there.

    Args:
        lake: The folder of the lake.

    Returns:
        The folder.

    Raises:
        LakeError: If the folder is not a lake, or has not moved.
        StorageError: If the folder cannot be written.
    """
    running_loop()
    from headrace.platform.migration import migrate

    folder = local_folder(lake)
    await migrate.reopen(folder)
    return folder
