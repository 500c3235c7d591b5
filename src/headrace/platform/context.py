"""What handlers and jobs work with: one open lake, without the table of the calls that are made on it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from headrace.folders.lakes import OBJECTS
from headrace.platform.background import Background
from headrace.platform.remembered import Remembered
from headrace.settings import AuditPolicy, UndoPolicy
from headrace.storage.database.base import Database, Statements, Transaction
from headrace.storage.objects.base import ObjectStore
from headrace.storage.opening import PostgresTarget
from headrace.subprocesses.slots import Slots

CALLER_SECONDS = 4.0
"""How long a server remembers the caller of a token: a revoked one is refused by all servers within five seconds."""


class Clock:
    """Milliseconds since 1970; never goes back within this process."""

    def __init__(self) -> None:
        self._now = 0
        self._ahead = 0

    def __call__(self) -> int:
        """The current time."""
        self._now = max(self._now, _machine_time() + self._ahead)
        return self._now

    async def follow(self, read: Callable[[], Awaitable[int]]) -> None:
        """Show the time of another clock from now on, as far as this machine's clock runs like it.

        Args:
            read: Reads that clock, in milliseconds since 1970.
        """
        before = _machine_time()
        found = await read()
        self._ahead = found - (before + _machine_time()) // 2


def _machine_time() -> int:
    return time.time_ns() // 1_000_000


class Tally:
    """A number that all views of a context count together."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class JobQueue(Protocol):
    """The part of the job runner that handlers and jobs use. ``no`` is a job's row number."""

    def runs(self, kind: str) -> bool:
        """Whether jobs of this kind run here; other kinds are ledgers that callers keep."""
        ...

    def start(self, no: int) -> None:
        """Start the job in the background unless it is already running."""
        ...

    async def wait(self, no: int, seconds: float) -> None:
        """Wait for the end of a job, at most ``seconds``."""
        ...

    def waiting(self, seconds: float) -> AbstractContextManager[None]:
        """A block that is left after ``seconds``, or when the server is about to stop."""
        ...

    async def renew_lease(self, no: int) -> bool:
        """Renew the lease on a job during a long read; False if another process has taken it."""
        ...

    async def reserve(self, tx: Transaction, no: int) -> None:
        """Reserve a job that is being recorded, so that no other process runs it."""
        ...

    def begin_reserved(self, no: int) -> bool:
        """Whether this process reserved the job and has not begun it; it counts as begun from now on."""
        ...

    async def is_held(self, statements: Statements, no: int) -> bool:
        """Whether the process that reserved a job still runs it, or is about to."""
        ...

    async def must_stop(self, no: int) -> bool:
        """Whether a running job must stop: it was cancelled, or another process has taken it."""
        ...


class Context:
    """One open lake: its catalog, object store and clock, and the work that runs beside the calls.

    ``path`` is its folder; ``target`` the database of a platform over PostgreSQL, whose ``path`` is a scratch folder of
    this machine. ``name`` says which one it is, without a password, and ``disks`` are the folders whose disks it fills.
    ``background`` runs what outlives a call; ``jobs`` runs the jobs that the API shows. ``slots`` limits how much of
    this machine processings use at once. ``public_address`` is where a server in this process serves the lake, None
    without a server. ``undo`` says how long and how much of a removal is kept, ``audit`` the same of the audit log.
    ``repeats`` counts the calls that were answered as an earlier one with the same key was. ``max_launches`` is how many
    launched jobs of an organization may run and wait at once, None without a limit. ``noted_tokens`` are those whose use
    is being recorded. ``datasets`` and ``versions`` are the datasets of versions and the versions of campaigns that
    were looked up; ``replacing`` are versions into which imports replaced annotations. ``callers`` are those whose tokens were read: on a
    lake none, so that a revocation takes effect at once, on a platform of several servers for :data:`CALLER_SECONDS`. ``shared`` says that other
    machines may work with the platform; see :meth:`share`. The platform sets ``jobs`` once it has a runner.
    """

    REMEMBERED = 10_000
    """Maximum number of datasets, and of versions, that are remembered."""

    jobs: JobQueue

    def __init__(
        self,
        path: Path,
        database: Database,
        objects: ObjectStore,
        undo: UndoPolicy | None = None,
        audit: AuditPolicy | None = None,
        *,
        target: PostgresTarget | None = None,
    ) -> None:
        self.path = path
        self.target = target
        self.database = database
        self.objects = objects
        self.background = Background()
        self.clock = Clock()
        self.slots = Slots.of_this_machine()
        self.public_address: str | None = None
        self.undo = undo or UndoPolicy()
        self.repeats = Tally()
        self.audit = audit or AuditPolicy()
        self.max_launches: int | None = None
        self.noted_tokens: set[int] = set()
        self.datasets: dict[int, int] = {}
        self.versions: dict[int, int] = {}
        self.replacing: set[int] = set()
        self.callers: Remembered[Any] = Remembered(0.0)
        self.shared = False

    def share(self) -> None:
        """Work beside other servers, perhaps of other machines."""
        self.shared = True
        self.callers = Remembered(CALLER_SECONDS)

    @property
    def name(self) -> str:
        """The folder, or the address of the database without its password."""
        return str(self.path) if self.target is None else self.target.name

    @property
    def disks(self) -> list[Path]:
        """The folders whose disks must have room."""
        objects = self.path / OBJECTS if self.target is None else self.target.folder
        return [self.path] if objects is None else [self.path, objects]

    def with_database(self, database: Database) -> Context:
        """The same lake, read and written through another view of its catalog."""
        view = object.__new__(type(self))
        view.__dict__.update(
            self.__dict__
        )  # a tenth of the time of copy.copy, at each call that may write
        view.database = database
        return view
