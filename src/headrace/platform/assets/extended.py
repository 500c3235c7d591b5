"""List assets with the labels of their annotations."""

from __future__ import annotations

from functools import cache

import msgspec

from headrace.errors import BadRequestError
from headrace.garbage import collector_paused
from headrace.model.blob.unpack import labels_of_page
from headrace.model.columns import PLURALS
from headrace.model.enums import AnnotationStatus
from headrace.model.ids import MAX_SEQ, IdScope, Kind
from headrace.model.records import Page
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import asset_count
from headrace.platform.core.listing import json_text, page_limit, page_offset
from headrace.platform.core.scopes import VersionScope, version_scope
from headrace.platform.datalake.data_records import data_records
from headrace.platform.dispatch import handles
from headrace.protocol.operations.extended import (
    LIST_EXTENDED_ASSETS,
    ExtendedAssetRecord,
    LabelledAnnotation,
    LabelledShape,
    ListExtendedAssets,
)
from headrace.protocol.paging import decode_cursor, encode_cursor
from headrace.storage.database.base import Row
from headrace.threads import in_thread


@handles(LIST_EXTENDED_ASSETS)
async def list_extended_assets(
    context: Context, access: Access, request: ListExtendedAssets
) -> Page[ExtendedAssetRecord]:
    """List a page of assets with the labels of their annotations, always newest first."""
    if request.order_by:
        raise BadRequestError("this listing is always ordered newest first", hint="omit order_by=")
    scope = await version_scope(context.database, access, request.version_id)
    listing = msgspec.structs.replace(request, limit=None, offset=None, cursor=None)
    before, count = MAX_SEQ + 1, None
    if request.cursor:
        before, count = decode_cursor(request.cursor, listing)
    limit = page_limit(request)
    rows = await context.database.fetch(
        "assets.page",
        bucket=scope.bucket,
        version=scope.no,
        before=before,
        limit=limit + 1,
        offset=0 if request.cursor else page_offset(request),
    )
    if count is None:
        count = await asset_count(context.database, scope.bucket, scope.no)
    next_cursor = None
    if len(rows) > limit:
        rows = rows[:limit]
        next_cursor = encode_cursor([rows[-1][0], count], listing)
    annotations = await _annotations(context, scope, [row[0] for row in rows])
    ids, data_of = scope.ids(Kind.ASSET), data_records(access)
    with collector_paused():
        items = [
            ExtendedAssetRecord(
                id=ids.id(row[0]),
                data=data_of(row[1:]),
                annotations=annotations.get(row[0], []),
            )
            for row in rows
        ]
    return Page(items=items, count=count, next_cursor=next_cursor)


async def _annotations(
    context: Context, scope: VersionScope, assets: list[int]
) -> dict[int, list[LabelledAnnotation]]:
    rows = await context.database.fetch(
        "single_annotations.of_assets",
        assets=json_text(assets),
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
    )
    return await in_thread(_decode_labels, scope, rows)


class _LabelledShapes(dict[int, LabelledShape]):
    """The record of a shape by the key of its label, made when it is first needed."""

    def __init__(self, ids: IdScope) -> None:
        super().__init__()
        self._ids = ids

    def __missing__(self, label: int) -> LabelledShape:
        shape = self[label] = LabelledShape(self._ids.text(label))
        return shape


# Calling an enum takes several times as long.
_status = cache(AnnotationStatus)


def _decode_labels(scope: VersionScope, rows: list[Row]) -> dict[int, list[LabelledAnnotation]]:
    annotation_ids, shapes = scope.ids(Kind.ANNOTATION), _LabelledShapes(scope.ids(Kind.LABEL))
    found: dict[int, list[LabelledAnnotation]] = {}
    with collector_paused():
        pages = labels_of_page([blob for *_, blob in rows])
        for (asset, no, status, _), groups in zip(rows, pages, strict=True):
            annotation = LabelledAnnotation(id=annotation_ids.text(no), status=_status(status))
            for kind, labels in groups:
                setattr(annotation, PLURALS[kind], [shapes[key] for key in labels])
            found.setdefault(asset, []).append(annotation)
    return found
