"""What of an annotation a target can hold: the annotation as the target will give it back, and the losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from msgspec import UNSET, Struct
from msgspec.structs import replace

from headrace.backend.base import Limits
from headrace.engine.copy.report import Losses
from headrace.engine.copy.sides import Owners
from headrace.engine.digest.canonical import annotation_value, canonical_json
from headrace.model import rle
from headrace.model.columns import PLURALS
from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations.annotations import LoadedAnnotation, ShapeOut

ROUNDED = "shapes with coordinates between pixels, which are rounded"
RINGS = "polygons of several rings, which become one polygon for each ring"
SCORES = "scores of shapes"
BOXES = "boxes beside other geometry"
OUTLINES = "outlines of objects with keypoints"
OWNERS = "owners of annotations that the target does not know; they become yours"
FURTHER = "further annotations of an asset: their keypoints, tracks and attributes"
POINTS = "attributes of points and lines"
MASK_TEXTS = "texts of masks in further annotations of an asset"
DROPPED = "shapes that the label map drops"

S = TypeVar("S", bound=ShapeOut)
_FIELDS = tuple(PLURALS.values())
_BULK = ("rectangles", "polygons", "classifications", "keypoints", "masks", "tracks")
"""What another platform than headrace takes in the bulk import."""


class Fitted(Struct, frozen=True):
    """An annotation of the source, as the target will hold it.

    Attributes:
        source_id: The id at the source.
        annotation: The annotation, without ids. ``worker_id`` is that of the target.
        key: A digest of all that the target will tell of it.
    """

    source_id: str
    annotation: LoadedAnnotation
    key: bytes


class Fitting:
    """Fits the annotations of assets to a target, and counts what is lost.

    Args:
        limits: The limits of the target.
        owners: The owners at the target.
        labels: New names of labels; None leaves a shape out.
    """

    def __init__(self, limits: Limits, owners: Owners, labels: dict[str, str | None]) -> None:
        self._extensions = limits.extensions
        self._round = limits.whole_pixels
        self._owners = owners
        self._labels = labels

    @property
    def is_lossless(self) -> bool:
        """Whether the target can hold everything but for unknown owners."""
        return self._extensions and not self._labels

    def fit(
        self, annotations: Sequence[LoadedAnnotation], name: str, height: int | None, losses: Losses
    ) -> list[Fitted]:
        """Fit the annotations of one asset.

        Args:
            annotations: The annotations of the asset, the oldest first.
            name: The name of its file, for the losses.
            height: The height of its image in pixels.
            losses: Counts what is lost.
        """
        fitted = []
        for number, annotation in enumerate(annotations):
            made = self._mapped(annotation, name, losses)
            if not self._extensions:
                made = self._plain(made, name, height, losses)
                if number:
                    made = _without_bulk(made, name, losses)
            owner, lost = self._owners.of(annotation.worker_id)
            if lost is not None:
                losses.add(OWNERS, name)
            made = replace(made, id=None, asset_id="", worker_id=owner or None)
            fitted.append(Fitted(annotation.id or "", made, self.key(made, height)))
        return fitted

    def fit_beside(self, fitted: Fitted, name: str, height: int | None, losses: Losses) -> Fitted:
        """Fit an annotation again that is to stand beside others which the target had before."""
        if self._extensions:
            return fitted
        made = _without_bulk(fitted.annotation, name, losses)
        return Fitted(fitted.source_id, made, self.key(made, height))

    def key(self, annotation: LoadedAnnotation, height: int | None) -> bytes:
        """Return a digest of all that the target tells of an annotation."""
        value = [
            annotation_value(annotation, height or 0),
            str(annotation.status),
            float(annotation.duration),
            annotation.worker_id if self._extensions else None,
        ]
        return blake2b(canonical_json(value), digest_size=16).digest()

    def is_part(self, half: LoadedAnnotation, whole: LoadedAnnotation, height: int | None) -> bool:
        """Whether an annotation has some of the shapes of another one, and no others; texts may still be missing."""
        return not _shapes(half, height) - _shapes(whole, height)

    # --- labels -------------------------------------------------------------------------------------------

    def _mapped(self, annotation: LoadedAnnotation, name: str, losses: Losses) -> LoadedAnnotation:
        names = self._labels
        if not names:
            return annotation
        changed: dict[str, Any] = {}
        for field in _FIELDS:
            shapes: list[ShapeOut] = getattr(annotation, field)
            if any(shape.label in names for shape in shapes):
                kept = []
                for shape in shapes:
                    label = names.get(shape.label, shape.label)
                    if label is None:
                        losses.add(DROPPED, name)
                    else:
                        kept.append(replace(shape, label=label))
                changed[field] = kept
        return replace(annotation, **changed) if changed else annotation

    # --- other platforms than headrace --------------------------------------------------------------------

    def _plain(
        self, annotation: LoadedAnnotation, name: str, height: int | None, losses: Losses
    ) -> LoadedAnnotation:
        self._count_rings(annotation.polygons, name, losses)
        changed: dict[str, Any] = {
            "rectangles": [self._rectangle(each) for each in annotation.rectangles],
            "polygons": [
                replace(each, polygon=self._pairs(each.polygon), instance=None, bbox=UNSET)
                for each in annotation.polygons
            ],
            "lines": [replace(each, line=self._pairs(each.line)) for each in annotation.lines],
            "points": [
                replace(each, point=self._pairs([each.point])[0]) for each in annotation.points
            ],
            "classifications": list(annotation.classifications),
            "keypoints": [_keypoints(each) for each in annotation.keypoints],
            "masks": [replace(each, bbox=None) for each in annotation.masks],
            "tracks": [self._track(each) for each in annotation.tracks],
        }
        _count_rounded(annotation, changed, name, losses)
        for field in _FIELDS:
            changed[field] = [_without_score(shape, name, losses) for shape in changed[field]]
        _count_boxes(annotation, name, height or 0, losses)
        for field in ("lines", "points"):
            changed[field] = _without_attributes(changed[field], POINTS, name, losses)
        return replace(annotation, **changed)

    def _rectangle(self, shape: wire.RectangleOut) -> wire.RectangleOut:
        x, y, w, h = map(self._number, (shape.x, shape.y, shape.w, shape.h))
        return replace(shape, x=x, y=y, w=w, h=h)

    def _track(self, track: wire.TrackOut) -> wire.TrackOut:
        n = self._number
        return replace(
            track,
            rectangle_keyframes=[
                wire.RectangleKeyframe(k.frame_index, n(k.x), n(k.y), n(k.w), n(k.h))
                for k in track.rectangle_keyframes
            ],
            polygon_keyframes=[
                wire.PolygonKeyframe(k.frame_index, self._pairs(k.polygon))
                for k in track.polygon_keyframes
            ],
        )

    def _pairs(self, points: Iterable[wire.Pair]) -> list[wire.Pair]:
        return [(self._number(x), self._number(y)) for x, y in points]

    def _number(self, number: float) -> float:
        return round(number) if self._round else number

    def _count_rings(self, polygons: Sequence[wire.PolygonOut], name: str, losses: Losses) -> None:
        counts: dict[int, int] = {}
        for each in polygons:
            if each.instance is not None:
                counts[each.instance] = counts.get(each.instance, 0) + 1
        several = sum(count > 1 for count in counts.values())
        if several:
            losses.add(RINGS, name, several)


def _shapes(annotation: LoadedAnnotation, height: int | None) -> Counter[bytes]:
    value = annotation_value(annotation, height or 0)
    return Counter(
        canonical_json({name: each[name] for name in each if name not in ("text", "attributes")})
        for kind in _FIELDS
        for each in value.get(kind, ())
    )


def _keypoints(shape: wire.KeypointsOut) -> wire.KeypointsOut:
    triples = [(x, y, int(v)) for x, y, v in shape.keypoints]
    return replace(shape, keypoints=triples, bbox=UNSET, segmentation=UNSET)


def _without_score(shape: S, name: str, losses: Losses) -> S:
    if shape.score is UNSET or shape.score is None:
        return shape
    losses.add(SCORES, name)
    return replace(shape, score=UNSET)


def _without_attributes(shapes: list[S], what: str, name: str, losses: Losses) -> list[S]:
    lost = sum(bool(shape.attributes) for shape in shapes)
    if not lost:
        return shapes
    losses.add(what, name, lost)
    return [replace(shape, attributes=None) for shape in shapes]


def _count_rounded(
    annotation: LoadedAnnotation, changed: dict[str, Any], name: str, losses: Losses
) -> None:
    geometry: dict[str, Callable[[Any], Any]] = {
        "rectangles": lambda s: (s.x, s.y, s.w, s.h),
        "polygons": lambda s: s.polygon,
        "lines": lambda s: s.line,
        "points": lambda s: s.point,
        "tracks": lambda s: (
            [(k.x, k.y, k.w, k.h) for k in s.rectangle_keyframes],
            [k.polygon for k in s.polygon_keyframes],
        ),
    }
    rounded = 0
    for field, of in geometry.items():
        pairs = zip(getattr(annotation, field), changed[field], strict=True)
        rounded += sum(of(old) != of(new) for old, new in pairs)
    if rounded:
        losses.add(ROUNDED, name, rounded)


def _count_boxes(annotation: LoadedAnnotation, name: str, height: int, losses: Losses) -> None:
    """Count the boxes and outlines that do not follow from the geometry."""
    given = [shape.bbox for shape in annotation.polygons]
    given += [shape.bbox for shape in annotation.keypoints]
    boxes = sum(box is not UNSET and box is not None for box in given)
    for mask in annotation.masks:
        if mask.bbox and tuple(mask.bbox) != rle.bounds(rle.decode(mask.mask), height):
            boxes += 1
    if boxes:
        losses.add(BOXES, name, boxes)
    outlines = [shape.segmentation for shape in annotation.keypoints]
    count = sum(outline is not UNSET and bool(outline) for outline in outlines)
    if count:
        losses.add(OUTLINES, name, count)


def _without_bulk(annotation: LoadedAnnotation, name: str, losses: Losses) -> LoadedAnnotation:
    """Return an annotation without what only the bulk import takes, which makes no second annotation of an asset."""
    changed: dict[str, Any] = {"keypoints": [], "tracks": [], "attributes": None}
    lost = len(annotation.keypoints) + len(annotation.tracks) + bool(annotation.attributes)
    for field in ("rectangles", "polygons", "classifications", "masks"):
        shapes: list[ShapeOut] = getattr(annotation, field)
        lost += sum(bool(shape.attributes) for shape in shapes)
        changed[field] = [replace(shape, attributes=None) for shape in shapes]
    if lost:
        losses.add(FURTHER, name, lost)
    texts = sum(bool(shape.text) for shape in annotation.masks)
    if texts:
        losses.add(MASK_TEXTS, name, texts)
        changed["masks"] = [replace(shape, text=None) for shape in changed["masks"]]
    return replace(annotation, **changed)


def bulk_kinds(annotation: LoadedAnnotation) -> bool:
    """Whether the bulk import of another platform takes any shape of an annotation."""
    return any(getattr(annotation, field) for field in _BULK)
