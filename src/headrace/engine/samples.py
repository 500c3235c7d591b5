"""Samples <-> the shapes of the wire.

A polygon of several rings travels as several polygons that share an ``instance``. The mark of a crowd travels as the
attribute ``iscrowd``, because the wire has no place of its own for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from headrace.model.records import Meta
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
    PolygonKeyframe,
    Rectangle,
    RectangleKeyframe,
    Shape,
    Track,
)
from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations.annotations import ImportItem, LoadedAnnotation, Pair, Triple

Number = Callable[[float], float]
LabelId = Callable[[str], str]

CROWD = "iscrowd"


class ItemMaker:
    """Makes the import items of samples; the asset's id is entered later.

    ``label_id`` gives the id of a label's name. With ``whole_pixels`` coordinates are rounded, for platforms that
    take integers only.
    """

    def __init__(self, label_id: LabelId, *, whole_pixels: bool) -> None:
        self._label_id = label_id
        self._number: Number = round if whole_pixels else _same

    def item(self, sample: Sample) -> ImportItem:
        """The item of a sample."""
        item = ImportItem(asset_id="", attributes=sample.attributes)
        instance = 0
        for shape in sample.shapes:
            if isinstance(shape, Polygon):
                several = len(shape.rings) > 1
                instance += several
                self._polygons(item, shape, instance if several else None)
            else:
                self._add(item, shape)
        return item

    def _polygons(self, item: ImportItem, shape: Polygon, instance: int | None) -> None:
        head = self._head(shape)
        for ring in shape.rings:
            item.polygons.append(
                wire.PolygonIn(polygon=self._pairs(ring), instance=instance, **head)
            )

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
                item.keypoints.append(wire.KeypointsIn(keypoints=triples(shape.points), **head))
            case Mask():
                item.masks.append(wire.MaskIn(mask=shape.counts, **head))
            case Classification():
                item.classifications.append(wire.ClassificationIn(**head))
            case Track():
                item.tracks.append(self._track(shape, head))

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
        attributes = (
            {**(shape.attributes or {}), CROWD: True} if shape.iscrowd else shape.attributes
        )
        return {
            "label_id": self._label_id(shape.label),
            "text": shape.text,
            "attributes": attributes,
        }

    def _pairs(self, flat: Sequence[float]) -> list[Pair]:
        if self._number is not _same:
            flat = [self._number(value) for value in flat]
        return list(zip(flat[0::2], flat[1::2], strict=True))


def sample_of(filename: str, meta: Meta | None, annotation: LoadedAnnotation | None) -> Sample:
    """The sample of an asset and its annotation; one without an annotation is a sample that nobody annotated."""
    width, height = (meta.width, meta.height) if meta else (None, None)
    annotated = annotation is not None
    sample = Sample(filename=filename, width=width, height=height, annotated=annotated)
    if annotation is None:
        return sample
    sample.attributes = annotation.attributes
    shapes = sample.shapes
    shapes += [Rectangle(x=s.x, y=s.y, w=s.w, h=s.h, **_tail(s)) for s in annotation.rectangles]
    shapes += _polygons_of(annotation.polygons)
    shapes += [Line(points=flat(s.line), **_tail(s)) for s in annotation.lines]
    shapes += [Point(x=s.point[0], y=s.point[1], **_tail(s)) for s in annotation.points]
    shapes += [Keypoints(points=flat(s.keypoints), **_tail(s)) for s in annotation.keypoints]
    shapes += [Classification(**_tail(s)) for s in annotation.classifications]
    shapes += [
        Mask(counts=s.mask, width=width or 0, height=height or 0, area=s.area, **_tail(s))
        for s in annotation.masks
    ]
    shapes += [_track_of(s) for s in annotation.tracks]
    return sample


def _polygons_of(polygons: Iterable[wire.PolygonOut]) -> list[AnyShape]:
    found: list[AnyShape] = []
    parts: dict[int, Polygon] = {}
    for each in polygons:
        ring = flat(each.polygon)
        whole = None if each.instance is None else parts.get(each.instance)
        if whole is not None:
            whole.rings.append(ring)
            continue
        polygon = Polygon(rings=[ring], **_tail(each))
        found.append(polygon)
        if each.instance is not None:
            parts[each.instance] = polygon
    return found


def _track_of(track: wire.TrackOut) -> Track:
    return Track(
        start_frame=track.start_frame_index,
        rectangles=[
            RectangleKeyframe(frame_index=k.frame_index, x=k.x, y=k.y, w=k.w, h=k.h)
            for k in track.rectangle_keyframes
        ],
        polygons=[
            PolygonKeyframe(frame_index=k.frame_index, ring=flat(k.polygon))
            for k in track.polygon_keyframes
        ],
        ends=[k.frame_index for k in track.end_keyframes],
        **_tail(track),
    )


def _tail(shape: wire.ShapeOut) -> dict[str, Any]:
    attributes: Attributes | None = shape.attributes
    crowd = bool(attributes) and attributes is not None and attributes.get(CROWD) is True
    if crowd and attributes is not None:
        attributes = {key: value for key, value in attributes.items() if key != CROWD} or None
    return {"label": shape.label, "text": shape.text, "attributes": attributes, "iscrowd": crowd}


def flat(points: Iterable[Iterable[float]]) -> list[float]:
    """``[(x, y), …]`` -> ``[x, y, …]``."""
    return [value for point in points for value in point]


def triples(points: Sequence[float]) -> list[Triple]:
    """``[x, y, v, …]`` -> ``[(x, y, v), …]``."""
    return list(zip(points[0::3], points[1::3], points[2::3], strict=True))


def _same(value: float) -> float:
    return value
