"""Encode samples, labels and shapes as COCO records.

Sources: the COCO data format page, and what ``pycocotools`` and Ultralytics' ``convert_coco`` rely on: every
annotation has ``id``, ``image_id``, ``category_id`` and ``iscrowd``; one with a segmentation has ``area`` and ``bbox``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice
from math import isfinite
from operator import mul
from typing import Any

import orjson

from headrace.formats.coco.schema import ANNOTATION_KEYS, ImageRecord
from headrace.formats.geometry import raster, rle
from headrace.formats.geometry.box_table import BoxTable
from headrace.formats.geometry.boxes import box_of
from headrace.formats.geometry.lazy_polygons import LazyPolygon
from headrace.model.geometry import points_bounds, rings_area, rings_bounds
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
    SegmentationMask,
)

Record = dict[str, Any]

BUFFER = 1024 * 1024
_FIRST = ("info", "licenses")

_IMAGE_KEYS = frozenset(ImageRecord.__struct_encode_fields__) - {"file_name"}
_LABEL_KEYS = frozenset({"id", "name", "supercategory", "keypoints", "skeleton"})


def image(sample: Sample, number: int) -> Record:
    """Encode a sample as an entry of ``images``."""
    name, width, height = sample.filename, sample.width, sample.height
    record: Record
    if width and height:
        record = {"id": number, "file_name": name, "width": width, "height": height}
    else:
        record = {"id": number, "file_name": name}
    if sample.attributes:
        record["attributes"] = sample.attributes
    if sample.extra:
        record.update(_without(sample.extra, _IMAGE_KEYS))
    if not sample.annotated and not sample.shapes:
        # As COCO Annotator has it.
        record["annotated"] = False
    return record


def category(label: LabelInfo, number: int) -> Record:
    """Encode a label as an entry of ``categories``."""
    record: Record = {"id": number, "name": label.name, "supercategory": label.supercategory or ""}
    if label.keypoints:
        record["keypoints"] = label.keypoints
        record["skeleton"] = label.skeleton
    record.update(_without(label.extra or {}, _LABEL_KEYS))
    return record


def annotation(
    shape: AnyShape, sample: Sample, number: int, image_id: int, category_id: int
) -> Record | None:
    """Encode a shape as an entry of ``annotations``; None for a kind of shape that COCO cannot represent."""
    record: Record
    if isinstance(shape, Polygon):
        rings = shape.rings
        record = {
            "id": number,
            "image_id": image_id,
            "category_id": category_id,
            "bbox": shape.bbox or rings_bounds(rings),
            "area": polygon_area(rings, sample) if shape.area is None else shape.area,
            "iscrowd": 1 if shape.iscrowd else 0,
            "segmentation": orjson.Fragment(rings.raw) if isinstance(rings, LazyPolygon) else rings,
        }
    elif isinstance(shape, Rectangle):
        record = {
            "id": number,
            "image_id": image_id,
            "category_id": category_id,
            "bbox": (shape.x, shape.y, shape.w, shape.h),
            "area": shape.w * shape.h if shape.area is None else shape.area,
            "iscrowd": 1 if shape.iscrowd else 0,
            "segmentation": (),
        }
    else:
        record = {"id": number, "image_id": image_id, "category_id": category_id}
        if not _add_other(record, shape, sample):
            return None
    if shape.score is not None:
        record["score"] = shape.score
    if shape.attributes:
        record["attributes"] = shape.attributes
    if shape.text is not None:
        record["utf8_string"] = shape.text
    if shape.extra:
        record.update(_without(shape.extra, ANNOTATION_KEYS))
    return record


def boxes(
    table: BoxTable,
    first: int,
    images: Iterable[tuple[int, int]],
    categories: Sequence[int],
) -> Iterator[list[Record]]:
    """Encode a table of boxes as entries of ``annotations``, image by image; each is equal to :func:`annotation`'s.

    Args:
        table: The boxes.
        first: The number of the first annotation.
        images: The number of each image, and how many boxes of the table it has.
        categories: The category number of each box.

    Yields:
        The records of the next image. They are reused for the one that follows, which is faster than making new ones.
    """
    areas: Iterable[float] = map(mul, table.w, table.h)
    if table.areas is not None:
        areas = [
            own if area is None else area for own, area in zip(areas, table.areas, strict=True)
        ]
    numbers = range(first, first + len(categories))
    rows = zip(numbers, categories, table.x, table.y, table.w, table.h, areas, strict=True)
    blank: Record = dict.fromkeys(("id", "image_id", "category_id", "bbox", "area"))
    blank |= {"iscrowd": 0, "segmentation": ()}
    attributes = table.attributes or ()
    own_attributes, polygon_texts = iter(attributes), iter(table.polygon_texts or ())
    differ = any(attributes)
    if differ and attributes[0] and attributes.count(attributes[0]) == len(attributes):
        # Most tools write the same attributes on every box.
        blank["attributes"], differ = attributes[0], False
    every: list[Record] = []
    for image_id, count in images:
        every += [blank.copy() for _ in range(count - len(every))]
        for record, (number, category, x, y, w, h, area) in zip(
            every, islice(rows, count), strict=False
        ):
            record["id"] = number
            record["image_id"] = image_id
            record["category_id"] = category
            record["bbox"] = (x, y, w, h)
            record["area"] = area
        records = every[:count]
        if differ:
            for record, own in zip(records, own_attributes, strict=False):
                if own:
                    record["attributes"] = own
                else:
                    record.pop("attributes", None)
        if table.polygon_texts is not None:
            for record, text in zip(records, polygon_texts, strict=False):
                record["segmentation"] = () if text is None else orjson.Fragment(text)
        yield records


def all_finite(table: BoxTable) -> bool:
    """Return whether JSON can represent all numbers of the boxes; may be False although it can."""
    areas = sum(map(mul, table.w, table.h)) + sum(filter(None, table.areas or ()))
    return isfinite(sum(table.x) + sum(table.y) + areas)


def knows_areas(table: BoxTable) -> bool:
    """Return whether no area must be computed from the numbers of a polygon."""
    texts, areas = table.polygon_texts, table.areas
    if texts is None or not any(texts):
        return True
    if areas is None:
        return False
    return None not in areas or not any(map(_lacks_area, areas, texts))


def _lacks_area(area: float | None, text: bytes | None) -> bool:
    return area is None and text is not None


def _add_other(record: Record, shape: AnyShape, sample: Sample) -> bool:
    if isinstance(shape, Mask):
        _add_mask(record, shape)
    elif isinstance(shape, Keypoints):
        _add_keypoints(record, shape, sample)
    elif isinstance(shape, Classification):
        record["iscrowd"] = int(shape.iscrowd)
        if shape.area is not None:
            record["area"] = shape.area
    else:
        return False
    return True


def is_finite(record: Record) -> bool:
    """Return whether JSON can represent all numbers of a record's geometry."""
    segmentation = record.get("segmentation")
    rings = segmentation if isinstance(segmentation, list) else []
    flat = [
        *record.get("bbox", ()),
        *record.get("keypoints", ()),
        *(x for ring in rings for x in ring),
    ]
    return all(map(isfinite, [*flat, record.get("area", 0.0), record.get("score", 0.0)]))


