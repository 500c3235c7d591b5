"""The platform over one lake or database: opens it, answers every call of the API in this process, closes it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from headrace.folders.lakes import DATABASE, OBJECTS
from headrace.platform.accounts import session, users
from headrace.platform.annotations import delete as delete_annotations
from headrace.platform.annotations import load as load_annotations
from headrace.platform.annotations import shapes, single, tag_conversion
from headrace.platform.annotations.exports import handler as exports
from headrace.platform.annotations.imports import handler as imports
from headrace.platform.annotations.imports import matching
from headrace.platform.assets import add, assets, extended
from headrace.platform.campaigns import campaigns, steps, sync, tasks
from headrace.platform.care.held import HeldLake
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.audit import AuditedDatabase
from headrace.platform.datalake import data, datalakes, register, sources, uploads
from headrace.platform.datalake.registered import replacing_no_data, replacing_unregistered
from headrace.platform.dispatch import HANDLERS, NEXT_STEPS, check_allowed
from headrace.platform.idempotency import answer_once
from headrace.platform.jobs import content_gc, launched, records
from headrace.platform.jobs.maintenance import follow_database_clock, keep_clean, watch_database
from headrace.platform.jobs.marking import mark_versions
from headrace.platform.jobs.runner import JobRunner
from headrace.platform.jobs.work import WorkFactory
from headrace.platform.labels import attributes, groups, labels, skeletons
from headrace.platform.labels import delete as delete_labels
from headrace.platform.lake_layout import check_lake, create_lake
from headrace.platform.postgres_layout import check_platform, create_platform
from headrace.platform.processings import launch, logs, registry, run
from headrace.platform.tags import attach, tags
from headrace.platform.undo import handler as undo_handler
from headrace.platform.versions import copy, datasets, fork, locks, versions
from headrace.protocol.operation import Operation, P, R
from headrace.settings import AuditPolicy, UndoPolicy
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.storage.opening import (
    PostgresStores,
    PostgresTarget,
    check_files_named,
    open_stores,
    postgres_target,
)
from headrace.threads import in_thread

HANDLER_MODULES = (
    *(session, users),
    *(records,),
    *(datalakes, data, register, sources, uploads),
    *(tags, attach),
    *(labels, groups, delete_labels, skeletons, attributes),
    *(campaigns, steps, sync, tasks),
    *(assets, add, extended),
    *(
        single,
        shapes,
        delete_annotations,
        load_annotations,
        tag_conversion,
        imports,
        matching,
        exports,
    ),
    *(datasets, versions, locks, fork, copy),
    *(registry, launch, logs),
    *(undo_handler,),
)
"""The modules whose import registers the handlers of all operations, a line for each folder."""

JOB_KINDS: dict[str, WorkFactory] = {
    content_gc.KIND: content_gc.ContentGcWork,
    sync.KIND: sync.SyncWork,
    tag_conversion.KIND: tag_conversion.ConversionWork,
    fork.KIND: fork.ForkWork,
    copy.KIND: copy.CopyWork,
    launched.VERSION_KIND: run.ProcessingWork,
    launched.LAKE_KIND: run.ProcessingWork,
}
"""The jobs that run here, by kind."""


class Platform:
    """The rules of the API over one lake or database; works in the event loop that opened it.

    ``context`` is what handlers get; ``jobs`` runs its jobs; ``stores`` are those of a database, None for a lake.
    """

    def __init__(
        self,
        context: Context,
        held: HeldLake | None = None,
        stores: PostgresStores | None = None,
        *,
        works: bool = True,
    ) -> None:
        self.context = context
        self._held = held
        self.stores = stores
        self.jobs = JobRunner(context, JOB_KINDS, works=works)
        context.jobs = self.jobs

    @staticmethod
    async def create(path: str | Path, *, objects: str | os.PathLike[str] | None = None) -> None:
        """Make a lake in a new or empty folder, readable by its owner alone; or a platform in an empty database.

        Raises :class:`LakeError` if the folder, the database or the store of the files is in use, and
        :class:`StorageError` if it cannot be made. ``objects`` is where a platform over PostgreSQL keeps its files.
        """
        target = postgres_target(path, objects=objects)
        if target is None:
            await create_lake(Path(path))
        else:
            await create_platform(target)

    @classmethod
    async def open(
        cls,
        path: str | Path,
        *,
        objects: str | os.PathLike[str] | None = None,
        jobs: bool = True,
        busy_timeout: float = 30.0,
        query_seconds: float | None = None,
        undo: UndoPolicy | None = None,
        audit: AuditPolicy | None = None,
        verify: bool = False,
    ) -> Platform:
        """Open a lake or a database, and resume in the background what an earlier stop or crash interrupted.

        A lake that was not closed is checked first, for a few seconds at most; with ``verify`` in any case.
        A lake that cannot be written is read: calls that change something raise :class:`ReadOnlyLakeError`.

        ``objects`` is where a platform over PostgreSQL keeps its files, by default what the settings say; without
        ``jobs``, its jobs are recorded for its servers and none runs here. ``busy_timeout`` is how many seconds to wait
        for another process that writes to a lake, ``query_seconds`` how long a listing by a query may take (default: as
        long as it needs), ``undo`` how long and how much of a removal is kept, ``audit`` the same of the audit log.
        Raises :class:`NotALakeError`, :class:`LakeVersionError`, :class:`LakeBusyError`, :class:`LakeHeldError`,
        :class:`CorruptionError`, :class:`StorageError`, :class:`ConfigurationError` or :class:`ConnectError`.
        """
        target = postgres_target(path, objects=objects)
        if target is not None:
            return await cls._open_postgres(target, jobs, query_seconds, undo, audit)
        folder = Path(path)
        await check_lake(folder)
        held = await HeldLake.take(folder, verify=verify)
        try:
            database = await SqliteDatabase.open(
                folder / DATABASE,
                busy_timeout=busy_timeout,
                query_seconds=query_seconds,
                guard=held.guard,
            )
        except BaseException:
            held.leave()
            raise
        try:
            store = LocalObjectStore(folder / OBJECTS, replacing=replacing_unregistered(database))
            if not database.read_only:
                await store.prepare()
            platform = cls(Context(folder, database, store, undo, audit), held)
            background = platform.context.background
            await background.open()
        except BaseException:
            await database.aclose()
            held.free()
            raise
        background.start(held.keep, database)
        if not database.read_only:
            platform._start_work()
        return platform

    @classmethod
    async def _open_postgres(
        cls,
        target: PostgresTarget,
        jobs: bool,
        query_seconds: float | None,
        undo: UndoPolicy | None,
        audit: AuditPolicy | None,
    ) -> Platform:
        if jobs:
            # What runs jobs reads and writes files.
            check_files_named(target)
        stores = await open_stores(
            target,
            query_seconds=query_seconds,
            replacing=replacing_unregistered,
            replacing_in_s3=replacing_no_data,
        )
        try:
            await check_platform(stores, target)
            context = Context(
                stores.scratch, stores.database, stores.objects, undo, audit, target=target
            )
            context.share()
            await follow_database_clock(context)
            platform = cls(context, stores=stores, works=jobs)
            await context.background.open()
        except BaseException:
            await stores.aclose()
            raise
        if jobs:
            # A database that only answers reads may be written to later: until then the work fails, and is tried again.
            context.background.start(watch_database, context)
            platform._start_work()
        return platform

    def _start_work(self) -> None:
        background = self.context.background
        background.start(keep_clean, self.context)
        background.start(mark_versions, self.context)
        background.start(
            self.jobs.resume if self.context.target is None else self.jobs.keep_resuming
        )

    async def call(
        self, access: Access, operation: Operation[P, R], request: P, *, key: str | None = None
    ) -> R:
        """Answer one operation for a caller; raises the errors of ``headrace.errors``.

        A call that creates something may carry a ``key``: the same call with the same key changes nothing more and
        returns the first answer again. Other calls can be repeated without one.
        """
        check_allowed(access, operation)
        handler, context = HANDLERS[operation.name], self.context
        if not operation.safe:
            audited = AuditedDatabase(context, access, operation.name, request)
            context = context.with_database(audited)
        if key is not None and operation.creates:
            answer: R = await answer_once(context, access, operation, request, handler, key)
        else:
            answer = await handler(context, access, request)
        step = NEXT_STEPS.get(operation.name)
        return answer if step is None else await step(self.context, access, answer)

    async def aclose(self) -> None:
        """Stop the background work, finish pending writes and close the lake."""
        try:
            await self.context.background.aclose()
            await self.jobs.aclose()
        finally:
            await self.context.objects.aclose()
            await self.context.database.aclose()
            if self._held is not None:
                await in_thread(self._held.free)

    def discard(self) -> None:
        """Let go of the lake where the event loop that opened it is closed, and all background work with it."""
        self.context.objects.discard()
        self.context.database.discard()
        if self._held is not None:
            self._held.leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
