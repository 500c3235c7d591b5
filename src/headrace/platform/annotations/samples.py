"""Convert loaded annotations to samples, for the engine and for the platform's exports.

Polygons with the same ``instance`` are the rings of one polygon. The crowd flag is sent as the attribute ``iscrowd``,
because the wire protocol has no field for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

from msgspec import UNSET, UnsetType

from headrace.formats.geometry.box_table import BoxView
from headrace.model.blob.unpack import ReadForm, unpack_page
from headrace.model.enums import InferenceType
from headrace.model.records import Meta
from headrace.model.sample import Sample
from headrace.model.shapes import (
    AnyShape,
    Attributes,
    Box,
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    PolygonKeyframe,
    Rectangle,
    RectangleKeyframe,
    SegmentationMask,
    Track,
)
from headrace.platform.annotations.encode import (
    attributes_of,
    damage_named,
    encode_annotations,
    known_labels,
)
from headrace.platform.annotations.tables import CROWD, TableColumns, in_table
from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations.annotations import (
    LoadedAnnotation,
    PackedAnnotation,
    PackedAnnotations,
)

YOLO_TASKS = {
    InferenceType.SEGMENTATION: "segment",
    InferenceType.MASK: "segment",
    InferenceType.KEYPOINT: "pose",
}
"""The YOLO task of label files by type of version; ``detect`` for all other types."""


class AssetImage(NamedTuple):
    """An asset to make a sample of: its name in the file, the size of its image, and its annotation if it has one."""

    filename: str
    meta: Meta | None
    annotation: PackedAnnotation | None


def packed_samples(
    images: Sequence[AssetImage], names: Mapping[int, str], *, numbers: bool = False
) -> list[Sample]:
    """Convert assets and their annotations to samples, a page at once.

    Rectangles and polygons become rows of one table (:class:`.BoxTable`), which a writer need not take apart.

    Args:
        images: The assets.
        names: The names of the labels by key.
        numbers: Whether the table has the rings of polygons as lists of floats, not as text.

    Raises:
        CorruptionError: Shapes are damaged.
    """
    packed = [each.annotation for each in images if each.annotation is not None]
    blobs = [each.shapes for each in packed]
    points: ReadForm = "floats" if numbers else "text"
    with damage_named(packed):
        unpacked = unpack_page(blobs, areas=True, bounds=True, points=points)
    columns = TableColumns(names, numbers=numbers)
    # Other annotations go through their records.
    fits = [in_table(shapes) for shapes in unpacked]
    others = [each for each, fit in zip(packed, fits, strict=True) if not fit]
    loaded = iter(encode_annotations(PackedAnnotations(dict(names), others)))
    found = zip(unpacked, fits, strict=True)
    samples: list[Sample] = []
    views: list[tuple[Sample, int, int]] = []
    with known_labels():
        for filename, meta, annotation in images:
            if annotation is None:
                samples.append(to_sample(filename, meta, None))
                continue
            shapes, fit = next(found)
            if not fit:
                samples.append(to_sample(filename, meta, next(loaded)))
                continue
            sample = to_sample(filename, meta, None)
            sample.annotated, sample.attributes = True, attributes_of(annotation)
            start = len(columns.labels)
            columns.add(shapes, sample)
            views.append((sample, start, len(columns.labels)))
            samples.append(sample)
    table = columns.table()
    for sample, start, stop in views:
        if stop > start:
            sample.shapes = cast("list[AnyShape]", BoxView(table, start, stop))
    return samples


def to_sample(filename: str, meta: Meta | None, annotation: LoadedAnnotation | None) -> Sample:
    """Convert an asset and its annotation to a sample; without an annotation the sample counts as not annotated."""
    width, height = (meta.width, meta.height) if meta else (None, None)
    annotated = annotation is not None
    sample = Sample(filename=filename, width=width, height=height, annotated=annotated)
    if annotation is None:
        return sample
    sample.attributes = annotation.attributes
    shapes = sample.shapes
    shapes += [
        Rectangle(x=s.x, y=s.y, w=s.w, h=s.h, **_common_fields(s)) for s in annotation.rectangles
    ]
    shapes += _polygons_of(annotation.polygons)
    shapes += [Line(points=flatten(s.line), **_common_fields(s)) for s in annotation.lines]
    shapes += [Point(x=s.point[0], y=s.point[1], **_common_fields(s)) for s in annotation.points]
    shapes += [_keypoints_of(s, width, height) for s in annotation.keypoints]
    shapes += [Classification(**_common_fields(s)) for s in annotation.classifications]
    shapes += [
        Mask(
            counts=s.mask,
            width=width or 0,
            height=height or 0,
            area=s.area,
            bbox=_box_of(s.bbox) if s.bbox and s.bbox[2] > 0 else None,
            **_common_fields(s),
        )
        for s in annotation.masks
    ]
    shapes += [_track_of(s) for s in annotation.tracks]
    return sample


def _polygons_of(polygons: Iterable[wire.PolygonOut]) -> list[AnyShape]:
    found: list[AnyShape] = []
    parts: dict[int, Polygon] = {}
    for each in polygons:
        ring = flatten(each.polygon)
        polygon = None if each.instance is None else parts.get(each.instance)
        if polygon is not None:
            polygon.rings.append(ring)
            continue
        polygon = Polygon(rings=[ring], bbox=_box_of(each.bbox), **_common_fields(each))
        found.append(polygon)
        if each.instance is not None:
            parts[each.instance] = polygon
    return found


def _keypoints_of(shape: wire.KeypointsOut, width: int | None, height: int | None) -> Keypoints:
    segmentation: list[list[float]] | SegmentationMask | None = None
    if isinstance(shape.segmentation, str):
        segmentation = SegmentationMask(
            counts=shape.segmentation, width=width or 0, height=height or 0
        )
    elif shape.segmentation is not UNSET:
        segmentation = list(map(flatten, shape.segmentation))
    return Keypoints(
        points=flatten(shape.keypoints),
        bbox=_box_of(shape.bbox),
        segmentation=segmentation,
        **_common_fields(shape),
    )


def _box_of(given: Sequence[float] | UnsetType | None) -> Box | None:
    if given is UNSET or not given:
        return None
    x, y, w, h = given
    return x, y, w, h


def _track_of(track: wire.TrackOut) -> Track:
    return Track(
        start_frame=track.start_frame_index,
        rectangles=[
            RectangleKeyframe(frame_index=k.frame_index, x=k.x, y=k.y, w=k.w, h=k.h)
            for k in track.rectangle_keyframes
        ],
        polygons=[
            PolygonKeyframe(frame_index=k.frame_index, ring=flatten(k.polygon))
            for k in track.polygon_keyframes
        ],
        ends=[k.frame_index for k in track.end_keyframes],
        **_common_fields(track),
    )


def _common_fields(shape: wire.ShapeOut) -> dict[str, Any]:
    attributes: Attributes | None = shape.attributes
    crowd = bool(attributes) and attributes is not None and attributes.get(CROWD) is True
    if crowd and attributes is not None:
        attributes = {key: value for key, value in attributes.items() if key != CROWD} or None
    return {
        "label": shape.label,
        "text": shape.text,
        "attributes": attributes,
        "iscrowd": crowd,
        "score": None if shape.score is UNSET else shape.score,
    }


def flatten(points: Iterable[Iterable[float]]) -> list[float]:
    """Flatten ``[(x, y), …]`` to ``[x, y, …]``."""
    return list(chain.from_iterable(points))
