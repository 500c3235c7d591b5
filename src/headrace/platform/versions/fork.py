"""Forks: a new version of a dataset with the assets of another one. No file is copied, and large shapes are shared.

The new version is there at once, locked, and a job fills it by ranges of seq; numbers stay what they are in the parent,
so nothing is translated. Whoever reads meanwhile sees whole assets. A job that ends without success takes the new
version with it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from headrace.errors import BadRequestError, ConflictError, NotFoundError, UniqueViolationError
from headrace.model.enums import JobStatus
from headrace.model.names import safe_name
from headrace.model.packing import unpack_counts
from headrace.model.records import ForkAnswer
from headrace.platform.assets.selectors import present_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import VersionRows
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import take_numbers
from headrace.platform.core.scopes import (
    VersionScope,
    dataset_scope,
    version_from_row,
    version_scope,
)
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold, purge
from headrace.platform.jobs.records import Job, add_job, start_job
from headrace.platform.jobs.runner import JobTask, Progress
from headrace.platform.versions.copy_labels import copy_tag_names
from headrace.platform.versions.copy_rows import (
    annotations_of,
    copy_assets,
    copy_tags,
    write_annotations,
)
from headrace.platform.versions.versions import version_record, version_taken
from headrace.protocol.operations.datasets import FORK_VERSION, Fork
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.storage.database.base import Transaction

KIND = "FORK"

REPEAT_MS = 60_000
"""How long after its end the very same fork is taken for a repetition of a call whose answer was lost."""


class ForkSpec(Struct, frozen=True):
    """What a fork's job is to do. ``seqs`` None: all assets below ``horizon``. ``request`` tells repeated calls."""

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
    """Make a version with the assets of another one of the dataset, and begin to fill it."""
    if request.asset_ids is not UNSET and len(request.asset_ids) > IDS_PER_CALL:
        raise BadRequestError(
            f"{len(request.asset_ids)} assets in one call",
            hint=f"fork with at most {IDS_PER_CALL}, and copy the others into the new version",
        )
    try:
        begun = await _begin(context, access, request)
    except ConflictError:
        repeated = await _repeated(context, access, request)
        if repeated is None:
            raise
        begun = repeated
    job = await start_job(context, access, begun.job)
    return ForkAnswer(dataset_version=begun.dataset_version, job=job)


async def _begin(context: Context, access: Access, request: Fork) -> ForkAnswer:
    name = safe_name(request.version, "name of a version")
    async with context.database.transaction() as tx:
        dataset = await dataset_scope(tx, access, request.dataset_id)
        parent = await version_scope(tx, access, request.parent_id)
        _check_parent(parent, dataset.no, request)
        seqs = None
        if request.asset_ids is not UNSET:
            seqs = await present_seqs(tx, parent, request.asset_ids)
        no = await take_numbers(tx, "version")
        try:
            await tx.execute(
                "versions.add",
                no=no,
                dataset=dataset.no,
                name=name,
                description=f"Fork from {parent.name}"
                if request.description is None
                else request.description,
                type=str(request.type),
                created=context.clock(),
            )
        except UniqueViolationError:
            raise version_taken(dataset.name, name) from None
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
            tx,
            access,
            context.clock(),
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
            f"{parent.full_name} is no version of this dataset",
            hint="fork a version inside its own dataset",
        )
    if parent.filling:
        raise ConflictError(
            f"version {parent.full_name} is being filled by a fork itself",
            hint="wait for its job first",
        )


async def _prepare(tx: Transaction, parent: VersionScope, no: int, request: Fork) -> int:
    """Lock the new version and give it what is small, so that readers see labels at once; where its assets end."""
    numbers = await tx.fetch_one("fork.numbers", no=parent.no)
    assert numbers is not None
    await tx.execute("fork.fill", no=no, next_asset=numbers[0])
    place: dict[str, Any] = {"source": parent.no, "target": no}
    if request.with_labels or request.with_annotations:
        await tx.execute("fork.copy_groups", **place)
        await tx.execute("fork.copy_labels", **place)
        await tx.execute("fork.copy_attributes", **place)
    if request.with_tags:
        await tx.execute("fork.copy_tags", **place)
    if request.with_annotations:
        await tx.execute("fork.share", dataset=parent.dataset)
    return int(numbers[0])


