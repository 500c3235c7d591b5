"""Load annotations: their ids, and their shapes."""

from __future__ import annotations

from uuid import UUID

from headrace.errors import RequestTooLargeError
from headrace.model.blob.unpack import unpack_page
from headrace.model.ids import Kind, encode
from headrace.platform.accounts.users import compile_annotation_filters
from headrace.platform.annotations.encode import StoredAnnotation, encode_annotations
from headrace.platform.assets.selectors import asset_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope, version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.annotations import (
    ANNOTATION_IDS,
    LOAD_ANNOTATIONS,
    AnnotationIds,
    LoadAnnotations,
    LoadedAnnotation,
)
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.storage.database.base import Row, Statements
from headrace.threads import in_thread


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
    ids = scope.ids(Kind.ANNOTATION)
    return await in_thread(lambda: [ids.id(no) for (no,) in rows])


@handles(LOAD_ANNOTATIONS)
async def load_annotations(
    context: Context, access: Access, request: LoadAnnotations
) -> list[LoadedAnnotation]:
    """Load annotations with all their shapes, newest first; annotations deleted meanwhile are left out.

    Raises:
        NotFoundError: An id is not one of this version.
        RequestTooLargeError: There are too many ids.
    """
    if len(request.ids) > IDS_PER_CALL:
        raise RequestTooLargeError(
            f"{len(request.ids)} annotations in one call", hint=f"load at most {IDS_PER_CALL}"
        )
    scope = await version_scope(context.database, access, request.version_id)
    rows = await context.database.fetch(
        "annotations.load",
        keys=json_text(scope.row_numbers(Kind.ANNOTATION, request.ids)),
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
    )
    stored = await in_thread(_stored_annotations, scope, rows, not access.precise)
    await _add_heights(context, scope, stored)
    labels = await context.database.fetch("labels.keys", version=scope.no)
    return await in_thread(encode_annotations, stored, dict(labels))


def _stored_annotations(
    scope: VersionScope, rows: list[Row], whole: bool
) -> list[StoredAnnotation]:
    annotations, assets = scope.ids(Kind.ANNOTATION), scope.ids(Kind.ASSET)
    unpacked = unpack_page([row[4] for row in rows], whole=whole, areas=True)
    return [
        StoredAnnotation(
            id=annotations.text(no),
            asset_id=assets.text(asset),
            asset=asset,
            status=status,
            duration=duration,
            attributes=attributes,
            shapes=shapes,
            worker_id=str(encode(Kind.USER, created, 0, account)),
        )
        for (no, asset, status, duration, _, attributes, account, created), shapes in zip(
            rows, unpacked, strict=True
        )
    ]


async def _add_heights(
    context: Context, scope: VersionScope, stored: list[StoredAnnotation]
) -> None:
    masked = [annotation for annotation in stored if annotation.has_masks]
    if masked:
        sizes = await sizes_of(context.database, scope, [annotation.asset for annotation in masked])
        for annotation in masked:
            # An asset that was deleted after its annotation was read has no size.
            annotation.height = sizes.get(annotation.asset, (1, 1))[1]


async def sizes_of(
    statements: Statements, scope: VersionScope, assets: list[int]
) -> dict[int, tuple[int, int]]:
    """Return width and height (pixels) of assets, by their row numbers; a video of unknown size is left out."""
    rows = await statements.fetch(
        "annotations.sizes", assets=json_text(assets), bucket=scope.bucket, version=scope.no
    )
    return {seq: (width, height) for seq, width, height in rows if width is not None}
