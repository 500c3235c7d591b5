"""Annotation files as the platform builds them, built in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from headrace.engine.exports.build import BuildOptions, build_coco, build_voc, build_yolo
from headrace.formats.coco.document import CocoFile
from headrace.garbage import collect_kept
from headrace.model.enums import AnnotationExportKey, AnnotationStatus
from headrace.model.records import DatasetVersionRecord
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.arguments import as_export_key, as_path, check_chunk_size
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id
from headrace.sdk.version.assets import asset_ids


class VersionBuilding(Resource[DatasetVersionRecord]):
    """The methods of a version that build annotation files locally."""

    __slots__ = ()

    async def build_coco_file_locally(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        enforced_ordered_categories: Sequence[str] | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
        chunk_size: int | None = None,
    ) -> CocoFile:
        """Build a COCO file in memory, from the newest annotation of each annotated asset.

        Images are in the order of the version, or of ``assets``. Image and category ids count from 0 and annotation
        ids from 1; they are the same in every run. Lines, points and tracks, which COCO cannot represent, are
        reported in ``findings`` and logged.

        Args:
            worker: Use only the annotations of this user.
            status: Use only annotations with this review status.
            enforced_ordered_categories: The first categories; the other labels follow in order of creation.
            assets: Only these assets. Default: all.
            use_id: Call assets by their ids, as ``export_key=ASSET_ID`` does.
            export_key: What the file calls an asset. Default: FILENAME.
            chunk_size: Has no effect.

        Returns:
            The COCO file.

        Raises:
            NotFoundError: If a category is not a label of the version.
        """
        check_chunk_size(chunk_size)
        chosen = _chosen(status, assets, as_export_key(use_id, export_key))
        chosen.categories = enforced_ordered_categories
        chosen.worker_id = worker_id(self.session, worker)
        collect_kept()
        return await build_coco(self.session.backend, self.record, chosen)

    async def build_pascal_voc_locally(
        self,
        target_path: str | Path,
        status: AnnotationStatus | str | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        export_key: AnnotationExportKey | str | None = None,
        chunk_size: int | None = None,
    ) -> str:
        """Write a Pascal VOC file ``<stem>.xml`` for each annotated asset into a folder.

        If two assets have the same stem, the file of the second is named ``<stem>-2.xml``.

        Args:
            target_path: The folder; created if missing.
            status: Use only annotations with this review status.
            assets: Only these assets. Default: all.
            export_key: What the files call an asset. Default: FILENAME.
            chunk_size: Has no effect.

        Returns:
            The path of the folder.

        Raises:
            FormatError: If a file is in the way that headrace did not write, or that was changed since.
            LakeError: If the folder is a lake or lies in one.
        """
        check_chunk_size(chunk_size)
        chosen = _chosen(status, assets, as_export_key(None, export_key))
        report = await build_voc(self.session.backend, self.record, as_path(target_path), chosen)
        return report.target

    async def build_yolo_files_locally(
        self,
        target_path: str | Path,
        status: AnnotationStatus | str | None = None,
        enforced_ordered_categories: Sequence[str] | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        export_key: AnnotationExportKey | str | None = None,
        chunk_size: int | None = None,
    ) -> str:
        """Write ``data.yaml``, and a YOLO label file ``<stem>.txt`` for each annotated asset, into a folder.

        Rows are polygons if the type of the version is SEGMENTATION or MASK, keypoints if it is KEYPOINT, else
        boxes. If two assets have the same stem, the file of the second is named ``<stem>-2.txt`` and listed in
        ``renamed.jsonl``. The images belong beside the label files; ``image-sizes.jsonl`` has their sizes, so the folder
        can be imported and converted without them.

        Args:
            target_path: The folder; created if missing.
            status: Use only annotations with this review status.
            enforced_ordered_categories: The first classes; the other labels follow in order of creation.
            assets: Only these assets. Default: all.
            export_key: What the files call an asset. Default: FILENAME.
            chunk_size: Has no effect.

        Returns:
            The path of the folder.

        Raises:
            BadRequestError: If the type of the version is CLASSIFICATION.
            NotFoundError: If a category is not a label of the version.
            FormatError: If a file is in the way that headrace did not write, or that was changed since.
            LakeError: If the folder is a lake or lies in one.
        """
        check_chunk_size(chunk_size)
        chosen = _chosen(status, assets, as_export_key(None, export_key))
        chosen.categories = enforced_ordered_categories
        report = await build_yolo(self.session.backend, self.record, as_path(target_path), chosen)
        return report.target


def _chosen(
    status: AnnotationStatus | str | None,
    assets: Asset | Sequence[Asset] | MultiAsset | None,
    key: AnnotationExportKey,
) -> BuildOptions:
    return BuildOptions(
        status=AnnotationStatus.parse(status) if status else None,
        asset_ids=None if assets is None else asset_ids(assets),
        key=key,
    )
