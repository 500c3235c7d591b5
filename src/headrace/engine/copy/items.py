"""Make the shapes of requests out of those of answers: labels by id in place of labels by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations.annotations import ImportItem, LoadedAnnotation, ShapeOut

Labels = Mapping[str, str]


def import_item(annotation: LoadedAnnotation, asset_id: str, labels: Labels) -> ImportItem:
    """Return an annotation as an item of an import, with its status and duration.

    Args:
        annotation: The annotation, as the target can hold it.
        asset_id: The asset of the target.
        labels: Ids of the target's labels by name.
    """
    return ImportItem(
        asset_id=asset_id,
        rectangles=rectangles(annotation, labels),
        polygons=polygons(annotation, labels),
        lines=lines(annotation, labels),
        points=points(annotation, labels),
        classifications=classifications(annotation, labels),
        keypoints=[
            wire.KeypointsIn(
                keypoints=s.keypoints,
                bbox=_given(s.bbox),
                segmentation=_given(s.segmentation),
                **_head(s, labels),
            )
            for s in annotation.keypoints
        ],
        masks=masks(annotation, labels),
        tracks=[
            wire.TrackIn(
                start_frame_index=s.start_frame_index,
                rectangle_keyframes=s.rectangle_keyframes,
                polygon_keyframes=s.polygon_keyframes,
                end_keyframes=s.end_keyframes,
                **_head(s, labels),
            )
            for s in annotation.tracks
        ],
        attributes=annotation.attributes,
        status=annotation.status,
        duration=annotation.duration or None,
    )


def rectangles(annotation: LoadedAnnotation, labels: Labels) -> list[wire.RectangleIn]:
    """Return the rectangles of an annotation for a request."""
    return [
        wire.RectangleIn(x=s.x, y=s.y, w=s.w, h=s.h, **_head(s, labels))
        for s in annotation.rectangles
    ]


def polygons(annotation: LoadedAnnotation, labels: Labels) -> list[wire.PolygonIn]:
    """Return the polygons of an annotation for a request."""
    return [
        wire.PolygonIn(
            polygon=s.polygon, instance=s.instance, bbox=_given(s.bbox), **_head(s, labels)
        )
        for s in annotation.polygons
    ]


def lines(annotation: LoadedAnnotation, labels: Labels) -> list[wire.LineIn]:
    """Return the lines of an annotation for a request."""
    return [wire.LineIn(line=s.line, **_head(s, labels)) for s in annotation.lines]


def points(annotation: LoadedAnnotation, labels: Labels) -> list[wire.PointIn]:
    """Return the points of an annotation for a request."""
    return [wire.PointIn(point=s.point, **_head(s, labels)) for s in annotation.points]


def classifications(annotation: LoadedAnnotation, labels: Labels) -> list[wire.ClassificationIn]:
    """Return the classifications of an annotation for a request."""
    return [wire.ClassificationIn(**_head(s, labels)) for s in annotation.classifications]


def masks(annotation: LoadedAnnotation, labels: Labels) -> list[wire.MaskIn]:
    """Return the masks of an annotation for a request."""
    return [
        wire.MaskIn(mask=s.mask, bbox=_box(s.bbox), **_head(s, labels)) for s in annotation.masks
    ]


def _head(shape: ShapeOut, labels: Labels) -> dict[str, Any]:
    return {
        "label_id": labels[shape.label],
        "text": shape.text,
        "attributes": shape.attributes,
        "score": _given(shape.score),
    }


def _box(box: list[wire.Number] | None) -> wire.Box | None:
    if not box or box[2] <= 0:
        return None
    x, y, w, h = box
    return x, y, w, h


def _given(value: Any) -> Any:
    return None if value is UNSET else value
