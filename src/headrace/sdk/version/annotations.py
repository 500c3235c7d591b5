"""The annotations of a version, one by one and with their shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from headrace.engine.paging import OffsetListing
from headrace.engine.versions.load import annotations_of_assets, annotations_of_version
from headrace.model.enums import AnnotationStatus
from headrace.model.records import AnnotationRecord, DatasetVersionRecord, VersionStats
from headrace.protocol.operations import annotating
from headrace.protocol.operations import datasets as operations
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.sdk.annotation import Annotation, MultiAnnotation
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.arguments import check_limits
from headrace.sdk.base.coordinates import by_asset
from headrace.sdk.base.listing import Listing
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id, worker_ids
from headrace.sdk.version.assets import asset_ids


class VersionAnnotations(Resource[DatasetVersionRecord]):
    """What a version does with its annotations."""

    __slots__ = ()

    # --- one by one -----------------------------------------------------------------------------------

    def list_annotations(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
        page_size: int | None = None,
    ) -> Listing[AnnotationRecord, Annotation, MultiAnnotation]:
        """The annotations without their shapes, newest first unless ``order_by`` names fields (``-`` for descending).

        With ``worker`` those of one user alone. ``page_size`` is accepted and has no effect. Awaited whole, an empty
        answer is NoDataError; walked over, it is no items.
        """
        check_limits(limit, offset)
        query = annotating.ListAnnotations(
            version_id=self.id,
            limit=limit,
            offset=offset,
            order_by=order_by,
            status=AnnotationStatus.parse(status) if status else None,
            worker_id=worker_id(self.session, worker),
        )
        return Listing(
            OffsetListing(self.session.backend, annotating.LIST_ANNOTATIONS, query),
            lambda record: Annotation(self.session, record, self.id),
            lambda records: MultiAnnotation(self.session, self.id, records),
            "list_annotations",
            empty="the version has no such annotations",
        )

    async def delete_all_annotations(
        self, workers: Sequence[Worker | UUID | str] | None = None
    ) -> None:
        """Delete all annotations of this version with their shapes, or those of ``workers``.

        Annotations that are made while this runs stay. Where the platform does not tell annotations by worker, it
        deletes nothing and raises BadRequestError for ``workers``.
        """
        request = annotating.DeleteAnnotations(
            version_id=self.id,
            asset_ids=[annotating.ALL_ASSETS],
            worker_ids=worker_ids(self.session, workers),
        )
        await self.session.call(annotating.DELETE_ANNOTATIONS, request)

    # --- as they are ----------------------------------------------------------------------------------

    async def load_annotations(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        chunk_size: int = 100,
        max_workers: int | None = None,
        skip_error: bool = False,
    ) -> dict[str, list[dict[str, Any]]]:
        """All annotations with their shapes: asset id to annotations, newest first.

        ``chunk_size`` annotations are asked for in one call, ``max_workers`` calls are under way at a time. With
        ``skip_error`` a call that fails is left out and logged. With ``worker`` those of one user alone.
        """
        pages = annotations_of_version(
            self.session.backend,
            self.id,
            status=AnnotationStatus.parse(status) if status else None,
            worker_id=worker_id(self.session, worker),
            asset_ids=None if assets is None else asset_ids(assets),
            chunk_size=chunk_size,
            max_workers=max_workers,
            skip_error=skip_error,
        )
        return await by_asset(pages)

    async def iter_annotations(
        self,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        worker: Worker | UUID | str | None = None,
    ) -> AsyncIterator[LoadedAnnotation]:
        """Annotations with their shapes, one after another in the order of their assets; one page is held at a time."""
        pages = annotations_of_assets(
            self.session.backend,
            self.id,
            status=AnnotationStatus.parse(status) if status else None,
            worker_id=worker_id(self.session, worker),
            asset_ids=None if assets is None else asset_ids(assets),
        )
        async for page in pages:
            for annotation in page:
                yield annotation

    async def retrieve_stats(self) -> VersionStats:
        """Shapes under each label, shapes and annotations in all."""
        request = operations.VersionId(version_id=self.id)
        return await self.session.call(operations.GET_STATS, request)
