"""Load annotations: their ids, and their shapes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TypeVar
from uuid import UUID

from headrace.errors import BadRequestError, CorruptionError, RequestTooLargeError
from headrace.garbage import collector_paused
from headrace.model.blob.unpack import has_masks
from headrace.model.enums import AnnotationStatus
from headrace.model.ids import Kind, encode
from headrace.platform.accounts.users import compile_annotation_filters
from headrace.platform.annotations.encode import encode_annotations
from headrace.platform.assets.selectors import asset_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope, version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.annotations import (
    ANNOTATION_IDS,
    LOAD_ANNOTATIONS,
    LOAD_PACKED,
    AnnotationIds,
    LoadAnnotations,
    LoadedAnnotation,
    LoadPacked,
    PackedAnnotation,
    PackedAnnotations,
)
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.storage.database.base import Row, Statements
from headrace.threads import in_thread, in_thread_if

Loaded = TypeVar("Loaded", PackedAnnotations, list[LoadedAnnotation])

_SMALL = 16 * 1024
"""Bytes of stored shapes up to which they are decoded on the event loop: in about a millisecond."""

_STATUSES = {str(member): member for member in AnnotationStatus}


@handles(ANNOTATION_IDS)
async def annotation_ids(context: Context, access: Access, request: AnnotationIds) -> list[UUID]:
    """List the ids of annotations, newest first, of some assets or of the whole version."""
    scope = await version_scope(context.database, access, request.version_id)
    chosen = await compile_annotation_filters(
        context.database, access, request.status, request.worker_id
    )
    if request.asset_ids is None:
        rows = await context.database.fetch(
            "annotations.ids",
            filters=chosen.sql,
            bucket=scope.bucket,
            version=scope.no,
            **chosen.params,
        )
    else:
        rows = await context.database.fetch(
            "annotations.ids_of_assets",
            filters=chosen.sql,
            assets=json_text(asset_seqs(scope, request.asset_ids)),
            bucket=scope.bucket,
            version=scope.no,
            **chosen.params,
        )
    return await in_thread(_ids, scope, rows)


def _ids(scope: VersionScope, rows: list[Row]) -> list[UUID]:
    ids = scope.ids(Kind.ANNOTATION)
    with collector_paused(kept=True):
        return [ids.id(no) for (no,) in rows]


@handles(LOAD_ANNOTATIONS)
async def load_annotations(
    context: Context, access: Access, request: LoadAnnotations
) -> list[LoadedAnnotation]:
    """Load annotations with all their shapes, newest first.

    headrace clients get coordinates as they were stored, other clients get whole pixels.
    """
    scope = await version_scope(context.database, access, request.version_id)
    rows = await _rows_by_id(context, scope, request.ids)
    encode_all = partial(encode_annotations, whole=not access.precise)
    return await _load(context, scope, rows, encode_all)


@handles(LOAD_PACKED)
async def load_packed(context: Context, access: Access, request: LoadPacked) -> PackedAnnotations:
    """Load annotations with their shapes as blobs, by their ids or by their assets."""
    if (request.ids is None) == (request.asset_ids is None):
        raise BadRequestError("either ids or asset_ids must be given")
    scope = await version_scope(context.database, access, request.version_id)
    if request.ids is not None:
        rows = await _rows_by_id(context, scope, request.ids)
        return await _load(context, scope, rows, _as_packed)
    chosen = await compile_annotation_filters(
        context.database, access, request.status, request.worker_id
    )
    assets = request.asset_ids or []
    _check_count(assets, "assets")
    rows = await context.database.fetch(
        "annotations.load_of_assets",
        filters=chosen.sql,
        assets=json_text(asset_seqs(scope, assets)),
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
        **chosen.params,
    )
    if request.newest:
        newest: dict[int, Row] = {}
        for row in rows:
            newest.setdefault(row[1], row)
        rows = list(newest.values())
    return await _load(context, scope, rows, _as_packed)


async def _rows_by_id(context: Context, scope: VersionScope, ids: list[UUID]) -> list[Row]:
    _check_count(ids, "annotations")
    return await context.database.fetch(
        "annotations.load",
        keys=json_text(scope.row_numbers(Kind.ANNOTATION, ids)),
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
    )


def _check_count(ids: list[UUID], what: str) -> None:
    if len(ids) > IDS_PER_CALL:
        raise RequestTooLargeError(
            f"{len(ids)} {what} in one call", hint=f"load at most {IDS_PER_CALL}"
        )


async def _load(
    context: Context,
    scope: VersionScope,
    rows: list[Row],
    finish: Callable[[PackedAnnotations], Loaded],
) -> Loaded:
    """Return what ``finish`` makes of annotations as they are stored.

    ``rows`` are those of ``annotations.load``.
    """
    labels: dict[int, str] = dict(await context.database.fetch("labels.keys", version=scope.no))

    def make(heights: dict[int, int]) -> Loaded:
        return finish(PackedAnnotations(labels, _records(scope, rows, heights)))

    def make_without_masks() -> tuple[list[int], Loaded | None]:
        masked = [row[1] for row in rows if has_masks(row[4])]
        return masked, None if masked else make({})

    try:
        large = sum(len(row[4]) + len(row[5] or "") for row in rows) > _SMALL
    except TypeError:
        raise without_shapes(scope, next(row[0] for row in rows if row[4] is None)) from None
    masked, made = await in_thread_if(large, make_without_masks)
    if made is None:
        sizes = await sizes_of(context.database, scope, masked)
        # An asset that was deleted after its annotation was read has no size.
        heights = dict.fromkeys(masked, 1) | {asset: size[1] for asset, size in sizes.items()}
        made = await in_thread_if(large, make, heights)
    return made


def without_shapes(scope: VersionScope, no: int) -> CorruptionError:
    """Return the error of an annotation whose shapes are missing in the content table."""
    annotation = scope.ids(Kind.ANNOTATION).id(no)
    return CorruptionError(
        f"the shapes of annotation {annotation} of {scope.full_name} are missing"
    )


def _as_packed(packed: PackedAnnotations) -> PackedAnnotations:
    return packed


def _records(
    scope: VersionScope, rows: list[Row], heights: dict[int, int]
) -> list[PackedAnnotation]:
    annotation_text, asset_text = scope.ids(Kind.ANNOTATION).text, scope.ids(Kind.ASSET).text

    @cache
    def worker(account: int, created: int | None) -> str:
        if created is None:
            raise CorruptionError(f"user {account}, who annotated {scope.full_name}, is missing")
        return str(encode(Kind.USER, created, 0, account))

    return [
        PackedAnnotation(
            annotation_text(no),
            asset_text(asset),
            _STATUSES[status],
            worker(account, created),
            duration,
            attributes,
            heights.get(asset, 0),
            shapes,
        )
        for no, asset, status, duration, shapes, attributes, account, created in rows
    ]


async def sizes_of(
    statements: Statements, scope: VersionScope, assets: list[int]
) -> dict[int, tuple[int, int]]:
    """Return width and height (pixels) of assets, by their row numbers; a video of unknown size is left out."""
    rows = await statements.fetch(
        "annotations.sizes", assets=json_text(assets), bucket=scope.bucket, version=scope.no
    )
    return {seq: (width, height) for seq, width, height in rows if width is not None}
