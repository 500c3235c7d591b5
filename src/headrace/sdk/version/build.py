"""The annotations of a version as the files that the platform would make, made here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from headrace.engine.exports.build import BuildOptions, build_coco, build_voc, build_yolo
from headrace.formats.coco.document import CocoFile
from headrace.model.enums import AnnotationExportKey, AnnotationStatus
from headrace.model.records import DatasetVersionRecord
from headrace.sdk.asset import Asset, MultiAsset
from headrace.sdk.base.arguments import as_export_key, as_path, check_chunk_size
from headrace.sdk.base.resource import Resource
from headrace.sdk.user import Worker, worker_id
from headrace.sdk.version.assets import asset_ids


class VersionBuilding(Resource[DatasetVersionRecord]):
    """How annotation files are made of a version in this process."""

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
        """A COCO file in memory, of the newest annotation of each asset that has one, among those of ``status``.

        Images stand as the version lists them, or as ``assets`` are given; images and categories are counted from 0
        and annotations from 1, the same in every run. ``enforced_ordered_categories`` are the first categories; the
        other labels follow in order of creation. ``export_key`` says what the file calls an asset: FILENAME unless
        given, ASSET_ID with ``use_id``. What COCO has no words for (lines, points, tracks) is told in ``findings``,
        and logged. With ``worker`` the newest annotation is that of one user. ``chunk_size`` is accepted and has no
        effect.

        Raises NotFoundError for a category that is no label of the version.
        """
        check_chunk_size(chunk_size)
        chosen = _chosen(status, assets, as_export_key(use_id, export_key))
        chosen.categories = enforced_ordered_categories
        chosen.worker_id = worker_id(self.session, worker)
        return await build_coco(self.session.backend, self.record, chosen)

    async def build_pascal_voc_locally(
        self,
        target_path: str | Path,
        status: AnnotationStatus | str | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        export_key: AnnotationExportKey | str | None = None,
        chunk_size: int | None = None,
    ) -> str:
        """Write ``<stem>.xml`` into a folder for every asset that has an annotation; the folder's path.

        Of equal stems the later one gets ``-2``. See :meth:`build_coco_file_locally`.
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
        """Write ``data.yaml`` and ``<stem>.txt`` into a folder for every asset that has an annotation; its path.

        Rows are polygons where the version's type is SEGMENTATION or MASK, keypoints where it is KEYPOINT, else
        boxes. Of equal stems the later one gets ``-2``, and ``renamed.jsonl`` tells. BadRequestError where the type is
        CLASSIFICATION. See :meth:`build_coco_file_locally`.
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
