"""The annotations of a version: listed, deleted, and loaded with their shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from headrace.engine.paging import OffsetListing
from headrace.engine.undo.remove import delete_annotations
from headrace.engine.versions.load import (
    annotations_of_assets,
    annotations_of_version,
    stats_of_assets,
)
from headrace.garbage import collect_kept
from headrace.model.enums import AnnotationStatus
from headrace.model.records import AnnotationRecord, DatasetVersionRecord, VersionStats
from headrace.protocol.operations import annotating
from headrace.protocol.operations import datasets as operations
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.sdk.annotation import Annotation, MultiAnnotation
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.arguments import check_limits
from headrace.sdk.base.coordinates import as_plain, by_asset
from headrace.sdk.base.listing import Listing
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id, worker_ids
from headrace.sdk.version.assets import asset_ids


class VersionAnnotations(Resource[DatasetVersionRecord]):
    """The methods of a version for its annotations."""

    __slots__ = ()

    def list_annotations(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
        page_size: int | None = None,
    ) -> Listing[AnnotationRecord, Annotation, MultiAnnotation]:
        """List the annotations, without their shapes.

        Args:
            worker: Only the annotations of this user.
            status: Only annotations with this review status.
            limit: Maximum number of annotations.
            offset: Number of annotations to skip.
            order_by: Fields to sort by, with ``-`` in front for descending order. Default: newest first.
            page_size: Has no effect.

        Returns:
            A listing of annotations.

        Raises:
            BadRequestError: If ``limit`` or ``offset`` is negative.
            NoDataError: If the whole listing is read at once and is empty.
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
        self, workers: Sequence[Worker | UUID | str] | None = None, undo: bool = True
    ) -> None:
        """Delete the annotations of the version with their shapes.

        Annotations that are created during the call remain.

        Args:
            workers: Delete only the annotations of these users. Default: all.
            undo: Record what is removed, so that it can be brought back (``client.list_removals``). False removes without recording.

        Raises:
            RemovalNotRecordedError: If it cannot be recorded; nothing is removed then.
            UnsupportedError: If ``workers`` is given and the platform does not attribute annotations to users;
                nothing is deleted then.
        """
        request = annotating.DeleteAnnotations(
            version_id=self.id,
            asset_ids=[annotating.ALL_ASSETS],
            worker_ids=worker_ids(self.session, workers),
        )
        await delete_annotations(self.session.backend, request, undo=undo)

    # --- with their shapes ----------------------------------------------------------------------------

    async def load_annotations(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        chunk_size: int = 100,
        max_workers: int | None = None,
        skip_error: bool = False,
    ) -> dict[str, list[dict[str, Any]]]:
        """Load annotations with their shapes into memory.

        Args:
            worker: Only the annotations of this user.
            status: Only annotations with this review status.
            assets: Only the annotations of these assets. Default: all assets.
            chunk_size: Annotations per call.
            max_workers: Maximum number of concurrent calls.
            skip_error: Log a failed call and leave its annotations out, instead of raising.

        Returns:
            The annotations by asset id, newest first, as plain values.
        """
        collect_kept()
        pages = annotations_of_version(
            self.session.backend,
            self.id,
            as_plain,
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
        """Iterate over annotations with their shapes, in the order of their assets; holds one page in memory.

        The points of polygons are made when they are first read, so shapes that are only counted cost little.

        Args:
            status: Only annotations with this review status.
            assets: Only the annotations of these assets. Default: all assets.
            worker: Only the annotations of this user.

        Yields:
            Annotations with their shapes.
        """
        pages = annotations_of_assets(
            self.session.backend,
            self.id,
            status=AnnotationStatus.parse(status) if status else None,
            worker_id=worker_id(self.session, worker),
            asset_ids=None if assets is None else asset_ids(assets),
        )
        async for page in pages:
            # Each is taken out of the page, so that the points that callers read are freed as they go on.
            page.reverse()
            while page:
                yield page.pop()

    async def retrieve_stats(
        self, assets: Sequence[Asset] | MultiAsset | None = None
    ) -> VersionStats:
        """Return the number of shapes by label, and the total numbers of shapes and annotations.

        Args:
            assets: Count only what is on these assets; this loads their annotations, one page at a time.
                Default: all assets.

        Returns:
            The numbers.
        """
        if assets is not None:
            return await stats_of_assets(self.session.backend, self.id, asset_ids(assets))
        request = operations.VersionId(version_id=self.id)
        return await self.session.call(operations.GET_STATS, request)
