"""The annotations of a version, out to files: written here, or by the platform."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack
from uuid import UUID

from anyio import to_thread

from headrace.engine.exports.run import ExportReport, export
from headrace.formats.options import WriteKeywords
from headrace.model.enums import (
    AnnotationExportKey,
    AnnotationFileType,
    AnnotationStatus,
    DataType,
    DataUploadStatus,
)
from headrace.model.names import safe_join, safe_parts
from headrace.model.records import DataRecord, DatasetVersionRecord
from headrace.protocol.operations.annotations import EXPORT_ANNOTATIONS, ExportAnnotations
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.arguments import as_export_key, as_path
from headrace.sdk.base.file import download_all
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id
from headrace.sdk.version.assets import asset_ids
from headrace.transfer.progress import OnProgress


class VersionExports(Resource[DatasetVersionRecord]):
    """How annotations go out of a version."""

    __slots__ = ()

    async def export(
        self,
        target: str | Path,
        format: str = "coco",
        *,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
        strict: bool = False,
        progress: OnProgress | None = None,
        **write_options: Unpack[WriteKeywords],
    ) -> ExportReport:
        """Write the annotations as a file or folder of any format that headrace writes.

        The target appears complete or not at all. Assets without annotation are in it too. Only the newest
        annotation of an asset is written, among those of ``status`` where that is given. ``export_key`` says what the
        file calls an asset: FILENAME unless given, ASSET_ID with ``use_id``. What the format cannot say
        is counted in the report's findings, and raises LossyWriteError where ``strict``. ``write_options`` are those
        of :class:`headrace.formats.WriteOptions`. In a folder, a file whose name is unsafe on some system is called as
        a download calls it, and ``.headrace/names.jsonl`` tells.

        Raises FormatError where the target exists, unless ``overwrite``.
        """
        return await export(
            self.session.backend,
            self.record,
            as_path(target),
            format,
            status=AnnotationStatus.parse(status) if status else None,
            asset_ids=None if assets is None else asset_ids(assets),
            key=as_export_key(use_id, export_key),
            strict=strict,
            write={**write_options},
            progress=progress,
        )

    async def export_annotation_file(
        self,
        annotation_file_type: AnnotationFileType | str,
        target_path: str | Path = "./",
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        force_replace: bool = True,
        export_video: bool = False,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
    ) -> str:
        """Have the platform write an annotation file, and download it into a folder: COCO, YOLO or PASCAL_VOC.

        The newest annotation of each asset is in it, among those of ``status`` where that is given. ``export_key``
        says what the file calls an asset: FILENAME unless given, ASSET_ID with ``use_id``. COCO comes as JSON, the
        others as a zip, with a ``names.jsonl`` where names were not safe. With ``export_video`` the COCO file holds the tracks of videos, and nothing else. Without
        ``force_replace`` a file that is there stays. With ``worker`` the newest annotation is that of one user.

        Returns the path of the file, ``<target_path>/<object name>``.
        """
        request = ExportAnnotations(
            version_id=self.id,
            type=AnnotationFileType.parse(annotation_file_type),
            export_video=export_video,
            export_key=as_export_key(use_id, export_key),
            asset_ids=None if assets is None else asset_ids(assets),
            status=AnnotationStatus.parse(status) if status else None,
            worker_id=worker_id(self.session, worker),
        )
        answer = await self.session.call(EXPORT_ANNOTATIONS, request)
        folder = as_path(target_path)
        # A name that could lead out of the folder is refused here.
        target = safe_join(folder, answer.object_name)
        if force_replace or not await to_thread.run_sync(target.exists):
            file = DataRecord(
                id=self.id,
                object_name=answer.object_name,
                filename="/".join(safe_parts(answer.object_name)),
                type=DataType.IMAGE,
                content_type="application/octet-stream",
                upload_status=DataUploadStatus.DONE,
                presigned_url=answer.presigned_url,
            )
            await download_all(self.session, [(self.id, file)], folder, force_replace=True)
        return str(target)
