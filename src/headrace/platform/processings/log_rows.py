"""Logs of programs in the catalog of a platform with several servers: any of them answers who reads a log.

The server that runs a program writes the log into files, as on a lake, and copies what is new into rows. As in the files,
the beginning and the end are kept, and the middle is dropped.
"""

from __future__ import annotations

from pathlib import Path

from headrace.storage.database.base import Database, Statements
from headrace.storage.database.locks import Lock
from headrace.subprocesses.log import LOGS, NEWEST, SEGMENT, LogChunk, read_log

PIECE = 256 * 1024
"""Most bytes of one row."""


class LogCopier:
    """Copies the log of one job from its folder into rows."""

    def __init__(self, database: Database, job: int, folder: Path) -> None:
        self._database = database
        self._job = job
        self._folder = folder
        self._copied = 0

    async def copy(self) -> None:
        """Copy what was written since the last call."""
        while (chunk := await read_log(self._folder, self._copied, PIECE)).content:
            async with self._database.transaction(Lock.job(self._job)) as tx:
                await tx.execute(
                    "job_logs.add", job=self._job, start=chunk.offset, content=chunk.content
                )
                await tx.execute(
                    "job_logs.drop_middle",
                    job=self._job,
                    first=SEGMENT,
                    end=chunk.end // SEGMENT * SEGMENT - NEWEST * SEGMENT,
                )
            self._copied = chunk.offset + len(chunk.content)

    async def drop_old(self) -> None:
        """Delete the rows of all but the newest logs."""
        await self._database.execute("job_logs.drop_old", kept=LOGS)


async def read_rows(statements: Statements, job: int, offset: int, limit: int) -> LogChunk:
    """Read at most ``limit`` bytes of a log from ``offset`` on, as :func:`~headrace.subprocesses.log.read_log`."""
    row = await statements.fetch_one("job_logs.end", job=job)
    end = 0 if row is None else int(row[0])
    rows = await statements.fetch(
        "job_logs.read", job=job, offset=offset, limit=-(-limit // PIECE) + 1
    )
    if not rows:
        return LogChunk(offset, b"", end)
    start = max(offset, rows[0][0])
    content = b""
    for at, piece in rows:
        if at > start + len(content):
            break  # what follows was dropped
        content += piece[start + len(content) - at :]
    return LogChunk(start, content[:limit], end)
