"""Assets with the labels of their annotations, as needed for splits."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct, field

from headrace.model.enums import AnnotationStatus
from headrace.model.records import AssetRecord, Page
from headrace.protocol.operation import Operation
from headrace.protocol.operations.listing import PageQuery


class ListExtendedAssets(PageQuery, kw_only=True):
    """``cursor`` continues after the last page, unaffected by additions (headrace only)."""

    version_id: UUID
    cursor: str | None = None


class LabelledShape(Struct, gc=False):
    """A shape without its geometry."""

    label_id: str


class LabelledAnnotation(Struct, kw_only=True, gc=False):
    """An annotation with the labels of its shapes. Platforms need not send the id and the status."""

    id: str | None = None
    status: AnnotationStatus = AnnotationStatus.PENDING
    rectangles: list[LabelledShape] = field(default_factory=list)
    polygons: list[LabelledShape] = field(default_factory=list)
    lines: list[LabelledShape] = field(default_factory=list)
    points: list[LabelledShape] = field(default_factory=list)
    classifications: list[LabelledShape] = field(default_factory=list)
    keypoints: list[LabelledShape] = field(default_factory=list)
    masks: list[LabelledShape] = field(default_factory=list)
    tracks: list[LabelledShape] = field(default_factory=list)


class ExtendedAssetRecord(AssetRecord, frozen=True, kw_only=True):
    """``annotations`` are ordered newest first."""

    annotations: list[LabelledAnnotation]


LIST_EXTENDED_ASSETS = Operation(
    name="list_extended_assets",
    method="GET",
    path="/api/dataset/version/{version_id}/assets/extended",
    request=ListExtendedAssets,
    result=Page[ExtendedAssetRecord],
    doc="List the assets of a version, newest first, with the labels of the shapes in their annotations.",
    errors=(404, 400),
)