def polygon_area(rings: list[list[float]], sample: Sample) -> float:
    """Compute the area of the union of rings, in square pixels.

    Rings that may overlap are rasterised first, as pycocotools does, where the size of the image is known.
    """
    if len(rings) == 1 or not sample.width or not sample.height or not _may_overlap(rings):
        return rings_area(rings)
    masks = [raster.polygon_counts(ring, sample.height, sample.width) for ring in rings]
    return float(rle.area(raster.united(masks)))


def _may_overlap(rings: list[list[float]]) -> bool:
    boxes = [points_bounds(ring) for ring in rings]
    return any(_overlap(one, other) for one, other in combinations(boxes, 2))


def _overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def _add_mask(record: Record, mask: Mask) -> None:
    counts = rle.decode(mask.counts, mask.height, mask.width)
    record["bbox"] = mask.bbox or rle.bounds(counts, mask.height)
    record["area"] = rle.area(counts) if mask.area is None else mask.area
    record["iscrowd"] = int(mask.iscrowd)
    record["segmentation"] = {"size": (mask.height, mask.width), "counts": mask.counts}


def _add_keypoints(record: Record, shape: Keypoints, sample: Sample) -> None:
    box, segmentation = box_of(shape), shape.segmentation
    if box is not None:
        record["bbox"] = box
    area = shape.area
    if isinstance(segmentation, SegmentationMask):
        counts = rle.decode(segmentation.counts, segmentation.height, segmentation.width)
        area = rle.area(counts) if area is None else area
        size = (segmentation.height, segmentation.width)
        record["segmentation"] = {"size": size, "counts": segmentation.counts}
    elif segmentation:
        area = polygon_area(segmentation, sample) if area is None else area
        record["segmentation"] = segmentation
    else:
        area = box[2] * box[3] if area is None and box is not None else area
        record["segmentation"] = ()
    if area is not None:
        record["area"] = area
    record["iscrowd"] = int(shape.iscrowd)
    record["keypoints"] = shape.points
    record["num_keypoints"] = sum(1 for v in shape.points[2::3] if v > 0)


def _without(extra: Attributes, own: frozenset[str]) -> Record:
    """Return the extra without keys that the format defines itself."""
    if own.isdisjoint(extra):
        return extra
    return {key: value for key, value in extra.items() if key not in own}


def dump(value: Any) -> bytes:
    """Encode a value as JSON. Numbers that are not finite become null."""
    try:
        return orjson.dumps(value)
    except TypeError:  # whole numbers beyond 64 bits, keys that are not text, lone surrogates
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )


def header(about: Attributes | None) -> bytes:
    """Encode the beginning of a file: ``info``, ``licenses`` and the other top-level keys of the source, with a comma."""
    about = about or {}
    head = {"info": about.get("info") or {}, "licenses": about.get("licenses") or []}
    rest = {key: value for key, value in about.items() if key not in _FIRST}
    return dump({**head, **rest})[:-1] + b",\n"
