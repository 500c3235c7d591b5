"""The JSON objects of the commands that look after a lake."""

from __future__ import annotations

from msgspec import Struct

from tools.documents.base import Change, Document, Part


class GcDocument(Change):
    """headrace gc: sizes in bytes; ``younger`` files are not registered either, but not old enough."""

    lake: str
    objects: int
    object_bytes: int
    exports: int
    younger: int
    uploads: int
    upload_bytes: int
    removals: int
    removal_bytes: int
    contents: int
    seconds: float


class UsageOfVersion(Part):
    """A version; ``shared_bytes`` are those of files that another version has too."""

    name: str
    deleted: bool
    files: int
    bytes: int
    shared_bytes: int


class UsageOfDataset(Part):
    """A dataset, whose files are counted once; ``shared_bytes`` are those that another dataset has too."""

    name: str
    files: int
    bytes: int
    shared_bytes: int
    versions: list[UsageOfVersion]


class DuDocument(Document):
    """headrace du: sizes in bytes."""

    lake: str
    bytes: int
    files: int
    file_bytes: int
    unused_files: int
    unused_bytes: int
    objects: int
    object_bytes: int
    unregistered: int
    unregistered_bytes: int
    unfinished_bytes: int
    database_bytes: int
    log_bytes: int
    removals: int
    removal_bytes: int
    log_file_bytes: int
    datasets: list[UsageOfDataset]


class BackupDocument(Change):
    """headrace backup; ``missing`` are the first 100 files that the lake has lost, ``snapshot`` is null for a dry run."""

    lake: str
    dir: str
    snapshot: str | None
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    missing: list[str]
    missing_count: int
    removed: list[str]
    seconds: float


class RestoreDocument(Change):
    """headrace restore; ``created`` is when the snapshot was taken, in seconds since 1970."""

    dir: str
    lake: str
    snapshot: str
    created: float
    files: int
    bytes: int
    missing: list[str]
    missing_count: int
    seconds: float


class ListedSnapshot(Part):
    """A snapshot in a folder of backups."""

    id: str
    created: str
    headrace: str
    files: int
    bytes: int
    missing_count: int


class SnapshotsDocument(Document):
    """headrace restore --list."""

    dir: str
    snapshots: list[ListedSnapshot]


class MigrationDocument(Change):
    """headrace migrate; ``digest`` is that of all rows in both places, null for a dry run; ``missing`` are the first 100."""

    source: str
    target: str
    rows: int
    digest: str | None
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    missing: list[str]
    missing_count: int
    lost_removals: int
    seconds: float


class ReopenedDocument(Document):
    """headrace migrate --reopen."""

    source: str
    reopened: bool


class MigrateSchemaDocument(Change):
    """headrace migrate-schema; ``before`` and ``after`` are numbers of migrations.

    ``files_marked`` says whether the mark of the files was completed.
    """

    database: str
    before: int
    after: int
    files_marked: bool


class FactBody(Part):
    """One thing that was looked at; ``level`` is ``ok``, ``slow`` or ``unsafe``."""

    name: str
    value: str
    level: str
    advice: str


class DoctorDocument(Document):
    """headrace doctor."""

    lake: str | None
    facts: list[FactBody]


LAKES: dict[str, type[Struct]] = {
    "headrace.gc/1": GcDocument,
    "headrace.du/1": DuDocument,
    "headrace.backup/1": BackupDocument,
    "headrace.restore/1": RestoreDocument,
    "headrace.restore/1 (--list)": SnapshotsDocument,
    "headrace.migrate/1": MigrationDocument,
    "headrace.migrate/1 (--reopen)": ReopenedDocument,
    "headrace.migrate-schema/1": MigrateSchemaDocument,
    "headrace.doctor/1": DoctorDocument,
}
"""The class of each form."""
