"""Forks: a new version of a dataset with the assets of another one. Files are not copied, and large shapes are shared.

The new version exists at once, locked, and a job fills it by ranges of seq. Row numbers are those of the parent, so
nothing is converted. Readers see only complete assets meanwhile. Where the job does not succeed, the new version is
deleted.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from headrace.errors import BadRequestError, ConflictError, NotFoundError, UniqueViolationError
from headrace.model.blob.counts import unpack_counts
from headrace.model.enums import JobStatus
from headrace.model.ids import Kind
from headrace.model.names import safe_name
from headrace.model.records import ForkAnswer
from headrace.platform.assets.selectors import present_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import VersionRows
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import key_of
from headrace.platform.core.label_marks import copy_marks, marks_between
from headrace.platform.core.scopes import (
    VersionScope,
    dataset_scope,
    version_from_row,
    version_scope,
)
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold, purge
from headrace.platform.jobs.marking import mark_versions
from headrace.platform.jobs.records import Job, add_job, start_job
from headrace.platform.jobs.work import JobTask, Progress
from headrace.platform.versions.copy_labels import copy_tag_names
from headrace.platform.versions.copy_rows import (
    copy_assets,
    copy_tags,
    read_annotations,
    write_annotations,
)
from headrace.platform.versions.versions import version_exists, version_record
from headrace.protocol.operations.datasets import FORK_VERSION, Fork
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.storage.database.base import Row, Transaction
from headrace.storage.database.locks import Lock
from headrace.threads import in_thread

KIND = "FORK"

REPEAT_MS = 60_000
"""How long after the end of a fork the same call counts as a repetition after a lost response (milliseconds)."""


class ForkSpec(Struct, frozen=True):
    """The stored specification of a fork job.

    Without ``seqs``, all assets below ``horizon`` are copied. ``request`` is a digest that identifies repeated calls.
    """

    parent: int
    dataset: int
    horizon: int
    with_tags: bool
    with_labels: bool
    with_annotations: bool
    seqs: list[int] | None
    request: str


@handles(FORK_VERSION)
async def fork_version(context: Context, access: Access, request: Fork) -> ForkAnswer:
    """Create a version and start the job that fills it with assets of another one."""
    if request.asset_ids is not UNSET and len(request.asset_ids) > IDS_PER_CALL:
        raise BadRequestError(
            f"{len(request.asset_ids)} assets in one call",
            hint=f"fork with at most {IDS_PER_CALL}, and copy the others into the new version",
        )
    try:
        created = await _create_version(context, access, request)
    except ConflictError:
        repeated = await _repeated_call(context, access, request)
        if repeated is None:
            raise
        created = repeated
    job = await start_job(context, access, created.job)
    return ForkAnswer(dataset_version=created.dataset_version, job=job)


async def _create_version(context: Context, access: Access, request: Fork) -> ForkAnswer:
    name = safe_name(request.version, "name of a version")
    locks = (
        Lock.dataset(key_of(request.dataset_id, Kind.DATASET).number),
        Lock.version(key_of(request.parent_id, Kind.VERSION).number),
    )
    async with context.database.transaction(*locks) as tx:
        dataset = await dataset_scope(tx, access, request.dataset_id)
        parent = await version_scope(tx, access, request.parent_id)
        _check_parent(parent, dataset.no, request)
        seqs = None
        if request.asset_ids is not UNSET:
            seqs = await present_seqs(tx, parent, request.asset_ids)
        no = await context.database.reserve("version")
        try:
            await tx.execute(
                "versions.add",
                no=no,
                bucket=context.database.dialect.new_bucket(dataset.no),
                dataset=dataset.no,
                name=name,
                description=f"Fork from {parent.name}"
                if request.description is None
                else request.description,
                type=str(request.type),
                created=context.clock(),
            )
        except UniqueViolationError:
            raise version_exists(dataset.name, name) from None
        horizon = await _prepare(tx, parent, no, request)
        spec = ForkSpec(
            parent=parent.no,
            dataset=dataset.no,
            horizon=horizon,
            with_tags=request.with_tags,
            with_labels=request.with_labels or request.with_annotations,
            with_annotations=request.with_annotations,
            seqs=seqs,
            request=_digest(request),
        )
        totals = await tx.fetch_one("counters.totals", bucket=parent.bucket, version=parent.no)
        assert totals is not None
        job = await add_job(
            context,
            tx,
            access,
            kind=KIND,
            subject=no,
            state=JobStatus.RUNNING,
            spec=msgspec.json.encode(spec).decode(),
            total=totals[0] if seqs is None else len(seqs),
        )
        row = await tx.fetch_one("versions.by_no", no=no, organization=access.organization)
        assert row is not None
    return ForkAnswer(dataset_version=version_record(version_from_row(row)), job=job)


def _check_parent(parent: VersionScope, dataset: int, request: Fork) -> None:
    if parent.dataset != dataset:
        raise BadRequestError(
            f"{parent.full_name} is not a version of this dataset",
            hint="fork a version inside its own dataset",
        )
    if parent.filling:
        raise ConflictError(
            f"version {parent.full_name} is itself being filled by a fork",
            hint="wait for its job first",
        )


async def _prepare(tx: Transaction, parent: VersionScope, no: int, request: Fork) -> int:
    """Lock the new version and copy its labels and tags, so that readers see them at once; return the horizon."""
    numbers = await tx.fetch_one("fork.numbers", no=parent.no)
    assert numbers is not None
    await tx.execute("fork.fill", no=no, next_asset=numbers[0])
    versions: dict[str, Any] = {"source": parent.no, "target": no}
    if request.with_labels or request.with_annotations:
        await tx.execute("fork.copy_groups", **versions)
        await tx.execute("fork.copy_labels", **versions)
        await tx.execute("fork.copy_attributes", **versions)
    if request.with_tags:
        await tx.execute("fork.copy_tags", **versions)
    if request.with_annotations:
        await tx.execute("fork.share", dataset=parent.dataset)
        await tx.execute("marks.inherit_unmarked", **versions)
    return int(numbers[0])


async def _repeated_call(context: Context, access: Access, request: Fork) -> ForkAnswer | None:
    """Return the result of the same call made shortly before, None where this is not a repetition."""
    dataset = await dataset_scope(context.database, access, request.dataset_id)
    row = await context.database.fetch_one(
        "versions.by_name",
        dataset=dataset.no,
        organization=access.organization,
        name=request.version,
    )
    if row is None:
        return None
    version = version_from_row(row)
    found = await context.database.fetch_one(
        "jobs.latest", kind=KIND, subject=version.no, organization=access.organization
    )
    if found is None:
        return None
    job, updated = Job(*found[:-1]), found[-1]
    spec = msgspec.json.decode(job.spec, type=ForkSpec)
    if spec.request != _digest(request):
        return None
    if job.state != JobStatus.RUNNING and updated < context.clock() - REPEAT_MS:
        return None
    return ForkAnswer(dataset_version=version_record(version), job=job.record)


def _digest(request: Fork) -> str:
    return hashlib.sha256(msgspec.json.encode(request)).hexdigest()


def _add_all(delta: CounterDelta, rows: list[Row]) -> None:
    for counts, times in rows:
        delta.add_unmarked(unpack_counts(counts), times)


# --- the job ---------------------------------------------------------------------------------------------


class ForkWork:
    """Fills the new version. The cursor is the last seq copied, or the number of selected assets copied."""

    def __init__(self, context: Context, task: JobTask) -> None:
        assert task.subject is not None
        self._context = context
        self._target = task.subject
        self._spec = msgspec.json.decode(task.spec, type=ForkSpec)
        self._bucket = 0

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        """The new version, beside other changes of its dataset and other forks of its parent."""
        return (
            Lock.dataset(self._spec.dataset, shared=True),
            Lock.version(self._spec.parent, shared=True),
            Lock.version(self._target),
        )

    async def prepare(self, cursor: Any, size: int) -> None:
        """Do nothing: rows are copied inside the database."""

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Copy the next assets with their tags and annotations."""
        source_bucket, self._bucket = await self._buckets(tx)
        if self._spec.seqs is not None:
            return await self._write_selected(tx, source_bucket, int(cursor or 0), size)
        after = int(cursor or 0)
        row = await tx.fetch_one(
            "fork.end_of_range",
            bucket=source_bucket,
            version=self._spec.parent,
            after=after,
            horizon=self._spec.horizon,
            limit=size,
        )
        if row is None or row[0] is None:
            return None
        return await self._write_range(tx, source_bucket, after, row[0])

    async def finish(self, tx: Transaction) -> None:
        """Copy the current labels of the parent, and unlock the version."""
        if self._spec.with_labels:
            versions: dict[str, Any] = {"source": self._spec.parent, "target": self._target}
            await tx.execute("deletion.drop_labels", version=self._target)
            await tx.execute("deletion.drop_groups", version=self._target)
            await tx.execute("fork.copy_groups", **versions)
            await tx.execute("fork.copy_labels", **versions)
            await tx.execute("fork.copy_attributes", **versions)
        numbers = await tx.fetch_one("fork.numbers", no=self._spec.parent)
        assert numbers is not None
        await tx.execute(
            "fork.open", no=self._target, next_asset=numbers[0], next_annotation=numbers[1]
        )

    async def abandon(self, tx: Transaction) -> None:
        """Delete the new version."""
        await tx.execute("versions.doom", no=self._target, removal=None, purge_after=0)

    async def after_end(self) -> None:
        """Fold the counters, mark what the parent has not marked, and purge the rows of a deleted version."""
        await fold(self._context, self._bucket, self._target)
        self._context.background.start(purge, self._context)
        self._context.background.start(mark_versions, self._context)

    async def _buckets(self, tx: Transaction) -> tuple[int, int]:
        row = await tx.fetch_one("fork.places", source=self._spec.parent, target=self._target)
        if row is None:
            raise NotFoundError("a version was deleted while it was forked")
        return row[0], row[1]

    async def _write_range(
        self, tx: Transaction, source_bucket: int, after: int, until: int
    ) -> Progress:
        span: dict[str, Any] = {"after": after, "until": until}
        versions: dict[str, Any] = {
            "bucket": source_bucket,
            "source": self._spec.parent,
            "target_bucket": self._bucket,
            "target": self._target,
        }
        delta = CounterDelta(assets=await tx.execute("fork.copy_assets", **versions, **span))
        if self._spec.with_tags:
            await tx.execute("fork.copy_tags", source=self._spec.parent, target=self._target)
            await tx.execute("fork.copy_asset_tags", **versions, **span)
        if self._spec.with_annotations:
            source, target = (source_bucket, self._spec.parent), (self._bucket, self._target)
            marks = await marks_between(tx, source, after, until)
            await tx.execute("fork.copy_annotations", **versions, **span)
            rows = await tx.fetch("fork.counts", bucket=self._bucket, version=self._target, **span)
            # Where most assets have other labels, there are nearly as many rows as assets.
            await in_thread(_add_all, delta, rows)
            await copy_marks(tx, source, target, after, until, marks)
        await delta.write(tx, self._bucket, self._target)
        return Progress(until, delta.assets)

    async def _write_selected(
        self, tx: Transaction, source_bucket: int, start: int, size: int
    ) -> Progress | None:
        seqs = (self._spec.seqs or [])[start : start + size]
        if not seqs:
            return None
        same = {seq: seq for seq in seqs}
        source = VersionRows(self._spec.parent, source_bucket, self._spec.dataset, 0)
        target = VersionRows(self._target, self._bucket, self._spec.dataset, 0)
        delta = CounterDelta(assets=await copy_assets(tx, source, target, same))
        if self._spec.with_tags:
            tags = await copy_tag_names(self._context.database, tx, source, target)
            await copy_tags(tx, source, target, same, tags)
        if self._spec.with_annotations:
            await write_annotations(tx, target, await read_annotations(tx, source, seqs), delta)
        await delta.write(tx, self._bucket, self._target)
        return Progress(start + len(seqs), delta.assets)
