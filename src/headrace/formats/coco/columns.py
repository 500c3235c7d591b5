"""Put rows of annotations into box tables: a conversion that only copies them needs no shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from headrace.formats.coco.id_sets import SeenIds
from headrace.formats.coco.image_index import of_other_type
from headrace.formats.coco.row_sort import Row
from headrace.formats.coco.schema import Id
from headrace.formats.geometry.box_table import BoxTable, BoxView
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape


def attach_boxes(
    rows: Sequence[Row],
    samples: Mapping[Id | None, Sample],
    names: Mapping[Id, str],
    ids: SeenIds,
) -> Sequence[Row]:
    """Give the samples their boxes and polygons as views of one table.

    Args:
        rows: All rows of some images.
        samples: The samples by image id, without shapes.
        names: The label of each category id.
        ids: The annotation ids seen so far.

    Returns:
        The rows of images that have anything but plain boxes and polygons; these samples stay empty.
    """
    by_image: dict[Id | None, list[Row]] = {number: [] for number in samples}
    others = {
        row.image_id
        for row in rows
        if row.bbox is None
        or row.iscrowd
        or type(row.segmentation) is tuple
        # The area of a polygon can only be computed from its numbers.
        or (row.area is None and row.segmentation is not None)
        or row.category_id not in names
        or row.image_id not in by_image
    }
    others |= {of_other_type(number) for number in others if number not in by_image}
    for row in rows:
        if row.image_id not in others:
            by_image[row.image_id].append(row)
    plain = [row for of_image in by_image.values() for row in of_image]
    numbers = [row.id for row in plain]
    if not plain or not ids.are_new(numbers):
        return rows
    boxes = cast("list[tuple[float, float, float, float]]", [row.bbox for row in plain])
    labels = [names[cast("Id", row.category_id)] for row in plain]
    x, y, w, h = zip(*boxes, strict=True)
    polygon_texts = cast("list[bytes | None]", [row.segmentation for row in plain])
    table = BoxTable(
        labels,
        x,
        y,
        w,
        h,
        ids=numbers,
        areas=[row.area for row in plain],
        polygon_texts=polygon_texts if any(polygon_texts) else None,
    )
    stop = 0
    for number, of_image in by_image.items():
        start, stop = stop, stop + len(of_image)
        if number not in others:
            samples[number].shapes = cast("list[AnyShape]", BoxView(table, start, stop))
    return [row for row in rows if row.image_id in others] if others else ()
