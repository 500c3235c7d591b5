"""Copy assets into another version of their dataset: a job that works through the list of assets in ranges.

Assets that the target already has keep their annotations and get the tags, so repeating a copy changes nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from headrace.errors import BadRequestError, LockedError, NotFoundError
from headrace.model.enums import JobStatus
from headrace.model.ids import Kind
from headrace.model.records import JobAnswer
from headrace.platform.assets.selectors import present_seqs
from headrace.platform.campaigns.sync import add_new_assets
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import VersionRows
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import key_of
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import locks_of_version, version_locks
from headrace.platform.core.scopes import VersionScope, version_scope
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold
from headrace.platform.jobs.records import add_job, start_job
from headrace.platform.jobs.work import JobTask, Progress
from headrace.platform.versions.copy_labels import copy_label_names, copy_tag_names
from headrace.platform.versions.copy_rows import (
    AnnotationRow,
    copy_assets,
    copy_tags,
    read_annotations,
    relabel,
    write_annotations,
)
from headrace.protocol.operations.assets import COPY_ASSETS, CopyAssets
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.storage.database.base import Transaction
from headrace.storage.database.locks import Lock

KIND = "COPY"


class CopySpec(Struct, frozen=True):
    """The stored specification of a copy job."""

    source: int
    target: int
    seqs: list[int]
    with_tags: bool
    with_annotations: bool


@handles(COPY_ASSETS)
async def copy_assets_to(context: Context, access: Access, request: CopyAssets) -> JobAnswer:
    """Start a job that copies assets of a version into another one."""
    if len(request.asset_ids) > IDS_PER_CALL:
        raise BadRequestError(
            f"{len(request.asset_ids)} assets in one call", hint=f"send at most {IDS_PER_CALL}"
        )
    locks = await version_locks(context, request.destination_id, labels=True)
    parent = Lock.version(key_of(request.version_id, Kind.VERSION).number)
    async with context.database.transaction(*locks, parent) as tx:
        source = await version_scope(tx, access, request.version_id)
        target = await version_scope(tx, access, request.destination_id, change=True)
        _check_pair(source, target)
        spec = CopySpec(
            source=source.no,
            target=target.no,
            seqs=await present_seqs(tx, source, request.asset_ids),
            with_tags=request.with_tags,
            with_annotations=request.with_annotations,
        )
        if request.with_annotations:
            await tx.execute("fork.share", dataset=target.dataset)
        job = await add_job(
            context,
            tx,
            access,
            kind=KIND,
            subject=target.no,
            state=JobStatus.RUNNING,
            spec=msgspec.json.encode(spec).decode(),
            total=len(spec.seqs),
        )
    return JobAnswer(job=await start_job(context, access, job))


def _check_pair(source: VersionScope, target: VersionScope) -> None:
    if source.dataset != target.dataset:
        raise BadRequestError(
            f"{source.full_name} and {target.full_name} belong to different datasets",
            hint="copy inside one dataset, or add the data instead",
        )
    if source.no == target.no:
        raise BadRequestError(f"{source.full_name} cannot be copied into itself")


class CopyWork:
    """Copies assets of the list, range by range. The cursor is the number of assets processed."""

    def __init__(self, context: Context, task: JobTask) -> None:
        self._context = context
        self._organization = task.organization
        self._spec = msgspec.json.decode(task.spec, type=CopySpec)
        self._bucket: int | None = None
        self._campaign: int | None = None

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        """The target and the source; the dataset alone where labels may be created."""
        spec = self._spec
        locks = await locks_of_version(self._context, spec.target, labels=spec.with_annotations)
        return *locks, Lock.version(spec.source, shared=True)

    async def prepare(self, cursor: Any, size: int) -> None:
        """Do nothing: the rows to copy are small."""

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Copy the next assets with their tags and annotations."""
        start = int(cursor or 0)
        seqs = self._spec.seqs[start : start + size]
        if not seqs:
            return None
        source, target = await self._version_rows(tx)
        rows = await tx.fetch(
            "copy.present",
            bucket=source.bucket,
            version=source.version,
            target_bucket=target.bucket,
            target=target.version,
            assets=json_text(seqs),
        )
        present: dict[int, int] = dict(rows)
        added = await self._add(tx, source, target, [seq for seq in seqs if seq not in present])
        if self._spec.with_tags:
            tags = await copy_tag_names(self._context.database, tx, source, target)
            await copy_tags(tx, source, target, present | added, tags)
        return Progress(start + len(seqs), len(seqs))

    async def finish(self, tx: Transaction) -> None:
        """Do nothing: every range is complete in itself."""

    async def abandon(self, tx: Transaction) -> None:
        """Do nothing: assets already copied are complete and are kept."""

    async def after_end(self) -> None:
        """Fold the counters."""
        if self._bucket is not None:
            await fold(self._context, self._bucket, self._spec.target)

    async def _version_rows(self, tx: Transaction) -> tuple[VersionRows, VersionRows]:
        row = await tx.fetch_one("copy.places", source=self._spec.source, target=self._spec.target)
        if row is None:
            raise NotFoundError("a version was deleted while assets were copied")
        source_bucket, self._bucket, dataset, dataset_bucket, locked, self._campaign = row
        if locked:
            raise LockedError("the version was locked while assets were copied into it")
        assert self._bucket is not None
        return (
            VersionRows(self._spec.source, source_bucket, dataset, dataset_bucket),
            VersionRows(self._spec.target, self._bucket, dataset, dataset_bucket),
        )

    async def _add(
        self, tx: Transaction, source: VersionRows, target: VersionRows, seqs: list[int]
    ) -> dict[int, int]:
        """Add new assets; return their numbers by those in the source."""
        annotations: list[AnnotationRow] = []
        database = self._context.database
        if self._spec.with_annotations:
            # Labels are copied even where all assets already exist.
            labels = await copy_label_names(database, tx, source, target)
            found = await read_annotations(tx, source, seqs)
            annotations = await relabel(database, tx, target, found, labels)
        first = await tx.fetch_one(
            "versions.touch", no=target.version, assets=len(seqs), annotations=len(annotations)
        )
        assert first is not None
        assets = {seq: first[0] + index for index, seq in enumerate(seqs)}
        delta = CounterDelta(assets=await copy_assets(tx, source, target, assets))
        numbered = [
            annotation._replace(asset=assets[annotation.asset], no=first[1] + index)
            for index, annotation in enumerate(annotations)
        ]
        await write_annotations(tx, target, numbered, delta)
        await delta.write(tx, target.bucket, target.version)
        await add_new_assets(tx, self._organization, self._campaign, list(assets.values()))
        return assets
