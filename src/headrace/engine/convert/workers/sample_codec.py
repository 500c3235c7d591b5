"""Encode samples as bytes for another process: plain values with marshal where possible, else pickle."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from itertools import starmap
from typing import Any, cast

from headrace.engine.convert.workers.pickles import dumps, loads
from headrace.formats.chunked_reader import Chunk
from headrace.formats.geometry.box_table import BoxTable, BoxView, as_boxes
from headrace.formats.geometry.lazy_polygons import LazyPolygon
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Attributes, Polygon, Rectangle

_PICKLED = b"p"
# The items' type, and columns of their fields.
PackedChunk = tuple[type[Any], list[tuple[Any, ...]]]
_COLUMNS = b"m"
_CORNERS = 4


def pack_chunk(chunk: Chunk) -> PackedChunk:
    """Transpose a chunk into columns, which pickle faster; its items are named tuples of one type."""
    return type(chunk[0]), [*zip(*chunk, strict=True)]


def unpack_chunk(packed: PackedChunk) -> Chunk:
    """Restore a chunk from its columns."""
    kind, columns = packed
    return [*starmap(kind, zip(*columns, strict=True))]


def pack(samples: Sequence[Sample]) -> bytes:
    """Encode samples for :func:`unpack` in another process of the same Python and the same user."""
    rows = []
    tables: dict[BoxTable, int] = {}
    for sample in samples:
        shapes = _plain(sample.shapes, tables)
        if shapes is None:
            return _PICKLED + dumps(list(samples))
        rows.append(
            (
                sample.filename,
                sample.width,
                sample.height,
                sample.annotated,
                sample.split,
                sample.id,
                sample.attributes,
                sample.extra,
                sample.path,
                shapes,
            )
        )
    try:
        return _COLUMNS + marshal.dumps((rows, [_columns(table) for table in tables]))
    except ValueError:  # marshal cannot encode the type of an attribute
        return _PICKLED + dumps(list(samples))


def unpack(data: bytes) -> list[Sample]:
    """Decode the samples that :func:`pack` encoded."""
    if data[:1] == _PICKLED:
        return cast("list[Sample]", loads(memoryview(data)[1:]))
    rows, columns = marshal.loads(memoryview(data)[1:])
    tables = [BoxTable(*each) for each in columns]
    return [
        Sample(
            filename=filename,
            width=width,
            height=height,
            annotated=annotated,
            split=split,
            id=number,
            attributes=attributes,
            extra=extra,
            path=path,
            shapes=_shapes(shapes, tables),
        )
        for filename, width, height, annotated, split, number, attributes, extra, path, shapes in rows
    ]


def _columns(table: BoxTable) -> tuple[Any, ...]:
    columns = table.labels, table.x, table.y, table.w, table.h
    return *columns, table.attributes, table.ids, table.areas, table.polygon_texts


def _plain(
    shapes: Sequence[AnyShape], tables: dict[BoxTable, int]
) -> tuple[int, int, int] | list[Any] | None:
    boxes = as_boxes(shapes)
    if boxes is not None:
        return tables.setdefault(boxes.table, len(tables)), boxes.start, boxes.stop
    rows: list[tuple[Any, ...]] = []
    for one in shapes:
        if type(one) is Rectangle:
            geometry: tuple[Any, ...] = (one.x, one.y, one.w, one.h)
        elif type(one) is Polygon:
            rings = one.rings
            geometry = (rings.raw if isinstance(rings, LazyPolygon) else rings, one.bbox)
        else:
            return None
        rows.append(
            (
                one.label,
                one.text,
                one.attributes,
                one.id,
                one.iscrowd,
                one.area,
                one.score,
                one.extra,
                *geometry,
            )
        )
    return rows


def _shapes(plain: tuple[int, int, int] | list[Any], tables: list[BoxTable]) -> list[AnyShape]:
    if isinstance(plain, tuple):
        number, start, stop = plain
        return cast("list[AnyShape]", BoxView(tables[number], start, stop))
    return [_shape(*row) for row in plain]


def _shape(
    label: str,
    text: str | None,
    attributes: Attributes | None,
    number: int | str | None,
    crowd: bool,
    area: float | None,
    score: float | None,
    extra: Attributes | None,
    *geometry: Any,
) -> Rectangle | Polygon:
    if len(geometry) == _CORNERS:
        x, y, w, h = geometry
        return Rectangle(
            label=label,
            text=text,
            attributes=attributes,
            id=number,
            iscrowd=crowd,
            area=area,
            score=score,
            extra=extra,
            x=x,
            y=y,
            w=w,
            h=h,
        )
    rings, bbox = geometry
    return Polygon(
        label=label,
        text=text,
        attributes=attributes,
        id=number,
        iscrowd=crowd,
        area=area,
        score=score,
        extra=extra,
        rings=cast("Any", LazyPolygon(rings)) if isinstance(rings, bytes) else rings,
        bbox=bbox,
    )
