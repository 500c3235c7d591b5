"""The annotations of a version, in from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack
from uuid import UUID

from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.run import import_file
from headrace.engine.imports.yolo_files import import_yolo_files
from headrace.formats.findings.collect import OnError
from headrace.formats.options import ReadKeywords
from headrace.model.enums import AnnotationExportKey, AnnotationStatus, ImportAnnotationMode
from headrace.model.records import DatasetVersionRecord
from headrace.sdk.base.arguments import as_export_key, as_path
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id
from headrace.transfer.progress import OnProgress


class VersionImports(Resource[DatasetVersionRecord]):
    """How annotations come into a version."""

    __slots__ = ()

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
        export_key: AnnotationExportKey | str | None = None,
        worker: Worker | UUID | str | None = None,
        on_error: OnError = "raise",
        progress: OnProgress | None = None,
        **read_options: Unpack[ReadKeywords],
    ) -> ImportReport:
        """Import an annotation file or folder of any format that headrace reads; the format is found by looking.

        ``mode`` says what happens to an asset that is annotated already: REPLACE, KEEP or CONCATENATE. Images are
        matched to assets by their whole name, then by its last part; by what ``export_key`` says, or by asset id with
        ``use_id``. Of a version's type depends what is taken of each object: its box (OBJECT_DETECTION), its outline
        (SEGMENTATION), its keypoints (KEYPOINT), its class alone (CLASSIFICATION), else all that is there. The annotations
        become those of ``worker``, the caller's where none is given. ``on_error`` is ``raise``, ``skip`` or ``collect``
        (all faults first, then the error). ``read_options`` are those of
        :class:`headrace.formats.ReadOptions`.

        An import that was interrupted goes on where it was when the same is called again. Nothing is written where
        an image is no asset of this version (NotFoundError, unless ``fail_on_asset_not_found`` is off), where an
        image could be several assets (ConflictError), or where a label is unknown and may not be created
        (NotFoundError). A file that is not what its format demands ends in ParseError.
        """
        options = _options(
            mode,
            status,
            force_create_label,
            fail_on_asset_not_found,
            as_export_key(use_id, export_key),
            worker_id=worker_id(self.session, worker),
            on_error=on_error,
            read=read_options,
        )
        return await import_file(
            self.session.backend, self.record, as_path(path), format, options, progress=progress
        )

    async def import_annotations_coco_file(
        self,
        file_path: str | Path,
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        status: AnnotationStatus | str | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
    ) -> dict[str, int]:
        """Import a COCO file; see :meth:`import_annotations` for what is checked and raised.

        The annotations become those of ``worker``, the caller's where none is given.

        Returns the number of shapes that were written under each annotation id.
        """
        key = as_export_key(use_id, export_key)
        whose = worker_id(self.session, worker)
        options = _options(
            mode, status, force_create_label, fail_on_asset_not_found, key, worker_id=whose
        )
        return await self._counted(file_path, "coco", options)

    async def import_annotations_coco_video_file(
        self,
        file_path: str | Path,
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        status: AnnotationStatus | str | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
    ) -> dict[str, int]:
        """Import a video COCO file: its videos are matched to assets; see :meth:`import_annotations_coco_file`."""
        key = as_export_key(use_id, export_key)
        whose = worker_id(self.session, worker)
        options = _options(
            mode, status, force_create_label, fail_on_asset_not_found, key, worker_id=whose
        )
        return await self._counted(file_path, "coco-video", options)

    async def import_annotation_voc_file(
        self,
        file_path: str | Path,
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        status: AnnotationStatus | str | None = None,
    ) -> dict[str, int]:
        """Import one Pascal VOC file, of one image; see :meth:`import_annotations_coco_file`."""
        key, whose = AnnotationExportKey.FILENAME, worker_id(self.session, worker)
        options = _options(mode, status, force_create_label, True, key, worker_id=whose)
        return await self._counted(file_path, "voc", options)

    async def import_annotations_yolo_files(
        self,
        configuration_yaml_path: str | Path,
        file_paths: Sequence[str | Path],
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        status: AnnotationStatus | str | None = None,
    ) -> dict[str, int]:
        """Import YOLO label files, with the classes of a description (``data.yaml``).

        ``a.txt`` is of the asset called ``a`` with any extension; its size is the asset's, so no image is needed
        here. For a version of type CLASSIFICATION the first number of a row is a class and the rest is left aside.
        See :meth:`import_annotations_coco_file`; two label files of one name are refused (BadRequestError).
        """
        counts: dict[str, int] = {}
        await import_yolo_files(
            self.session.backend,
            self.record,
            as_path(configuration_yaml_path),
            [as_path(path) for path in file_paths],
            _options(
                mode,
                status,
                force_create_label,
                fail_on_asset_not_found,
                AnnotationExportKey.FILENAME,
                worker_id=worker_id(self.session, worker),
            ),
            counts=counts,
        )
        return counts

    async def _counted(
        self, path: str | Path, format: str, options: ImportOptions
    ) -> dict[str, int]:
        counts: dict[str, int] = {}
        await import_file(
            self.session.backend, self.record, as_path(path), format, options, counts=counts
        )
        return counts


def _options(
    mode: ImportAnnotationMode | str,
    status: AnnotationStatus | str | None,
    force_create_label: bool,
    fail_on_asset_not_found: bool,
    key: AnnotationExportKey,
    **more: Any,
) -> ImportOptions:
    return ImportOptions(
        mode=ImportAnnotationMode.parse(mode),
        status=AnnotationStatus.parse(status) if status else None,
        force_create_label=force_create_label,
        fail_on_asset_not_found=fail_on_asset_not_found,
        key=key,
        **more,
    )
