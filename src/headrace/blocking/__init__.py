"""The blocking API: the classes of headrace without ``async``.

::

    from headrace import blocking

    with blocking.connect("lake/") as client:
        version = client.version("bccd/v1")
        for asset in version.iter_assets():
            print(asset.filename)

Scripts for the official client run with ``picsellia`` replaced by ``headrace.blocking`` in their imports: the modules
``exceptions``, ``types`` and ``sdk`` have its names.

Calls work in scripts, in several threads, after a fork, and inside a running event loop (which they block). Progress
callbacks are called in a thread of headrace.
"""

from __future__ import annotations

import os

from headrace.blocking._generated import (
    Annotation,
    Asset,
    Classification,
    Data,
    Datalake,
    Dataset,
    DatasetVersion,
    DataSource,
    Job,
    Label,
    LabelGroup,
    Line,
    Mask,
    MultiAnnotation,
    MultiAsset,
    MultiData,
    Point,
    Polygon,
    Processing,
    Rectangle,
    Removal,
    Tag,
    User,
    Worker,
)
from headrace.blocking.client import Client, connect
from headrace.blocking.copies import copy_version
from headrace.blocking.lakes import (
    backup_lake,
    collect_garbage,
    lake_usage,
    list_snapshots,
    migrate_lake,
    reopen_lake,
    restore_lake,
)
from headrace.blocking.portal import portal
from headrace.engine.convert.run import convert_blocking as convert
from headrace.platform.care.check_report import CheckReport
from headrace.sdk.client import connect as opening
from headrace.sdk.client import lake_care
from headrace.transfer.progress import OnProgress

__all__ = [
    "Annotation",
    "Asset",
    "Classification",
    "Client",
    "Data",
    "DataSource",
    "Datalake",
    "Dataset",
    "DatasetVersion",
    "Job",
    "Label",
    "LabelGroup",
    "Line",
    "Mask",
    "MultiAnnotation",
    "MultiAsset",
    "MultiData",
    "Point",
    "Polygon",
    "Processing",
    "Rectangle",
    "Removal",
    "Tag",
    "User",
    "Worker",
    "backup_lake",
    "check_lake",
    "collect_garbage",
    "connect",
    "convert",
    "copy_version",
    "create_lake",
    "lake_usage",
    "list_snapshots",
    "migrate_lake",
    "reopen_lake",
    "restore_lake",
]


def create_lake(
    path: str | os.PathLike[str], *, objects: str | os.PathLike[str] | None = None
) -> None:
    """Create a lake, or a platform in an empty database of PostgreSQL.

    Args:
        path: A folder that does not exist yet or is empty; or ``postgresql://user@host/database``.
        objects: Where the platform keeps its files, for a database: ``s3://bucket/prefix``, or a folder. Default: the
            setting ``objects``.

    Raises:
        LakeError: If the folder, the database or the place of the files is not empty.
        ConfigurationError: If the database or the place of the files does not exist, or does not let this user in.
        ConnectError: If the database or the place of the files cannot be reached.
    """
    portal().call(lambda: opening.create_lake(path, objects=objects))


def check_lake(
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
        repair: Mend what loses nothing: counters, marks of labels, indexes, half-written files, jobs that stand still, and
            page checksums where there are none.
        progress: Called with progress events; or ``"auto"``.

    Returns:
        What is wrong, and what was mended; ``report.ok`` is False if something is left.

    Raises:
        NotALakeError: If the folder is not a lake.
        LakeVersionError: If a newer headrace wrote the lake.
        LakeHeldError: If another machine has the lake open for writing.
    """
    return portal().call(
        lambda: lake_care.check_lake(
            path, objects=objects, read_data=read_data, repair=repair, progress=progress
        )
    )
