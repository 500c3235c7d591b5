"""The log of a program as rows: every server reads what the server that runs the program has in files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.platform.processings.log_rows import LogCopier, read_rows
from headrace.storage.database.base import Database
from headrace.storage.database.locks import ONE_STATEMENT
from headrace.storage.database.postgres.database import PostgresDatabase
from headrace.subprocesses import log
from headrace.subprocesses.log import LogWriter, read_log
from tests.support.postgres_server import fresh_database

SEGMENT = 1000
JOB = 7


@pytest.fixture
async def database(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A catalog with a job, and small segments."""
    monkeypatch.setattr(log, "SEGMENT", SEGMENT)
    monkeypatch.setattr("headrace.platform.processings.log_rows.SEGMENT", SEGMENT)
    monkeypatch.setattr("headrace.platform.processings.log_rows.PIECE", 300)
    with fresh_database() as dsn:
        opened = await PostgresDatabase.open(dsn, strict_locks=True)
        try:
            async with opened.transaction() as tx:
                await tx.execute("accounts.add_organization", no=1, name="one", created=1)
            for no in range(1, JOB + 1):
                await add_job(opened, no)
            yield opened
        finally:
            await opened.aclose()


async def add_job(database: Database, no: int) -> None:
    """Record a job."""
    async with database.transaction(ONE_STATEMENT) as tx:
        await tx.execute(
            "jobs.add",
            no=no,
            organization=1,
            wire=2,
            kind="LAUNCH",
            subject=1,
            spec="{}",
            state="RUNNING",
            total=None,
            done=0,
            now=1,
        )


async def test_rows_say_what_the_files_say(database: Database, tmp_path: Path) -> None:
    writer, copier = LogWriter(tmp_path), LogCopier(database, JOB, tmp_path)
    assert (await read_rows(database, JOB, 0, 100)).content == b""
    written = b""
    for number in range(40):
        line = f"line {number} {'x' * (number * 7 % 90)}\n".encode()
        writer.write(line)
        written += line
        if number % 3 == 0:
            await copier.copy()
    await copier.copy()
    writer.close()
    read, offset = b"", 0
    while (chunk := await read_rows(database, JOB, offset, 170)).content:
        assert chunk.offset == offset
        assert chunk.end == len(written)
        assert len(chunk.content) <= 170
        read += chunk.content
        offset += len(chunk.content)
    assert read == written


async def test_the_middle_of_a_long_log_is_dropped(database: Database, tmp_path: Path) -> None:
    writer, copier = LogWriter(tmp_path), LogCopier(database, JOB, tmp_path)
    for number in range(100):
        writer.write(f"{number:09}\n".encode() * 10)
        await copier.copy()
    writer.close()
    first = await read_rows(database, JOB, 0, 300)
    assert first.content
    assert (await read_log(tmp_path, 0, 300)).content.startswith(first.content)
    middle = await read_rows(database, JOB, 2 * SEGMENT, 300)
    assert middle.offset > 2 * SEGMENT
    assert middle.end == 10_000
    assert middle.content.startswith(b"0000000")
    last = await read_rows(database, JOB, 9_990, 300)
    assert last.content == b"000000099\n"


async def test_a_copy_that_was_cut_off_is_made_again(database: Database, tmp_path: Path) -> None:
    writer = LogWriter(tmp_path)
    writer.write(b"one\n")
    await LogCopier(database, JOB, tmp_path).copy()
    writer.write(b"two\n")
    writer.close()
    await LogCopier(database, JOB, tmp_path).copy()
    assert (await read_rows(database, JOB, 0, 300)).content == b"one\ntwo\n"


async def test_the_newest_logs_are_kept(database: Database, tmp_path: Path) -> None:
    for no in range(1, JOB + 1):
        folder = tmp_path / str(no)
        writer = LogWriter(folder)
        writer.write(b"here\n")
        writer.close()
        await LogCopier(database, no, folder).copy()
    await database.execute("job_logs.drop_old", kept=3)
    found = [bool((await read_rows(database, no, 0, 10)).content) for no in range(1, JOB + 1)]
    assert found == [False] * (JOB - 3) + [True] * 3
