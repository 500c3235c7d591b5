"""The platform over one lake: every call of the API answered in this process."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from headrace.platform.core.access import Access
from headrace.platform.handlers import HANDLERS, RESUMED
from headrace.platform.idempotency import answer_once
from headrace.platform.job_registry import WORKS
from headrace.platform.jobs.background import Background
from headrace.platform.jobs.runner import JobRunner
from headrace.platform.lake_layout import DATABASE, OBJECTS, check_lake, create_lake
from headrace.protocol.operation import Operation, P, R
from headrace.storage.database.base import Database
from headrace.storage.database.sqlite import SqliteDatabase
from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.local import LocalObjectStore
from headrace.subprocesses.slots import Slots


class Clock:
    """Milliseconds since 1970, never going back within this process."""

    def __init__(self) -> None:
        self._now = 0

    def __call__(self) -> int:
        """The time."""
        self._now = max(self._now, time.time_ns() // 1_000_000)
        return self._now


class Platform:
    """A catalog and an object store with the rules of the API over them; works in the event loop that opened it.

    ``background`` runs what outlives a call, and resumes at the next open what a stop interrupted; ``jobs`` are what
    the API shows of it. ``slots`` is how much of this machine programs may use at once, and ``door`` the address at
    which a server in this process serves the lake to them.
    """

    def __init__(self, path: Path, database: Database, objects: ObjectStore) -> None:
        self.path = path
        self.database = database
        self.objects = objects
        self.background = Background()
        self.jobs = JobRunner(self, WORKS)
        self.clock = Clock()
        self.slots = Slots.of_this_machine()
        self.door: str | None = None

    @staticmethod
    async def create(path: str | Path) -> None:
        """Make a lake in a new or empty folder, readable by its owner alone.

        Raises :class:`LakeError` where the folder is in use, :class:`StorageError` where it cannot be made.
        """
        await create_lake(Path(path))

    @classmethod
    async def open(cls, path: str | Path, *, busy_timeout: float = 30.0) -> Platform:
        """Open a lake; ``busy_timeout`` is how many seconds another process' writer is waited for.

        Raises :class:`NotALakeError`, :class:`LakeVersionError`, :class:`LakeBusyError` or :class:`StorageError`.
        """
        folder = Path(path)
        await check_lake(folder)
        database = await SqliteDatabase.open(folder / DATABASE, busy_timeout=busy_timeout)
        try:
            objects = await LocalObjectStore.open(folder / OBJECTS)
            platform = cls(folder, database, objects)
            await platform.background.open()
        except BaseException:
            await database.aclose()
            raise
        for resume in RESUMED:
            platform.background.start(resume, platform)
        platform.background.start(platform.jobs.resume)
        return platform

    async def call(
        self, access: Access, operation: Operation[P, R], request: P, *, key: str | None = None
    ) -> R:
        """Answer one operation for a caller; raises the errors of ``headrace.errors``.

        A call that creates something may have a ``key``: the same call with the same key does nothing more and gets
        the first answer again. Other calls can be repeated anyway.
        """
        handler = HANDLERS[operation.name]
        if key is not None and operation.creates:
            return await answer_once(self, access, operation, request, handler, key)
        answer: R = await handler(self, access, request)
        return answer

    def over(self, database: Database) -> Platform:
        """The same platform for a call that goes through another view of the catalog."""
        view = copy.copy(self)
        view.database = database
        return view

    async def aclose(self) -> None:
        """Stop background work, finish what is being written and close the lake."""
        try:
            await self.background.aclose()
            await self.jobs.aclose()
        finally:
            await self.database.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
