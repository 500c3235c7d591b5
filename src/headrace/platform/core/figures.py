"""Figures of the whole lake, of all its organizations, for those who look after it."""

from __future__ import annotations

from headrace.model.enums import JobStatus
from headrace.storage.database.base import Statements

_AT_ONCE = 10_000
"""Files that one statement reads, so that none holds a connection for long."""


async def jobs_by_status(statements: Statements) -> dict[str, int]:
    """Count the jobs by status; a status without jobs is 0."""
    rows = await statements.fetch("figures.jobs")
    return dict.fromkeys((status.value for status in JobStatus), 0) | dict(rows)


async def oldest_lease(statements: Statements) -> int | None:
    """Return when the first lease on a running job expires, in milliseconds since 1970; None if none is held."""
    row = await statements.fetch_one("figures.oldest_lease")
    return None if row is None else row[0]


async def database_bytes(statements: Statements) -> int:
    """Return the bytes of the catalog."""
    row = await statements.fetch_one("removals.catalog_bytes")
    return 0 if row is None else int(row[0])


async def stored_files(statements: Statements) -> tuple[int, int]:
    """Return the number of registered files, and their bytes. It reads all of them, a range at a time."""
    files = size = 0
    for (bucket,) in await statements.fetch("figures.buckets"):
        after = 0
        while True:
            row = await statements.fetch_one(
                "figures.files", bucket=bucket, after=after, limit=_AT_ONCE
            )
            assert row is not None
            files += row[0]
            size += row[1]
            if row[0] < _AT_ONCE:
                break
            after = row[2]
    return files, size
