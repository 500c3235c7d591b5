"""Shapes, samples and labels as COCO's records, for the writer.

Sources: the COCO data format page, and what ``pycocotools`` and Ultralytics' ``convert_coco`` rely on: every
annotation has ``id``, ``image_id``, ``category_id`` and ``iscrowd``; one with an outline has ``area`` and ``bbox``.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from headrace.formats import rle
from headrace.formats.boxes import box_of
from headrace.formats.coco.schema import AnnotationRecord, ImageRecord
from headrace.model.geometry import ring_area, rings_area, rings_bounds
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import (
    AnyShape,
    Attributes,
    Box,
    Classification,
    Keypoints,
    Mask,
    Polygon,
    Rectangle,
)

Record = dict[str, Any]

_SHAPE_KEYS = frozenset(AnnotationRecord.__struct_encode_fields__)
_IMAGE_KEYS = frozenset(ImageRecord.__struct_encode_fields__) - {"file_name"}
_LABEL_KEYS = frozenset({"id", "name", "supercategory", "keypoints", "skeleton"})


def image(sample: Sample, number: int) -> Record:
    """An entry of ``images``."""
    record: Record = {"id": number, "file_name": sample.filename}
    if sample.width and sample.height:
        record["width"], record["height"] = sample.width, sample.height
    if sample.attributes:
        record["attributes"] = sample.attributes
    if sample.extra:
        record.update(_beside(sample.extra, _IMAGE_KEYS))
    return record


def category(label: LabelInfo, number: int) -> Record:
    """An entry of ``categories``."""
    record: Record = {"id": number, "name": label.name, "supercategory": label.supercategory or ""}
    if label.keypoints:
        record["keypoints"] = label.keypoints
        record["skeleton"] = label.skeleton
    record.update(_beside(label.extra or {}, _LABEL_KEYS))
    return record


def annotation(shape: AnyShape, number: int, image_id: int, category_id: int) -> Record | None:
    """An entry of ``annotations``; None for a kind of shape that COCO has no words for."""
    record: Record = {"id": number, "image_id": image_id, "category_id": category_id}
    if isinstance(shape, Rectangle):
        record["bbox"] = (shape.x, shape.y, shape.w, shape.h)
        record["area"] = shape.w * shape.h if shape.area is None else shape.area
        record["iscrowd"] = int(shape.iscrowd)
        record["segmentation"] = ()
    elif isinstance(shape, Polygon):
        record["bbox"] = shape.bbox or rings_bounds(shape.rings)
        record["area"] = polygon_area(shape.rings) if shape.area is None else shape.area
        record["iscrowd"] = int(shape.iscrowd)
        record["segmentation"] = shape.rings
    elif isinstance(shape, Mask):
        _add_mask(record, shape)
    elif isinstance(shape, Keypoints):
        _add_keypoints(record, shape)
    elif isinstance(shape, Classification):
        record["iscrowd"] = int(shape.iscrowd)
        if shape.area is not None:
            record["area"] = shape.area
    else:
        return None
    if shape.score is not None:
        record["score"] = shape.score
    if shape.attributes:
        record["attributes"] = shape.attributes
    if shape.text is not None:
        record["utf8_string"] = shape.text
    if shape.extra:
        record.update(_beside(shape.extra, _SHAPE_KEYS))
    return record


def is_finite(record: Record) -> bool:
    """Whether all numbers of a record's geometry can stand in JSON."""
    outline = record.get("segmentation")
    rings = outline if isinstance(outline, list) else []
    flat = [
        *record.get("bbox", ()),
        *record.get("keypoints", ()),
        *(x for ring in rings for x in ring),
    ]
    return all(map(isfinite, [*flat, record.get("area", 0.0), record.get("score", 0.0)]))


def polygon_area(rings: list[list[float]]) -> float:
    """The area of rings united; rings whose boxes overlap are merged on the pixel grid, as pycocotools does."""
    if len(rings) == 1:
        return ring_area(rings[0])
    return rings_area(rings)


def _add_mask(record: Record, mask: Mask) -> None:
    counts = rle.decode(mask.counts, mask.height, mask.width)
    record["bbox"] = mask.bbox or rle.bounds(counts, mask.height)
    record["area"] = rle.area(counts) if mask.area is None else mask.area
    record["iscrowd"] = int(mask.iscrowd)
    record["segmentation"] = {"size": (mask.height, mask.width), "counts": mask.counts}


def _add_keypoints(record: Record, shape: Keypoints) -> None:
    outline = (shape.extra or {}).get("segmentation")
    box: Box | None = shape.bbox or box_of(shape)
    if box is not None:
        record["bbox"] = box
    if shape.area is not None or box is not None:
        record["area"] = shape.area if shape.area is not None or box is None else box[2] * box[3]
    record["iscrowd"] = int(shape.iscrowd)
    record["segmentation"] = outline if isinstance(outline, list | dict) else ()
    record["keypoints"] = shape.points
    record["num_keypoints"] = sum(1 for v in shape.points[2::3] if v > 0)


def _beside(extra: Attributes, own: frozenset[str]) -> Record:
    """The keys of an extra that do not shadow the format's own."""
    return {key: value for key, value in extra.items() if key not in own}
