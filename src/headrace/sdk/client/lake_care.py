"""Looking after a lake's folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.errors import LakeError
from headrace.event_loop import running_loop
from headrace.net.urls import redact
from headrace.transfer.progress import OnProgress

if TYPE_CHECKING:
    from headrace.platform.care.check_report import CheckReport


async def check_lake(
    path: str | os.PathLike[str],
    *,
    objects: str | os.PathLike[str] | None = None,
    read_data: bool = False,
    repair: bool = False,
    progress: OnProgress | None = None,
) -> CheckReport:
    """Check a lake: its database, the files that its data name, removals that can be undone, and jobs.

    Other processes, and a server, may use the lake meanwhile.

    Args:
        path: The folder of the lake, or the database of a platform: ``postgresql://user@host/name``.
        objects: Where the platform keeps its files, for a database. Default: the setting ``objects``.
        read_data: Read all files, and compare their SHA-256.
        repair: Mend what loses nothing: counters, marks of labels, indexes, half-written files, jobs that stand still,
            page checksums where there are none, and with ``read_data`` the SHA-256 of files where it is not recorded.
        progress: Called with progress events; or ``"auto"``.

    Returns:
        What is wrong, and what was mended; ``report.ok`` is False if something is left.

    Raises:
        NotALakeError: If the folder is not a lake.
        LakeVersionError: If a newer headrace wrote the lake.
        LakeHeldError: If another machine has the lake open for writing.

    Example:
        ```python
        report = await headrace.check_lake("lake/", read_data=True)
        for fault in report.examples:
            print(fault.place, fault.message)
        ```
    """
    running_loop()
    from headrace.platform.care.check import check_lake as check

    return await check(
        lake_place(path), objects=objects, read_data=read_data, repair=repair, progress=progress
    )


def lake_place(path: str | os.PathLike[str]) -> str | Path:
    """Return the path of a lake's folder, or the address of a database; raises :class:`LakeError` for another URL."""
    from headrace.storage.database.dsn import is_dsn

    text = os.fspath(path)
    return text if is_dsn(text) else local_folder(path)


def local_folder(path: str | os.PathLike[str]) -> Path:
    """Return the path of a lake's folder; raises :class:`LakeError` for a URL."""
    if "://" in os.fspath(path):
        raise LakeError(
            f"{redact(os.fspath(path))} is a URL, and a lake is a folder",
            hint="run it where the folder is",
        )
    return Path(path)
