"""Exports of the annotations of a version: written by this process, or by the platform."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Unpack
from uuid import UUID

import aiofiles.os

from headrace.engine.download.pull import pull_export
from headrace.engine.exports.pages import Selection
from headrace.engine.exports.run import ExportOptions, ExportReport, export
from headrace.engine.name_filter import NameFilter
from headrace.errors import FormatError
from headrace.folders.lakes import check_no_lake
from headrace.formats.info import FormatName, Media
from headrace.formats.label_map import LabelMapSource, as_label_map
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
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id
from headrace.sdk.version.assets import asset_ids
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress


class VersionExports(Resource[DatasetVersionRecord]):
    """The methods of a version that export annotations."""

    __slots__ = ()

    async def export(
        self,
        target: str | Path,
        format: FormatName = "coco",
        *,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
        media: Media | None = None,
        split_by: str = "tag",
        split_seed: int = 0,
        strict: bool = False,
        dry_run: bool = False,
        allow_empty: bool = False,
        expected_digest: str | None = None,
        include: str | Iterable[str] | NameFilter = (),
        exclude: str | Iterable[str] = (),
        names: Iterable[str] | None = None,
        labels_map: LabelMapSource | None = None,
        progress: OnProgress | None = None,
        **write_options: Unpack[WriteKeywords],
    ) -> ExportReport:
        """Export the newest annotation of each asset to a file or folder, in any format that headrace writes.

        The target appears complete or not at all. Assets without an annotation are included. Anything the format
        cannot represent is counted in the findings of the report. Assets that carry a tag ``train``, ``val``, ``valid``,
        ``validation``, ``test`` or ``minival`` are written to that split. In a folder, files with unsafe names are named as a
        download names them, and listed in ``.headrace/names.jsonl``.

        Args:
            target: The file or folder to write.
            format: The name of the format.
            status: Export only annotations with this review status.
            assets: Export only these assets. Default: all.
            use_id: Call assets by their ids, as ``export_key=ASSET_ID`` does.
            export_key: What the file calls an asset. Default: FILENAME.
            media: How to put the images in place, where the target is a folder: ``none``, ``copy`` (also from a server),
                ``hardlink`` or ``symlink`` to the objects of a lake, which must then never be changed. Default: ``copy``
                for a YOLO classification dataset, which consists of its images, else ``none``.
            split_by: The splits: ``tag`` by the tags of the assets, ``none``, or a ratio such as ``80/20`` (train/val) or
                ``70/20/10`` (train/val/test). With a ratio an asset's file name and the seed decide, so that an image
                stays in its split whatever is added, also in another lake; the sizes are met on average.
            split_seed: Seed of a ratio.
            strict: Raise an error instead of counting what the format cannot represent.
            dry_run: Do everything except place images and write the target; the report tells what would be written.
            allow_empty: Write the target even if the format can represent none of the shapes.
            expected_digest: The digest that the version must have, as ``digest`` returns it; else nothing is written.
            include: Choose only assets whose names match these globs; see :class:`~headrace.engine.name_filter.NameFilter`.
            exclude: Leave out assets whose names match these globs.
            names: Choose only assets with these names.
            labels_map: New names of labels, or labels to leave out: the path of a TOML file, or its content; see
                ``headrace.formats.label_map``. ``class_order`` names labels as the map does.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.
            **write_options: Options of the format, such as ``overwrite``; see ``headrace.formats.WriteOptions``.

        Returns:
            What was written, and the findings.

        Raises:
            UnknownFormatError: If there is no format of that name.
            FormatError: If the target exists and ``overwrite`` is not set, or something is in the way that headrace
                did not write.
            LakeError: If the target is a lake, or lies in one or contains one.
            LossyWriteError: With ``strict``, if the format cannot represent an annotation; without ``allow_empty``, if it
                can represent none.
            ConfigurationError: If an option is not valid, or the images cannot be placed in this target.
            DigestMismatchError: If the version has another digest than ``expected_digest``, or changed meanwhile.
            PartialTransferError: If images could not be copied.
            NoDataError: If the names choose no asset.

        Example:
            ```python
            report = await version.export("bccd-yolo", format="yolo", media="copy")
            ```
        """
        mapped = None if labels_map is None else await in_thread(as_label_map, labels_map)
        return await export(
            self.session.backend,
            self.record,
            as_path(target),
            format,
            selection=Selection(
                status=AnnotationStatus.parse(status) if status else None,
                asset_ids=None if assets is None else asset_ids(assets),
                key=as_export_key(use_id, export_key),
                chosen=NameFilter.of(include, exclude, names),
            ),
            options=ExportOptions(
                media=media,
                split_by=split_by,
                split_seed=split_seed,
                strict=strict,
                dry_run=dry_run,
                allow_empty=allow_empty,
                expected_digest=expected_digest,
                labels_map=mapped,
            ),
            write={**write_options},
            progress=progress or self.session.progress,
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
        """Let the platform export the newest annotation of each asset, and download the file into a folder.

        COCO is a JSON file; the other formats are zip files, with a ``names.jsonl`` if names were not safe.

        Args:
            annotation_file_type: COCO, YOLO or PASCAL_VOC.
            target_path: The folder; created if missing.
            assets: Export only these assets. Default: all.
            worker: Use only the annotations of this user.
            status: Use only annotations with this review status.
            force_replace: Replace an existing file. A folder is never replaced.
            export_video: Export the tracks of videos instead of the shapes of images (COCO only).
            use_id: Call assets by their ids, as ``export_key=ASSET_ID`` does.
            export_key: What the file calls an asset. Default: FILENAME.

        Returns:
            The path of the file, ``<target_path>/<object name>``.

        Raises:
            FormatError: If there is a folder at the path of the file.
            LakeError: If the path is in a lake.
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
        # Raises an error for a name that leads out of the folder.
        target = safe_join(folder, answer.object_name)
        await in_thread(_check_target, target)
        if force_replace or not await aiofiles.os.path.exists(target):
            file = DataRecord(
                id=self.id,
                object_name=answer.object_name,
                filename="/".join(safe_parts(answer.object_name)),
                type=DataType.IMAGE,
                content_type="application/octet-stream",
                upload_status=DataUploadStatus.DONE,
                presigned_url=answer.presigned_url,
            )

            async def renew() -> str:
                return (await self.session.call(EXPORT_ANNOTATIONS, request)).presigned_url

            await pull_export(self.session.backend, file, folder, renew)
        return str(target)


def _check_target(path: Path) -> None:
    check_no_lake(path)
    if path.is_dir():
        raise FormatError(f"{path} is a folder", hint="choose another folder for the file")
