"""Imports of annotation files into a version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Unpack
from uuid import UUID

from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.run import import_file
from headrace.engine.imports.yolo_files import import_yolo_files
from headrace.engine.name_filter import NameFilter
from headrace.formats.findings.collect import OnError
from headrace.formats.info import FormatName
from headrace.formats.options import ReadKeywords
from headrace.model.enums import AnnotationExportKey, AnnotationStatus, ImportAnnotationMode
from headrace.model.records import DatasetVersionRecord
from headrace.sdk.base.arguments import as_export_key, as_path
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id
from headrace.transfer.progress import OnProgress

_PLAIN = {"split_tags": False, "allow_empty": True}
"""What the methods that import one format do: they write annotations only, and an empty answer is one."""


class VersionImports(Resource[DatasetVersionRecord]):
    """The methods of a version that import annotations."""

    __slots__ = ()

    _counts: dict[str, int]

    async def import_annotations(
        self,
        path: str | Path,
        format: FormatName | None = None,
        *,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        status: AnnotationStatus | str | None = None,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
        worker: Worker | UUID | str | None = None,
        on_error: OnError = "raise",
        split_tags: bool = True,
        allow_empty: bool = False,
        dry_run: bool = False,
        undo: bool = True,
        include: str | Iterable[str] | NameFilter = (),
        exclude: str | Iterable[str] = (),
        names: Iterable[str] | None = None,
        progress: OnProgress | None = None,
        report: str | Path | None = None,
        **read_options: Unpack[ReadKeywords],
    ) -> ImportReport:
        """Import an annotation file or folder, in any format that headrace reads.

        The type of the version decides which geometry of each object is imported: its box (OBJECT_DETECTION), outline
        (SEGMENTATION), keypoints (KEYPOINT) or class (CLASSIFICATION); for other types all of them. Images are matched
        to assets by path below the source, by name, by the end of the path, and by name without suffix; an image that
        may mean several assets is an error. An interrupted import is continued by the same call.

        Args:
            path: The file or folder.
            format: The name of the format. Default: detected automatically.
            mode: What to do with an asset that is annotated already: REPLACE, KEEP or CONCATENATE.
            status: The review status of the new annotations.
            force_create_label: Create labels that the version does not have.
            fail_on_asset_not_found: Raise an error if an image matches no asset, instead of leaving it out.
            use_id: Match images to assets by asset id, as ``export_key=ASSET_ID`` does.
            export_key: What the file calls an asset. Default: FILENAME.
            worker: The author of the annotations. Default: the user who makes the call.
            on_error: On a bad record: ``"raise"``, ``"skip"`` it, or ``"collect"`` all of them and then raise.
            split_tags: Attach a tag with the name of its split to each asset (``train``, ``val``, ``test``). An asset
                that carries the tag of another split keeps it and gets no second one.
            allow_empty: Do not raise if no image or no shape of a source that has some can be imported.
            dry_run: Write nothing; the report tells what would be imported, created and replaced.
            undo: Record the annotations that are replaced, so that they can be brought back (``report.removal``).
                False removes without recording.
            include: Choose only images whose names match these globs; see :class:`~headrace.engine.name_filter.NameFilter`.
            exclude: Leave out images whose names match these globs.
            names: Choose only images with these names.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.
            report: File of JSON lines to write, one for each single finding, as ``headrace.convert`` does. It appears
                too where a bad record ends the import.
            **read_options: Options of the format; see ``headrace.formats.ReadOptions``.

        Returns:
            What was imported, and the findings.

        Raises:
            SourceNotFoundError: If there is nothing at ``path``.
            UnknownFormatError: If the format is unknown or cannot be detected.
            ParseError: If the file violates its format.
            NotFoundError: Before anything is written, if an image matches no asset, or a label is missing and
                ``force_create_label`` is off.
            ConflictError: Before anything is written, if an image matches several assets, or several images match one.
            NoDataError: If no image or no shape of a source that has some can be imported, and ``allow_empty`` is off; or
                if the names choose no image.
            RemovalNotRecordedError: With ``undo``, if what would be replaced cannot be recorded.

        Example:
            ```python
            report = await version.import_annotations("instances.json", mode="KEEP", on_error="skip")
            print(report.annotations, report.findings)
            ```
        """
        options = _options(
            mode,
            status,
            force_create_label,
            fail_on_asset_not_found,
            as_export_key(use_id, export_key),
            worker_id=worker_id(self.session, worker),
            on_error=on_error,
            split_tags=split_tags,
            allow_empty=allow_empty,
            undo=undo,
            chosen=NameFilter.of(include, exclude, names),
            read=read_options,
        )
        self._counts.pop("label", None)
        return await import_file(
            self.session.backend,
            self.record,
            as_path(path),
            format,
            options,
            dry_run=dry_run,
            progress=progress or self.session.progress,
            findings_file=None if report is None else as_path(report),
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
        """Import a COCO file. Checks and errors are those of ``import_annotations``.

        Args:
            file_path: The file.
            worker: The author of the annotations. Default: the user who makes the call.
            mode: What to do with an asset that is annotated already: REPLACE, KEEP or CONCATENATE.
            force_create_label: Create labels that the version does not have.
            fail_on_asset_not_found: Raise an error if an image matches no asset, instead of leaving it out.
            status: The review status of the new annotations.
            use_id: Match images to assets by asset id, as ``export_key=ASSET_ID`` does.
            export_key: What the file calls an asset. Default: FILENAME.

        Returns:
            The number of shapes written, by annotation id.
        """
        key = as_export_key(use_id, export_key)
        whose = worker_id(self.session, worker)
        options = _options(
            mode,
            status,
            force_create_label,
            fail_on_asset_not_found,
            key,
            worker_id=whose,
            **_PLAIN,
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
        """Import a COCO video file. Its videos are matched to assets; checks are those of ``import_annotations``.

        Args:
            file_path: The file.
            worker: The author of the annotations. Default: the user who makes the call.
            mode: What to do with an asset that is annotated already: REPLACE, KEEP or CONCATENATE.
            force_create_label: Create labels that the version does not have.
            fail_on_asset_not_found: Raise an error if a video matches no asset, instead of leaving it out.
            status: The review status of the new annotations.
            use_id: Match videos to assets by asset id, as ``export_key=ASSET_ID`` does.
            export_key: What the file calls an asset. Default: FILENAME.

        Returns:
            The number of shapes written, by annotation id.
        """
        key = as_export_key(use_id, export_key)
        whose = worker_id(self.session, worker)
        options = _options(
            mode,
            status,
            force_create_label,
            fail_on_asset_not_found,
            key,
            worker_id=whose,
            **_PLAIN,
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
        """Import the Pascal VOC file of one image. Checks and errors are those of ``import_annotations``.

        Args:
            file_path: The file.
            worker: The author of the annotations. Default: the user who makes the call.
            mode: What to do with an asset that is annotated already: REPLACE, KEEP or CONCATENATE.
            force_create_label: Create labels that the version does not have.
            status: The review status of the new annotations.

        Returns:
            The number of shapes written, by annotation id.
        """
        key, whose = AnnotationExportKey.FILENAME, worker_id(self.session, worker)
        options = _options(mode, status, force_create_label, True, key, worker_id=whose, **_PLAIN)
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
        """Import YOLO label files with the classes of a ``data.yaml``.

        The file ``a.txt`` belongs to the asset named ``a`` with any extension, ``labels/train/a.txt`` to
        ``images/train/a``. The platform knows the size of the asset, so no image is needed. For a version of type
        CLASSIFICATION only the class of each row is used.

        Args:
            configuration_yaml_path: The ``data.yaml``.
            file_paths: The label files.
            worker: The author of the annotations. Default: the user who makes the call.
            mode: What to do with an asset that is annotated already: REPLACE, KEEP or CONCATENATE.
            force_create_label: Create labels that the version does not have.
            fail_on_asset_not_found: Raise an error if a file matches no asset, instead of leaving it out.
            status: The review status of the new annotations.

        Returns:
            The number of shapes written, by annotation id.

        Raises:
            BadRequestError: If two label files are of the same asset.
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
                **_PLAIN,
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
