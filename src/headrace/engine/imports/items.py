"""Convert samples to import items, the API's shapes. ``platform/annotations/samples.py`` is the inverse.

A polygon of several rings becomes several polygons that share an ``instance``. The crowd mark becomes the attribute
``iscrowd``, because the API has no field for it. Scores, boxes and outlines beside other geometry, and instances, are
sent to headrace only: the platform's API has no fields for them, and an import there reports them as lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headrace.model.geometry import rings_bounds
from headrace.model.sample import Sample
from headrace.model.shapes import (
    AnyShape,
    Attributes,
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Rectangle,
    SegmentationMask,
    Shape,
    Track,
)
from headrace.platform.annotations.samples import CROWD
from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations.annotations import ImportItem, Pair, Triple

Number = Callable[[float], float]
LabelId = Callable[[str], str]


class ItemBuilder:
    """Builds the import items of samples, without the asset id, which the caller sets.

    ``label_id`` maps a label's name to its id. With ``whole_pixels`` coordinates are rounded, for platforms that
    accept integers only. ``extensions`` says whether the platform takes the fields that only headrace has.
    """

    def __init__(self, label_id: LabelId, *, whole_pixels: bool, extensions: bool = True) -> None:
        self._label_id = label_id
        self._number: Number = round if whole_pixels else _same
        self._extensions = extensions

    def item(self, sample: Sample) -> ImportItem:
        """Build the item of a sample."""
        item = ImportItem(asset_id="", attributes=sample.attributes)
        instance = 0
        for shape in sample.shapes:
            if isinstance(shape, Polygon):
                several = self._extensions and len(shape.rings) > 1
                instance += several
                self._polygons(item, shape, instance if several else None)
            else:
                self._add(item, shape)
        return item

    def _polygons(self, item: ImportItem, shape: Polygon, instance: int | None) -> None:
        label_id, attributes = self._label_id(shape.label), _attributes(shape)
        first = len(item.polygons)
        for ring in shape.rings:
            # Few of the fields, because of the millions of polygons: the others have their defaults.
            made = wire.PolygonIn(
                label_id=label_id,
                text=shape.text,
                attributes=attributes,
                polygon=self._pairs(ring),
            )
            if instance is not None:
                made.instance = instance
            if shape.score is not None and self._extensions:
                made.score = shape.score
            item.polygons.append(made)
        # A box that follows from the rings is not stored.
        box = shape.bbox
        if box is not None and self._extensions and box != rings_bounds(shape.rings):
            item.polygons[first].bbox = box

    def _add(self, item: ImportItem, shape: AnyShape) -> None:
        head, n = self._head(shape), self._number
        match shape:
            case Rectangle():
                item.rectangles.append(
                    wire.RectangleIn(x=n(shape.x), y=n(shape.y), w=n(shape.w), h=n(shape.h), **head)
                )
            case Line():
                item.lines.append(wire.LineIn(line=self._pairs(shape.points), **head))
            case Point():
                item.points.append(wire.PointIn(point=(n(shape.x), n(shape.y)), **head))
            case Keypoints():
                item.keypoints.append(self._keypoints(shape, head))
            case Mask():
                box = shape.bbox if self._extensions else None
                item.masks.append(wire.MaskIn(mask=shape.counts, bbox=box, **head))
            case Classification():
                item.classifications.append(wire.ClassificationIn(**head))
            case Track():
                item.tracks.append(self._track(shape, head))

    def _keypoints(self, shape: Keypoints, head: dict[str, Any]) -> wire.KeypointsIn:
        made = wire.KeypointsIn(keypoints=triples(shape.points), **head)
        if not self._extensions:
            # Visibilities are integers there; coordinates need not be.
            made.keypoints = [(x, y, int(v)) for x, y, v in made.keypoints]
        if self._extensions:
            made.bbox = shape.bbox
            if isinstance(shape.segmentation, SegmentationMask):
                made.segmentation = shape.segmentation.counts
            elif shape.segmentation:
                made.segmentation = list(map(self._pairs, shape.segmentation))
        return made

    def _track(self, shape: Track, head: dict[str, Any]) -> wire.TrackIn:
        n = self._number
        return wire.TrackIn(
            start_frame_index=shape.start_frame,
            rectangle_keyframes=[
                wire.RectangleKeyframe(
                    frame_index=k.frame_index, x=n(k.x), y=n(k.y), w=n(k.w), h=n(k.h)
                )
                for k in shape.rectangles
            ],
            polygon_keyframes=[
                wire.PolygonKeyframe(frame_index=k.frame_index, polygon=self._pairs(k.ring))
                for k in shape.polygons
            ],
            end_keyframes=[wire.EndKeyframe(frame_index=frame) for frame in shape.ends],
            **head,
        )

    def _head(self, shape: Shape) -> dict[str, Any]:
        return {
            "label_id": self._label_id(shape.label),
            "text": shape.text,
            "attributes": _attributes(shape),
            "score": shape.score if self._extensions else None,
        }

    def _pairs(self, flat: Sequence[float]) -> list[Pair]:
        if self._number is not _same:
            flat = [self._number(value) for value in flat]
        return list(zip(flat[0::2], flat[1::2], strict=True))


def _attributes(shape: Shape) -> Attributes | None:
    return {**(shape.attributes or {}), CROWD: True} if shape.iscrowd else shape.attributes


def triples(points: Sequence[float]) -> list[Triple]:
    """``[x, y, v, …]`` -> ``[(x, y, v), …]``."""
    return list(zip(points[0::3], points[1::3], points[2::3], strict=True))


def _same(value: float) -> float:
    return value
