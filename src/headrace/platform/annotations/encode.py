"""Encode stored annotations as records of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any

import msgspec

from headrace.errors import CorruptionError
from headrace.garbage import collector_paused
from headrace.model import rle
from headrace.model.blob.decoded_chains import LazyChains
from headrace.model.blob.unpack import unpack, unpack_page
from headrace.model.columns import PLURALS, ShapeGroup, ShapeKind, Shapes, TrackGeometry
from headrace.platform.annotations.polygon_view import PolygonView
from headrace.protocol.operations.annotations import (
    ClassificationOut,
    EndKeyframe,
    KeypointsOut,
    LineOut,
    LoadedAnnotation,
    MaskOut,
    PackedAnnotation,
    PackedAnnotations,
    PointOut,
    PolygonKeyframe,
    PolygonOut,
    RectangleKeyframe,
    RectangleOut,
    TrackOut,
)


def encode_annotations(
    packed: PackedAnnotations, *, whole: bool = False, lazy: bool = False
) -> list[LoadedAnnotation]:
    """Encode annotations as records.

    Args:
        packed: The annotations.
        whole: For clients of the platform's own wire, which know whole pixels only; see :func:`.unpack_page`.
        lazy: Make the points of polygons when they are first read (:class:`.PolygonView`); not together with ``whole``.

    Raises:
        CorruptionError: Shapes are damaged.
    """
    with collector_paused(), known_labels(), damage_named(packed.annotations):
        blobs = [each.shapes for each in packed.annotations]
        unpacked = unpack_page(blobs, whole=whole, areas=True, points="lazy" if lazy else "pairs")
        return [
            _encode(annotation, shapes, packed.labels)
            for annotation, shapes in zip(packed.annotations, unpacked, strict=True)
        ]


@contextmanager
def damage_named(annotations: Sequence[PackedAnnotation]) -> Iterator[None]:
    """Name the annotation in the error about its damaged shapes."""
    try:
        yield
    except CorruptionError as error:
        for each in annotations:
            try:
                unpack(each.shapes)
            except CorruptionError as damage:
                raise CorruptionError(f"annotation {each.id}: {damage.message}") from error
        raise


@contextmanager
def known_labels() -> Iterator[None]:
    """Raise CorruptionError where the name of a label is missing."""
    try:
        yield
    except KeyError as error:
        raise CorruptionError(f"a shape has the unknown label {error.args[0]}") from None


def _encode(packed: PackedAnnotation, shapes: Shapes, names: Mapping[int, str]) -> LoadedAnnotation:
    annotation = LoadedAnnotation(
        asset_id=packed.asset_id,
        id=packed.id,
        worker_id=packed.worker_id,
        status=packed.status,
        duration=packed.duration,
        attributes=attributes_of(packed),
    )
    for group in shapes.groups:
        setattr(annotation, PLURALS[group.kind], encode_group(group, names, packed.height))
    return annotation


def attributes_of(packed: PackedAnnotation) -> dict[str, Any] | None:
    """Return the attributes of an annotation; CorruptionError where they are damaged."""
    if packed.attributes is None:
        return None
    try:
        return _attributes.decode(packed.attributes)
    except msgspec.MsgspecError as error:
        raise CorruptionError(f"an annotation's attributes are damaged: {error}") from error


_attributes = msgspec.json.Decoder(dict[str, Any] | None)


def encode_group(group: ShapeGroup, names: Mapping[int, str], height: int) -> list[Any]:
    """Encode the shapes of one kind; ``height`` is that of the image, for masks."""
    labels = [names[key] for key in group.labels]
    texts = group.texts or repeat(None, len(labels))
    attributes = group.attributes or repeat(None, len(labels))
    heads = zip(labels, texts, attributes, strict=True)
    shapes = _ENCODERS[group.kind](heads, group, height)
    for name, column in (
        ("score", group.scores),
        ("bbox", _boxes(group)),
        ("segmentation", group.segmentations),
    ):
        if column is not None:
            _set_present(shapes, name, column)
    return shapes


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
    areas = group.areas or repeat(None, len(group.labels))
    if isinstance(group.geometry, LazyChains):
        rings, indices = group.geometry, range(len(group.labels))
        return [
            PolygonView(label, text, attributes, area, instance, rings, index)
            for (label, text, attributes), instance, area, index in zip(
                heads, instances, areas, indices, strict=True
            )
        ]
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
