"""Look after a lake that is a folder of this machine: backups, garbage, what takes its space."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from headrace.event_loop import running_loop
from headrace.sdk.client.lake_care import lake_place, local_folder
from headrace.settings import load_settings
from headrace.transfer.progress import OnProgress

if TYPE_CHECKING:
    from headrace.platform.care.backups.backup import BackupReport
    from headrace.platform.care.backups.files import SnapshotRecord
    from headrace.platform.care.backups.restore import RestoreReport
    from headrace.platform.care.gc import GarbageReport
    from headrace.platform.care.usage import LakeUsage


async def backup_lake(
    lake: str | os.PathLike[str],
    backups: str | os.PathLike[str],
    *,
    keep: int | None = None,
    dry_run: bool = False,
    progress: OnProgress | None = "auto",
) -> BackupReport:
    """Take a snapshot of a lake into a folder of backups; other processes may read and write the lake meanwhile.

    Only files that no earlier snapshot has are copied. The same call continues after an interruption.

    Args:
        lake: The folder of the lake.
        backups: The folder of the backups, which is made if it is missing. It holds the keys and the digests of tokens
            of the lake, and only its owner can read it.
        keep: How many snapshots to keep; older ones are deleted, with what only they hold. Default: all.
        dry_run: Count what would be copied, and write nothing.
        progress: Called with progress events; ``"auto"`` shows a line on a terminal.

    Returns:
        What was done; ``missing`` names files that the lake itself has lost.

    Raises:
        LakeError: If the folder is not a lake, or cannot be opened.
        BackupError: If the folder of the backups is in use for something else.
        StorageError: If the lake is damaged, or the folder of the backups cannot be written.
    """
    running_loop()
    from headrace.platform.care.backups import backup

    return await backup.backup_lake(
        local_folder(lake), local_folder(backups), keep=keep, dry_run=dry_run, progress=progress
    )


async def list_snapshots(backups: str | os.PathLike[str]) -> list[SnapshotRecord]:
    """Return the snapshots in a folder of backups, the oldest first.

    Args:
        backups: The folder.

    Returns:
        The snapshots.

    Raises:
        BackupError: If the folder holds no backups.
    """
    running_loop()
    from headrace.platform.care.backups import restore

    return await restore.list_snapshots(local_folder(backups))


async def restore_lake(
    backups: str | os.PathLike[str],
    lake: str | os.PathLike[str],
    *,
    snapshot: str | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    dry_run: bool = False,
    progress: OnProgress | None = "auto",
) -> RestoreReport:
    """Make a lake of a snapshot: every file is compared with its digest, and the lake appears when it is complete.

    The same call continues after an interruption.

    Args:
        backups: The folder of the backups.
        lake: A folder that does not exist yet or is empty.
        snapshot: The id of the snapshot, or how it begins. Default: the newest.
        on_error: What to do about files that the backups lack or have damaged: ``"raise"`` an error and make no lake, or
            ``"skip"`` them.
        dry_run: Check that the snapshot is complete, and write nothing.
        progress: Called with progress events; ``"auto"`` shows a line on a terminal.

    Returns:
        What was done.

    Raises:
        BackupError: If there is no such snapshot, or it is damaged.
        LakeError: If the folder of the lake is not empty, or lies in another lake.
        LakeVersionError: If a newer headrace took the snapshot.
        StorageError: If the lake cannot be written.
    """
    running_loop()
    from headrace.platform.care.backups import restore

    return await restore.restore_lake(
        local_folder(backups),
        local_folder(lake),
        snapshot=snapshot,
        on_error=on_error,
        dry_run=dry_run,
        progress=progress,
    )


async def collect_garbage(
    lake: str | os.PathLike[str],
    *,
    objects: str | os.PathLike[str] | None = None,
    older_than_hours: float = 24.0,
    dry_run: bool = False,
    progress: OnProgress | None = "auto",
) -> GarbageReport:
    """Delete what nothing in a lake needs any more; other processes may use the lake meanwhile.

    That are uploads that were never registered or never ended, files of finished exports, removals that are too old to be
    undone, and shapes that no annotation uses.

    Args:
        lake: The folder of the lake, or the database of a platform: ``postgresql://user@host/name``.
        objects: Where the platform keeps its files, for a database. Default: the setting ``objects``.
        older_than_hours: The age in hours from which on files that are not registered are deleted; at least 1.
        dry_run: Only count.
        progress: Called with progress events; ``"auto"`` shows a line on a terminal.

    Returns:
        What was deleted.

    Raises:
        BadRequestError: If the age is too small.
        LakeError: If the folder is not a lake, or cannot be written.
    """
    running_loop()
    from headrace.platform.care import gc

    return await gc.collect_garbage(
        lake_place(lake),
        objects=objects,
        older_than_hours=older_than_hours,
        dry_run=dry_run,
        undo=load_settings().undo_policy(),
        progress=progress,
    )


async def lake_usage(
    lake: str | os.PathLike[str],
    *,
    objects: str | os.PathLike[str] | None = None,
    progress: OnProgress | None = "auto",
) -> LakeUsage:
    """Measure what takes the space of a lake: in all, and by dataset and version, with shared files told apart.

    Args:
        lake: The folder of the lake, or the database of a platform: ``postgresql://user@host/name``.
        objects: Where the platform keeps its files, for a database. Default: the setting ``objects``.
        progress: Called with progress events; ``"auto"`` shows a line on a terminal.

    Returns:
        The sizes, in bytes.

    Raises:
        LakeError: If the folder is not a lake, or cannot be opened.
    """
    running_loop()
    from headrace.platform.care import usage

    return await usage.lake_usage(lake_place(lake), objects=objects, progress=progress)