async def _repeated(context: Context, access: Access, request: Fork) -> ForkAnswer | None:
    """The answer to the very same call a moment ago, where this is a repetition of it."""
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


# --- filling ---------------------------------------------------------------------------------------------


class ForkWork:
    """Fills the new version. The cursor is the last seq that is in, or how many of the chosen ones are."""

    def __init__(self, context: Context, task: JobTask) -> None:
        assert task.subject is not None
        self._context = context
        self._target = task.subject
        self._spec = msgspec.json.decode(task.spec, type=ForkSpec)
        self._bucket = 0

    async def prepare(self, cursor: Any, size: int) -> None:
        """Nothing: what is copied never leaves the database."""

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Copy the next assets with all that belongs to them."""
        source_bucket, self._bucket = await self._places(tx)
        if self._spec.seqs is not None:
            return await self._write_chosen(tx, source_bucket, int(cursor or 0), size)
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
        """Take over what the labels of the parent have become, and open the version."""
        if self._spec.with_labels:
            place: dict[str, Any] = {"source": self._spec.parent, "target": self._target}
            await tx.execute("deletion.drop_labels", version=self._target)
            await tx.execute("deletion.drop_groups", version=self._target)
            await tx.execute("fork.copy_groups", **place)
            await tx.execute("fork.copy_labels", **place)
            await tx.execute("fork.copy_attributes", **place)
        numbers = await tx.fetch_one("fork.numbers", no=self._spec.parent)
        assert numbers is not None
        await tx.execute(
            "fork.open", no=self._target, next_asset=numbers[0], next_annotation=numbers[1]
        )

    async def abandon(self, tx: Transaction) -> None:
        """Half a fork is no fork: the new version goes."""
        await tx.execute("versions.doom", no=self._target)

    async def after_end(self) -> None:
        """One row a label in the counters again; and the rows of a version that went."""
        await fold(self._context, self._bucket, self._target)
        self._context.background.start(purge, self._context)

    async def _places(self, tx: Transaction) -> tuple[int, int]:
        row = await tx.fetch_one("fork.places", source=self._spec.parent, target=self._target)
        if row is None:
            raise NotFoundError("a version was deleted while it was forked")
        return row[0], row[1]

    async def _write_range(
        self, tx: Transaction, source_bucket: int, after: int, until: int
    ) -> Progress:
        span: dict[str, Any] = {"after": after, "until": until}
        place: dict[str, Any] = {
            "bucket": source_bucket,
            "source": self._spec.parent,
            "target_bucket": self._bucket,
            "target": self._target,
        }
        delta = CounterDelta(assets=await tx.execute("fork.copy_assets", **place, **span))
        if self._spec.with_tags:
            await tx.execute("fork.copy_tags", source=self._spec.parent, target=self._target)
            await tx.execute("fork.copy_asset_tags", **place, **span)
        if self._spec.with_annotations:
            await tx.execute("fork.copy_annotations", **place, **span)
            rows = await tx.fetch("fork.counts", bucket=self._bucket, version=self._target, **span)
            for counts, times in rows:
                delta.add(unpack_counts(counts), times)
        await delta.write(tx, self._bucket, self._target)
        return Progress(until, delta.assets)

    async def _write_chosen(
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
            tags = await copy_tag_names(tx, source, target)
            await copy_tags(tx, source, target, same, tags)
        if self._spec.with_annotations:
            await write_annotations(tx, target, await annotations_of(tx, source, seqs), delta)
        await delta.write(tx, self._bucket, self._target)
        return Progress(start + len(seqs), delta.assets)
