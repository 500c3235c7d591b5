"""Convert tags to classifications: every asset with a tag gets the label of the same name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from headrace.errors import BadRequestError, NotFoundError
from headrace.model.columns import ShapeKind
from headrace.model.enums import ImportAnnotationMode, InferenceType, JobStatus, TagTarget
from headrace.model.ids import MAX_SEQ, Kind
from headrace.model.records import JobRecord
from headrace.platform.annotations.decode import PreparedAnnotation, prepare_annotations
from headrace.platform.annotations.imports.writer import ChunkWriter
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import missing
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import locks_of_version, version_locks
from headrace.platform.core.scopes import (
    VersionScope,
    check_unlocked,
    touch,
    version_from_row,
    version_scope,
)
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold
from headrace.platform.jobs.records import add_job, start_job
from headrace.platform.jobs.work import JobTask, Progress
from headrace.platform.labels.labels import ensure_label_keys
from headrace.platform.tags.scopes import TagFamily, tag_of
from headrace.protocol.operations.annotations import ClassificationIn, ImportItem
from headrace.protocol.operations.tags import CONVERT_TAGS, ConvertTags
from headrace.storage.database.base import Statements, Transaction
from headrace.storage.database.locks import Lock

KIND = "CONVERT"

_TYPES = (InferenceType.CLASSIFICATION, InferenceType.MULTI)
_STATEMENTS = {
    TagFamily.ASSET: "tags.tags_of_asset_range",
    TagFamily.DATA: "tags.data_tags_of_asset_range",
}
_FAMILIES = {TagTarget.ASSET: TagFamily.ASSET, TagTarget.DATA: TagFamily.DATA}

Pair = tuple[int, int]


class ConversionSpec(Struct, frozen=True):
    """The stored specification of a job. ``tags`` are ``(lake, key, label)``, with lake 0 for asset tags."""

    version: int
    account: int
    family: int
    tags: list[tuple[int, int, int]]


@handles(CONVERT_TAGS)
async def convert_tags(context: Context, access: Access, request: ConvertTags) -> JobRecord:
    """Start a job that creates labels from tags and classifies the tagged assets that are not yet classified so."""
    family = _FAMILIES.get(request.tag_type)
    if family is None:
        raise BadRequestError(
            f"tags of {request.tag_type} cannot be converted", hint="tag_type is ASSET or DATA"
        )
    locks = await version_locks(context, request.version_id, labels=True)
    async with context.database.transaction(*locks) as tx:
        scope = await version_scope(tx, access, request.version_id, change=True)
        if scope.type not in _TYPES:
            raise BadRequestError(
                f"version {scope.full_name} is of type {scope.type}",
                hint="set its type to CLASSIFICATION first",
            )
        tags = [await tag_of(tx, access, tag_id) for tag_id in dict.fromkeys(request.tag_ids)]
        for tag in tags:
            if tag.scope.family is not family or (
                family is TagFamily.ASSET and tag.scope.no != scope.no
            ):
                raise missing(
                    Kind.ASSET_TAG if family is TagFamily.ASSET else Kind.DATA_TAG, tag.record.id
                )
        await touch(tx, scope)
        labels = await ensure_label_keys(
            context, tx, scope, list(dict.fromkeys(tag.name for tag in tags))
        )
        spec = ConversionSpec(
            version=scope.no,
            account=access.account,
            family=family,
            tags=[
                (0 if family is TagFamily.ASSET else tag.scope.no, tag.key, labels[tag.name])
                for tag in tags
            ],
        )
        totals = await tx.fetch_one("counters.totals", bucket=scope.bucket, version=scope.no)
        assert totals is not None
        job = await add_job(
            context,
            tx,
            access,
            kind=KIND,
            subject=scope.no,
            state=JobStatus.RUNNING,
            spec=msgspec.json.encode(spec).decode(),
            total=totals[0],
        )
    return await start_job(context, access, job)


class ConversionWork:
    """Classifies tagged assets, range by range. The cursor is the last seq processed."""

    def __init__(self, context: Context, task: JobTask) -> None:
        self._context = context
        self._task = task
        self._spec = msgspec.json.decode(task.spec, type=ConversionSpec)
        self._labels = {(lake, key): label for lake, key, label in self._spec.tags}
        self._bucket = 0

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        """The version."""
        return await locks_of_version(self._context, self._spec.version)

    async def prepare(self, cursor: Any, size: int) -> None:
        """Do nothing: a range must read the state at the time of its transaction."""

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Classify the next assets, except those that already have the classification."""
        scope = await self._scope(tx)
        after = int(cursor or 0)
        keys: dict[str, Any] = {"bucket": scope.bucket, "version": scope.no}
        row = await tx.fetch_one(
            "fork.end_of_range", after=after, horizon=MAX_SEQ + 1, limit=size, **keys
        )
        if row is None or row[0] is None:
            return None
        span = {"after": after, "until": row[0]}
        rows = await tx.fetch(_STATEMENTS[TagFamily(self._spec.family)], **keys, **span)
        wanted = [
            (asset, self._labels[lake, key])
            for asset, lake, key in rows
            if (lake, key) in self._labels
        ]
        items = self._items(scope, await _missing_pairs(tx, scope, wanted))
        if items:
            writer = ChunkWriter(
                scope, self._spec.account, ImportAnnotationMode.CONCATENATE, None, items, None
            )
            await writer.write(self._context.database, tx, scope, self._context.clock(), alone=True)
        return Progress(row[0], len(items))

    async def finish(self, tx: Transaction) -> None:
        """Do nothing: every range is complete in itself."""

    async def abandon(self, tx: Transaction) -> None:
        """Do nothing: classifications already made are kept."""

    async def after_end(self) -> None:
        """Fold the counters."""
        await fold(self._context, self._bucket, self._spec.version)

    async def _scope(self, tx: Transaction) -> VersionScope:
        row = await tx.fetch_one(
            "versions.by_no", no=self._spec.version, organization=self._task.organization
        )
        if row is None:
            raise NotFoundError("the version was deleted while its tags were converted")
        scope = check_unlocked(version_from_row(row))
        self._bucket = scope.bucket
        return scope

    def _items(self, scope: VersionScope, pairs: Iterable[Pair]) -> list[PreparedAnnotation]:
        found: dict[int, list[ClassificationIn]] = {}
        for asset, label in pairs:
            found.setdefault(asset, []).append(ClassificationIn(label_id=str(label)))
        ids = scope.ids(Kind.ASSET)
        return prepare_annotations(
            [
                ImportItem(asset_id=ids.text(asset), classifications=shapes)
                for asset, shapes in found.items()
            ],
            list(found),
            {str(label): label for label in self._labels.values()},
            {},
        )


async def _missing_pairs(
    statements: Statements, scope: VersionScope, pairs: Iterable[Pair]
) -> list[Pair]:
    """Return the distinct pairs of asset and label without a classification."""
    missing_pairs = dict.fromkeys(pairs)
    if not missing_pairs:
        return []
    rows = await statements.fetch(
        "annotations.classified",
        pairs=json_text(list(missing_pairs)),
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
        kind=int(ShapeKind.CLASSIFICATION),
    )
    for asset, label in rows:
        missing_pairs.pop((asset, label), None)
    return list(missing_pairs)
