"""What a migration has done."""

from __future__ import annotations

from msgspec import Struct


class MigrationReport(Struct, frozen=True, kw_only=True):
    """What :func:`headrace.migrate_lake` has done.

    Attributes:
        source: What was copied: a folder, or an address without its password.
        target: Where it is now.
        rows: How many rows the catalog has.
        digest: The SHA-256 of all rows, the same in the source and in the target; None for a dry run.
        files: How many files it has.
        bytes: Their size.
        copied: How many of them were copied by this run; the others were there already.
        copied_bytes: Their size.
        missing: Files that the source does not have or has damaged, by object name; the first 100.
        missing_count: How many those are.
        lost_removals: How many removals cannot be undone there, since the source has lost their records.
        seconds: How long it took.
    """

    source: str
    target: str
    rows: int
    digest: str | None = None
    files: int = 0
    bytes: int = 0
    copied: int = 0
    copied_bytes: int = 0
    missing: list[str] = []
    missing_count: int = 0
    lost_removals: int = 0
    seconds: float = 0.0
