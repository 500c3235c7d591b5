"""Bulk operations on annotations: import, load, export.

On the wire, points are pairs of numbers. headrace clients send and receive integers or floats; other clients receive
integers (see ``docs/explanation/annotations.md``).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import UNSET, Raw, Struct, UnsetType, field

from headrace.model.enums import (
    AnnotationExportKey,
    AnnotationFileType,
    AnnotationStatus,
    ImportAnnotationMode,
)
from headrace.model.records import ExportRecord
from headrace.protocol.operation import Operation, QuickBody
from headrace.protocol.point_texts import are_points

Attributes = dict[str, Any]
Number = int | float
"""A coordinate: a whole number arrives as an integer, as it was sent."""
Pair = tuple[Number, Number]
Triple = tuple[Number, Number, Number]
Box = tuple[Number, Number, Number, Number]


# --- shapes in requests: labels by id --------------------------------------------------------------------


class ShapeIn(Struct, kw_only=True, omit_defaults=True, gc=False):
    """Fields of every shape. ``score`` (headrace only) is what a model gave it."""

    label_id: str
    text: str | None = None
    attributes: Attributes | None = None
    score: float | None = None


class RectangleIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    x: float
    y: float
    w: float
    h: float


class PolygonIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    """``instance`` joins the polygons of one annotation that are parts of one object, and ``bbox`` is the object's box.

    Both exist on headrace only; the box is sent where it does not follow from the polygons.
    """

    polygon: list[Pair]
    instance: int | None = None
    bbox: Box | None = None


class LineIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    line: list[Pair]


class PointIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    point: Pair


class ClassificationIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    pass


class KeypointsIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    """``bbox`` is the box of the object, ``segmentation`` its outline: rings, or the ``mask`` of a mask."""

    keypoints: list[Triple]
    bbox: Box | None = None
    segmentation: list[list[Pair]] | str | None = None


class MaskIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    """``mask`` is a compressed run-length string (COCO) over the height and width of the asset.

    ``bbox`` (headrace only) is its box, where the box does not follow from it.
    """

    mask: str
    bbox: Box | None = None


class RectangleKeyframe(Struct, gc=False):
    frame_index: int
    x: Number
    y: Number
    w: Number
    h: Number


class PolygonKeyframe(Struct, gc=False):
    frame_index: int
    polygon: list[Pair]


class EndKeyframe(Struct, gc=False):
    frame_index: int


class TrackIn(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    start_frame_index: int
    rectangle_keyframes: list[RectangleKeyframe] = field(default_factory=list)
    polygon_keyframes: list[PolygonKeyframe] = field(default_factory=list)
    end_keyframes: list[EndKeyframe] = field(default_factory=list)


class ImportItem(Struct, kw_only=True, omit_defaults=True, gc=False):
    """All shapes of one asset. ``status`` overrides that of the call, ``duration`` is the working time in seconds.

    Both exist on headrace only. A new annotation gets the duration; one that is extended keeps its own.
    """

    asset_id: str
    rectangles: list[RectangleIn] = field(default_factory=list)
    polygons: list[PolygonIn] = field(default_factory=list)
    lines: list[LineIn] = field(default_factory=list)
    points: list[PointIn] = field(default_factory=list)
    classifications: list[ClassificationIn] = field(default_factory=list)
    keypoints: list[KeypointsIn] = field(default_factory=list)
    masks: list[MaskIn] = field(default_factory=list)
    tracks: list[TrackIn] = field(default_factory=list)
    attributes: Attributes | None = None
    status: AnnotationStatus | None = None
    duration: float | None = None


class PolygonText(ShapeIn, kw_only=True, omit_defaults=True, gc=False):
    """A polygon as a server reads it where its points are plain (:func:`.are_points`): they stay text."""

    polygon: Raw
    instance: int | None = None
    bbox: Box | None = None


class ReadItem(ImportItem, kw_only=True, omit_defaults=True, gc=False):
    """An item as a server reads it where the points of its polygons are plain."""

    polygons: list[PolygonText] = field(default_factory=list)  # type: ignore[assignment]


def _are_plain(body: dict[str, Any]) -> bool:
    items: list[ReadItem] = body.get("annotations", [])
    return are_points([each.polygon for item in items for each in item.polygons])


class ImportAnnotations(Struct, kw_only=True):
    """``import_id`` and ``chunk`` identify one chunk of an import; a chunk that was applied is not applied again.

    ``worker_id`` (headrace only) is the user who owns the annotations, by default the caller. In requests that read
    annotations it selects those of one user. ``undo`` (headrace only) is that of ``DeleteAssets``, for the annotations
    that are replaced. With ``beside`` (headrace only) every item becomes a new annotation, beside all that its asset has,
    whatever the mode.
    """

    version_id: UUID
    import_type: ImportAnnotationMode = ImportAnnotationMode.REPLACE
    annotations: list[ImportItem] = field(default_factory=list)
    status: AnnotationStatus | None = None
    import_id: UUID | UnsetType = UNSET
    chunk: int | UnsetType = UNSET
    worker_id: UUID | None = None
    undo: bool | None = None
    beside: bool | UnsetType = UNSET


class PackedItem(Struct, kw_only=True, omit_defaults=True, gc=False):
    """All shapes of one asset as a blob (``model/blob/layout.py``), whose labels are indices. Else as an ImportItem."""

    asset_id: str
    shapes: bytes
    attributes: Attributes | None = None
    status: AnnotationStatus | None = None
    duration: float | None = None


class ImportPacked(Struct, kw_only=True):
    """``labels`` are the ids of the labels, by their indices in the blobs; the other fields are those of ImportAnnotations."""

    version_id: UUID
    import_type: ImportAnnotationMode = ImportAnnotationMode.REPLACE
    labels: dict[int, str] = field(default_factory=dict)
    annotations: list[PackedItem] = field(default_factory=list)
    status: AnnotationStatus | None = None
    import_id: UUID | UnsetType = UNSET
    chunk: int | UnsetType = UNSET
    worker_id: UUID | None = None
    undo: bool | None = None
    beside: bool | UnsetType = UNSET


class MatchAssets(Struct, kw_only=True):
    """``filenames`` are names of images, spelled as those of assets."""

    version_id: UUID
    filenames: list[str]


class StartImport(Struct, kw_only=True):
    """``source`` is a digest of the file and of every option that affects how it is split into chunks."""

    version_id: UUID
    source: str
    worker_id: UUID | None = None


class ImportRecord(Struct, kw_only=True, frozen=True):
    """``done`` are the chunks that an interrupted import of the same source has already applied.

    ``packed`` tells whether the server takes packed shapes; earlier servers do not send it.
    """

    id: UUID
    done: list[int]
    packed: bool = False


class FinishImport(Struct, kw_only=True):
    import_id: UUID


class ReplacedRecord(Struct, kw_only=True, frozen=True):
    """The annotations and shapes that an import replaced, and the removal that brings them back."""

    annotations: int = 0
    shapes: int = 0
    removal_id: UUID | None = None


# --- shapes in results: labels by name -------------------------------------------------------------------


class ShapeOut(Struct, kw_only=True, gc=False):
    """``score`` is there where the shape has one (headrace only)."""

    label: str
    text: str | None = None
    attributes: Attributes | None = None
    score: float | UnsetType = UNSET


class RectangleOut(ShapeOut, kw_only=True, gc=False):
    x: Number
    y: Number
    w: Number
    h: Number


class PolygonOut(ShapeOut, kw_only=True, gc=False):
    """``area`` in square pixels. ``bbox`` is there where it was imported (headrace only)."""

    polygon: list[Pair]
    area: float | None = None
    instance: int | None = None
    bbox: Box | UnsetType = UNSET


class LineOut(ShapeOut, kw_only=True, gc=False):
    line: list[Pair]


class PointOut(ShapeOut, kw_only=True, gc=False):
    point: Pair


class ClassificationOut(ShapeOut, kw_only=True, gc=False):
    pass


class KeypointsOut(ShapeOut, kw_only=True, gc=False):
    """``bbox`` and ``segmentation`` are there where they were imported."""

    keypoints: list[Triple]
    bbox: Box | UnsetType = UNSET
    segmentation: list[list[Pair]] | str | UnsetType = UNSET


class MaskOut(ShapeOut, kw_only=True, gc=False):
    """``area`` in pixels, ``bbox`` as ``[x, y, w, h]``: in whole pixels, or as it was imported (headrace only)."""

    mask: str
    area: float | None = None
    bbox: list[Number] | None = None


class TrackOut(ShapeOut, kw_only=True, gc=False):
    start_frame_index: int
    rectangle_keyframes: list[RectangleKeyframe] = field(default_factory=list)
    polygon_keyframes: list[PolygonKeyframe] = field(default_factory=list)
    end_keyframes: list[EndKeyframe] = field(default_factory=list)


class LoadedAnnotation(Struct, kw_only=True, gc=False):
    """An annotation with all its shapes."""

    asset_id: str
    id: str | None = None
    worker_id: str | None = None
    status: AnnotationStatus = AnnotationStatus.PENDING
    duration: float = 0.0
    rectangles: list[RectangleOut] = field(default_factory=list)
    polygons: list[PolygonOut] = field(default_factory=list)
    lines: list[LineOut] = field(default_factory=list)
    points: list[PointOut] = field(default_factory=list)
    classifications: list[ClassificationOut] = field(default_factory=list)
    keypoints: list[KeypointsOut] = field(default_factory=list)
    masks: list[MaskOut] = field(default_factory=list)
    tracks: list[TrackOut] = field(default_factory=list)
    attributes: Attributes | None = None


class AnnotationIds(Struct, kw_only=True):
    """Without ``asset_ids`` the whole version is meant."""

    version_id: UUID
    status: AnnotationStatus | None = None
    asset_ids: list[UUID] | None = None
    worker_id: UUID | None = None


class LoadAnnotations(Struct, kw_only=True):
    version_id: UUID
    ids: list[UUID]


class LoadPacked(Struct, kw_only=True):
    """Either annotations by ``ids``, newest first; or those of ``asset_ids``, in the order of these, newest first on each.

    ``status``, ``worker_id`` and ``newest`` choose among those of the assets; ``newest`` is only the newest one of each.
    """

    version_id: UUID
    ids: list[UUID] | None = None
    asset_ids: list[UUID] | None = None
    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    newest: bool = False


class PackedAnnotation(Struct, array_like=True, gc=False):
    """An annotation with its shapes as a blob (``model/blob/layout.py``).

    ``attributes`` are JSON. ``height`` is that of the image (pixels), or 0 where the annotation has no masks.
    """

    id: str
    asset_id: str
    status: AnnotationStatus
    worker_id: str | None
    duration: float
    attributes: str | None
    height: int
    shapes: bytes


class PackedAnnotations(Struct, array_like=True, gc=False):
    """Annotations, and the names of the labels by the keys that the blobs have."""

    labels: dict[int, str]
    annotations: list[PackedAnnotation]


class ExportAnnotations(Struct, kw_only=True):
    """``export_key`` chooses the name of an asset in the file. Without ``asset_ids`` all annotated assets are exported."""

    version_id: UUID
    type: AnnotationFileType
    export_video: bool = False
    export_key: AnnotationExportKey = AnnotationExportKey.FILENAME
    asset_ids: list[UUID] | None = None
    status: AnnotationStatus | None = None
    worker_id: UUID | None = None


_VERSION = "/api/dataset/version/{version_id}"

IMPORT_ANNOTATIONS = Operation(
    name="import_annotations",
    method="POST",
    path=_VERSION + "/bulk-annotations",
    request=ImportAnnotations,
    result=dict[str, int],
    doc="Write the annotations of many assets at once; returns the number of shapes per annotation id.",
    extension_fields=("import_id", "chunk", "worker_id", "undo", "beside"),
    quick=QuickBody((("annotations", list[ReadItem]),), _are_plain),
    errors=(404, 400, 409, 413, 423, 507),
)
START_IMPORT = Operation(
    name="start_import",
    method="POST",
    path=_VERSION + "/imports",
    request=StartImport,
    result=ImportRecord,
    doc="Start an import, or resume one of the same source that was interrupted; returns the chunks already applied.",
    repeatable=True,
    extension=True,
    instead="import the whole source again",
    errors=(404, 423),
)
FINISH_IMPORT = Operation(
    name="finish_import",
    method="POST",
    path="/api/import/{import_id}/finish",
    request=FinishImport,
    result=ReplacedRecord,
    doc="Finish an import: importing the same source again starts a new one. Returns what the import replaced.",
    repeatable=True,
    extension=True,
    instead="import the whole source again",
    errors=(404,),
)
ANNOTATION_IDS = Operation(
    name="annotation_ids",
    method="GET",
    path=_VERSION + "/annotations/ids",
    request=AnnotationIds,
    result=list[UUID],
    doc="List the ids of the annotations of a version, newest first.",
    extension_fields=("worker_id",),
    errors=(404,),
)
EXPORT_ANNOTATIONS = Operation(
    name="export_annotations",
    method="POST",
    path=_VERSION + "/annotations/export",
    request=ExportAnnotations,
    result=ExportRecord,
    doc="Export the newest annotation of every asset into one file: COCO as JSON, YOLO and VOC as a zip.",
    safe=True,
    extension_fields=("worker_id",),
    errors=(404, 400),
)
LOAD_ANNOTATIONS = Operation(
    name="load_annotations",
    method="XGET",
    path=_VERSION + "/annotations",
    request=LoadAnnotations,
    result=list[LoadedAnnotation],
    doc="Load annotations with all their shapes, newest first.",
    bare_body="ids",
    errors=(404, 413),
)
IMPORT_PACKED = Operation(
    name="import_packed",
    method="POST",
    path=_VERSION + "/packed-annotations",
    request=ImportPacked,
    result=dict[str, int],
    doc="Write the annotations of many assets, whose shapes headrace has packed; returns what import_annotations does.",
    extension=True,
    instead="import_annotations",
    errors=(404, 400, 409, 413, 423, 507),
)
MATCH_ASSETS = Operation(
    name="match_assets",
    method="POST",
    path=_VERSION + "/match-assets",
    request=MatchAssets,
    result=list[list[UUID]],
    doc="Return for each of many file names the ids of the assets that have exactly this name.",
    safe=True,
    extension=True,
    instead="list_assets_by_key",
    errors=(404, 413),
)
LOAD_PACKED = Operation(
    name="load_packed",
    method="XGET",
    path=_VERSION + "/packed-annotations",
    request=LoadPacked,
    result=PackedAnnotations,
    doc="Load annotations with their shapes packed: the answer is MessagePack. For headrace's own client.",
    packed=True,
    extension=True,
    instead="load_annotations",
    errors=(404, 413),
)
