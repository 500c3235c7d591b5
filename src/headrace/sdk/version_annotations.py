"""The annotations of a version: in from files, out to files, and as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from headrace.engine.exporting import ExportReport, export
from headrace.engine.import_report import ImportOptions, ImportReport
from headrace.engine.importing import import_file
from headrace.engine.loading import annotations_of_assets, annotations_of_version
from headrace.engine.paging import OffsetListing
from headrace.formats.findings import OnError
from headrace.model.enums import AnnotationStatus, ImportAnnotationMode
from headrace.model.records import AnnotationRecord, DatasetVersionRecord, VersionStats
from headrace.protocol.operations import annotating
from headrace.protocol.operations import datasets as operations
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.sdk.annotation import Annotation, MultiAnnotation
from headrace.sdk.arguments import as_path, by_asset, check_limits, ignore_worker, refuse_workers
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.listing import Listing
from headrace.sdk.resource import Resource
from headrace.sdk.version_assets import asset_ids
from headrace.transfer.progress import OnProgress


class VersionAnnotations(Resource[DatasetVersionRecord]):
    """What a version does with its annotations."""

    __slots__ = ()

    # --- in -------------------------------------------------------------------------------------------

    async def import_annotations(
        self,
        path: str | Path,
        format: str | None = None,
        *,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        status: AnnotationStatus | str | None = None,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        use_id: bool = False,
        on_error: OnError = "raise",
        progress: OnProgress | None = None,
        **read_options: Any,
    ) -> ImportReport:
        """Import an annotation file or folder of any format that headrace reads; the format is found by looking.

        ``mode`` says what happens to an asset that is annotated already: REPLACE, KEEP or CONCATENATE. Images are
        matched to assets by their whole name, then by its last part; by asset id with ``use_id``. ``on_error`` is
        ``raise``, ``skip`` or ``collect`` (all faults first, then the error). ``read_options`` are those of
        :class:`headrace.formats.ReadOptions`.

        An import that was interrupted goes on where it was when the same is called again. Nothing is written where
        an image is no asset of this version (NotFoundError, unless ``fail_on_asset_not_found`` is off), where an
        image could be several assets (ConflictError), or where a label is unknown and may not be created
        (NotFoundError). A file that is not what its format demands ends in ParseError.
        """
        options = ImportOptions(
            mode=ImportAnnotationMode.parse(mode),
            status=AnnotationStatus.parse(status) if status else None,
            force_create_label=force_create_label,
            fail_on_asset_not_found=fail_on_asset_not_found,
            use_id=use_id,
            on_error=on_error,
            read=read_options,
        )
        return await import_file(
            self.session.backend, self.record, as_path(path), format, options, progress=progress
        )

    async def import_annotations_coco_file(
        self,
        file_path: str | Path,
        worker: Any = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        status: AnnotationStatus | str | None = None,
        use_id: bool = False,
    ) -> dict[str, int]:
        """Import a COCO file; see :meth:`import_annotations` for what is checked and raised.

        ``worker`` is accepted and has no effect: annotations belong to the caller.

        Returns the number of shapes that were written under each annotation id.
        """
        ignore_worker(worker)
        counts: dict[str, int] = {}
        options = ImportOptions(
            mode=ImportAnnotationMode.parse(mode),
            status=AnnotationStatus.parse(status) if status else None,
            force_create_label=force_create_label,
            fail_on_asset_not_found=fail_on_asset_not_found,
            use_id=use_id,
        )
        await import_file(
            self.session.backend, self.record, as_path(file_path), "coco", options, counts=counts
        )
        return counts

    # --- out ------------------------------------------------------------------------------------------

    async def export(
        self,
        target: str | Path,
        format: str = "coco",
        *,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        use_id: bool = False,
        overwrite: bool = False,
        strict: bool = False,
        progress: OnProgress | None = None,
        **write_options: Any,
    ) -> ExportReport:
        """Write the annotations as a file or folder of any format that headrace writes.

        The target appears complete or not at all. Assets without annotation are in it too. Only the newest
        annotation of an asset is written, among those of ``status`` where that is given. What the format cannot say
        is counted in the report's findings, and raises LossyWriteError where ``strict``. ``write_options`` are those
        of :class:`headrace.formats.WriteOptions`.

        Raises FormatError where the target exists, unless ``overwrite``.
        """
        return await export(
            self.session.backend,
            self.record,
            as_path(target),
            format,
            status=AnnotationStatus.parse(status) if status else None,
            asset_ids=None if assets is None else asset_ids(assets),
            use_id=use_id,
            strict=strict,
            write={"overwrite": overwrite, **write_options},
            progress=progress,
        )

    # --- one by one -----------------------------------------------------------------------------------

    def list_annotations(
        self,
        worker: Any = None,
        status: AnnotationStatus | str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int | None = None,
        order_by: list[str] | None = None,
    ) -> Listing[AnnotationRecord, Annotation, MultiAnnotation]:
        """The annotations without their shapes, newest first unless ``order_by`` names fields (``-`` for descending).

        ``page_size`` and ``worker`` are accepted and have no effect. An empty answer is an empty MultiAnnotation.
        """
        ignore_worker(worker)
        check_limits(limit, offset)
        query = annotating.ListAnnotations(
            version_id=self.id,
            limit=limit,
            offset=offset,
            order_by=order_by,
            status=AnnotationStatus.parse(status) if status else None,
        )
        return Listing(
            OffsetListing(self.session.backend, annotating.LIST_ANNOTATIONS, query),
            lambda record: Annotation(self.session, record, self.id),
            lambda records: MultiAnnotation(self.session, self.id, records),
            "list_annotations",
        )

    async def delete_all_annotations(self, workers: Any = None) -> None:
        """Delete all annotations of this version with their shapes.

        Annotations that are made while this runs stay. Given ``workers``, it deletes nothing and raises
        BadRequestError: the platform does not tell annotations by worker.
        """
        refuse_workers(workers)
        request = annotating.DeleteAnnotations(
            version_id=self.id, asset_ids=[annotating.ALL_ASSETS]
        )
        await self.session.call(annotating.DELETE_ANNOTATIONS, request)

    # --- as they are ----------------------------------------------------------------------------------

    async def load_annotations(
        self,
        worker: Any = None,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        chunk_size: int = 100,
        max_workers: int | None = None,
        skip_error: bool = False,
    ) -> dict[str, list[dict[str, Any]]]:
        """All annotations with their shapes: asset id to annotations, newest first.

        ``chunk_size`` annotations are asked for in one call, ``max_workers`` calls are under way at a time. With
        ``skip_error`` a call that fails is left out and logged. ``worker`` is accepted and has no effect.
        """
        ignore_worker(worker)
        pages = annotations_of_version(
            self.session.backend,
            self.id,
            status=AnnotationStatus.parse(status) if status else None,
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
    ) -> AsyncIterator[LoadedAnnotation]:
        """Annotations with their shapes, one after another in the order of their assets; one page is held at a time."""
        pages = annotations_of_assets(
            self.session.backend,
            self.id,
            status=AnnotationStatus.parse(status) if status else None,
            asset_ids=None if assets is None else asset_ids(assets),
        )
        async for page in pages:
            for annotation in page:
                yield annotation

    async def retrieve_stats(self) -> VersionStats:
        """Shapes under each label, shapes and annotations in all."""
        request = operations.VersionId(version_id=self.id)
        return await self.session.call(operations.GET_STATS, request)
