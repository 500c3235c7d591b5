"""Encode stored annotations as records of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat
from operator import mul
from typing import Any

import msgspec

from headrace.errors import StorageError
from headrace.model import rle
from headrace.model.columns import PLURALS, ShapeGroup, ShapeKind, Shapes, TrackGeometry
from headrace.model.enums import AnnotationStatus
from headrace.protocol.operations.annotations import (
    ClassificationOut,
    EndKeyframe,
    KeypointsOut,
    LineOut,
    LoadedAnnotation,
    MaskOut,
    PointOut,
    PolygonKeyframe,
    PolygonOut,
    RectangleKeyframe,
    RectangleOut,
    TrackOut,
)

_STATUSES = {str(member): member for member in AnnotationStatus}


class StoredAnnotation(msgspec.Struct):
    """An annotation with unpacked shapes. ``height`` is that of its image, needed for masks only."""

    id: str
    asset_id: str
    asset: int
    status: str
    duration: float
    attributes: str | None
    shapes: Shapes
    height: int = 0
    worker_id: str | None = None

    @property
    def has_masks(self) -> bool:
        """Whether the annotation has masks, so that the height is needed."""
        return any(group.kind is ShapeKind.MASK for group in self.shapes.groups)


def encode_annotations(
    annotations: list[StoredAnnotation], names: Mapping[int, str]
) -> list[LoadedAnnotation]:
    """Encode annotations as records; ``names`` are the names of labels by key."""
    try:
        return [_encode(annotation, names) for annotation in annotations]
    except KeyError as error:
        raise StorageError(f"a shape has the unknown label {error.args[0]}") from None


def _encode(stored: StoredAnnotation, names: Mapping[int, str]) -> LoadedAnnotation:
    annotation = LoadedAnnotation(
        asset_id=stored.asset_id,
        id=stored.id,
        worker_id=stored.worker_id,
        status=_STATUSES[stored.status],
        duration=stored.duration,
        attributes=None if stored.attributes is None else msgspec.json.decode(stored.attributes),
    )
    for group in stored.shapes.groups:
        labels = [names[key] for key in group.labels]
        texts = group.texts or repeat(None, len(labels))
        attributes = group.attributes or repeat(None, len(labels))
        heads = zip(labels, texts, attributes, strict=True)
        shapes = _ENCODERS[group.kind](heads, group, stored.height)
        for name, column in (
            ("score", group.scores),
            ("bbox", _boxes(group)),
            ("segmentation", group.segmentations),
        ):
            if column is not None:
                _set_present(shapes, name, column)
        setattr(annotation, PLURALS[group.kind], shapes)
    return annotation


def _boxes(group: ShapeGroup) -> list[Any] | None:
    if group.boxes is None or group.kind is not ShapeKind.MASK:
        return group.boxes
    return [box and list(box) for box in group.boxes]


def _set_present(shapes: list[Any], name: str, column: list[Any]) -> None:
    """Set a field that few shapes have; it is absent from the answer elsewhere."""
    for shape, value in zip(shapes, column, strict=True):
        if value is not None:
            setattr(shape, name, value)


def _rectangles(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    numbers = iter(group.geometry)
    boxes = zip(numbers, numbers, numbers, numbers, strict=True)
    return [
        RectangleOut(label=label, text=text, attributes=attributes, x=x, y=y, w=w, h=h)
        for (label, text, attributes), (x, y, w, h) in zip(heads, boxes, strict=True)
    ]


def _polygons(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    instances = group.instances or repeat(None, len(group.labels))
    areas = group.areas or map(_area, group.geometry)
    return [
        PolygonOut(
            label=label,
            text=text,
            attributes=attributes,
            polygon=ring,
            area=area,
            instance=instance,
        )
        for (label, text, attributes), ring, instance, area in zip(
            heads, group.geometry, instances, areas, strict=True
        )
    ]


def _lines(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    return [
        LineOut(label=label, text=text, attributes=attributes, line=line)
        for (label, text, attributes), line in zip(heads, group.geometry, strict=True)
    ]


def _points(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    numbers = iter(group.geometry)
    return [
        PointOut(label=label, text=text, attributes=attributes, point=point)
        for (label, text, attributes), point in zip(
            heads, zip(numbers, numbers, strict=True), strict=True
        )
    ]


def _classifications(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    return [
        ClassificationOut(label=label, text=text, attributes=attributes)
        for label, text, attributes in heads
    ]


def _keypoints(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    return [
        KeypointsOut(label=label, text=text, attributes=attributes, keypoints=points)
        for (label, text, attributes), points in zip(heads, group.geometry, strict=True)
    ]


def _masks(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    masks = []
    for (label, text, attributes), mask in zip(heads, group.geometry, strict=True):
        counts = rle.decode(mask)
        masks.append(
            MaskOut(
                label=label,
                text=text,
                attributes=attributes,
                mask=mask,
                area=float(rle.area(counts)),
                bbox=list(rle.bounds(counts, height)),
            )
        )
    return masks


def _tracks(heads: Any, group: ShapeGroup, height: int) -> list[Any]:
    tracks: list[TrackGeometry] = group.geometry
    return [
        TrackOut(
            label=label,
            text=text,
            attributes=attributes,
            start_frame_index=track.start,
            rectangle_keyframes=[
                RectangleKeyframe(frame_index=frame, x=x, y=y, w=w, h=h)
                for frame, x, y, w, h in track.rectangles
            ],
            polygon_keyframes=[
                PolygonKeyframe(frame_index=frame, polygon=ring) for frame, ring in track.polygons
            ],
            end_keyframes=[EndKeyframe(frame_index=frame) for frame in track.ends],
        )
        for (label, text, attributes), track in zip(heads, tracks, strict=True)
    ]


_ENCODERS: dict[ShapeKind, Callable[[Any, ShapeGroup, int], list[Any]]] = {
    ShapeKind.RECTANGLE: _rectangles,
    ShapeKind.POLYGON: _polygons,
    ShapeKind.LINE: _lines,
    ShapeKind.POINT: _points,
    ShapeKind.CLASSIFICATION: _classifications,
    ShapeKind.KEYPOINTS: _keypoints,
    ShapeKind.MASK: _masks,
    ShapeKind.TRACK: _tracks,
}


def _area(ring: list[tuple[float, float]]) -> float:
    """Shoelace formula over pairs, in few calls, because millions of annotations are read."""
    if len(ring) < 3:
        return 0.0
    xs, ys = zip(*ring, strict=True)
    twice = sum(map(mul, xs, (*ys[1:], ys[0]))) - sum(map(mul, ys, (*xs[1:], xs[0])))
    return abs(float(twice)) / 2
