"""Convert packed images to import items, the shapes of the platform's API, for servers that take no packed shapes.

Scores, boxes and outlines beside other geometry, and instances, are sent to headrace only: the platform's API has no
fields for them, and an import there reports them as lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headrace.engine.imports.packing import PackedImage
from headrace.model.blob.unpack import unpack_page
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes, TrackGeometry
from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations.annotations import ImportItem, Pair

Number = Callable[[float], float]


class ItemBuilder:
    """Builds the import items of images that have an asset.

    ``labels`` are the ids of the labels, by their indices. With ``whole_pixels`` coordinates are rounded, for platforms
    that accept integers only. ``extensions`` says whether the platform takes the fields that only headrace has.
    """

    def __init__(
        self, labels: Sequence[str], *, whole_pixels: bool, extensions: bool = True
    ) -> None:
        self._labels = labels
        self._number: Number = round if whole_pixels else _same
        self._extensions = extensions

    def items(self, images: Sequence[PackedImage]) -> list[ImportItem]:
        """Build the items of some images."""
        unpacked = unpack_page([image.blob for image in images])
        return [self._item(*pair) for pair in zip(images, unpacked, strict=True)]

    def _item(self, image: PackedImage, shapes: Shapes) -> ImportItem:
        item = ImportItem(asset_id=str(image.asset), attributes=image.decoded_attributes())
        for group in shapes.groups:
            self._add(item, group)
        return item

    def _add(self, item: ImportItem, group: ShapeGroup) -> None:
        heads, n, geometry = self._heads(group), self._number, group.geometry
        match group.kind:
            case ShapeKind.RECTANGLE:
                corners = iter(geometry)
                item.rectangles = [
                    wire.RectangleIn(x=n(x), y=n(y), w=n(w), h=n(h), **head)
                    for head, x, y, w, h in zip(
                        heads, corners, corners, corners, corners, strict=True
                    )
                ]
            case ShapeKind.POLYGON:
                item.polygons = self._polygons(group, heads)
            case ShapeKind.LINE:
                item.lines = [
                    wire.LineIn(line=self._pairs(line), **head)
                    for head, line in zip(heads, geometry, strict=True)
                ]
            case ShapeKind.POINT:
                numbers = iter(geometry)
                item.points = [
                    wire.PointIn(point=(n(x), n(y)), **head)
                    for head, x, y in zip(heads, numbers, numbers, strict=True)
                ]
            case ShapeKind.KEYPOINTS:
                item.keypoints = self._keypoints(group, heads)
            case ShapeKind.MASK:
                item.masks = [
                    wire.MaskIn(mask=mask, bbox=box, **head)
                    for head, mask, box in zip(heads, geometry, self._boxes(group), strict=True)
                ]
            case ShapeKind.CLASSIFICATION:
                item.classifications = [wire.ClassificationIn(**head) for head in heads]
            case ShapeKind.TRACK:
                item.tracks = [
                    self._track(track, head) for head, track in zip(heads, geometry, strict=True)
                ]

    def _polygons(self, group: ShapeGroup, heads: list[dict[str, Any]]) -> list[wire.PolygonIn]:
        instances = (self._extensions and group.instances) or [None] * len(heads)
        return [
            wire.PolygonIn(polygon=self._pairs(ring), instance=instance, bbox=box, **head)
            for head, ring, instance, box in zip(
                heads, group.geometry, instances, self._boxes(group), strict=True
            )
        ]

    def _keypoints(self, group: ShapeGroup, heads: list[dict[str, Any]]) -> list[wire.KeypointsIn]:
        outlines = (self._extensions and group.segmentations) or [None] * len(heads)
        return [
            wire.KeypointsIn(keypoints=points, bbox=box, segmentation=outline, **head)
            for head, points, box, outline in zip(
                heads, group.geometry, self._boxes(group), outlines, strict=True
            )
        ]

    def _track(self, track: TrackGeometry, head: dict[str, Any]) -> wire.TrackIn:
        n = self._number
        return wire.TrackIn(
            start_frame_index=track.start,
            rectangle_keyframes=[
                wire.RectangleKeyframe(frame_index=frame, x=n(x), y=n(y), w=n(w), h=n(h))
                for frame, x, y, w, h in track.rectangles
            ],
            polygon_keyframes=[
                wire.PolygonKeyframe(frame_index=frame, polygon=self._pairs(ring))
                for frame, ring in track.polygons
            ],
            end_keyframes=[wire.EndKeyframe(frame_index=frame) for frame in track.ends],
            **head,
        )

    def _heads(self, group: ShapeGroup) -> list[dict[str, Any]]:
        none = [None] * len(group.labels)
        return [
            {
                "label_id": self._labels[label],
                "text": text,
                "attributes": attributes,
                "score": score,
            }
            for label, text, attributes, score in zip(
                group.labels,
                group.texts or none,
                group.attributes or none,
                (self._extensions and group.scores) or none,
                strict=True,
            )
        ]

    def _boxes(self, group: ShapeGroup) -> Sequence[Any]:
        return (self._extensions and group.boxes) or [None] * len(group.labels)

    def _pairs(self, points: list[Pair]) -> list[Pair]:
        if self._number is _same:
            return points
        return [(self._number(x), self._number(y)) for x, y in points]


def _same(value: float) -> float:
    return value
