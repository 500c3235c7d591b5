"""Unpack blobs of the formats 1 and 2, which earlier versions of headrace wrote.

They are read wherever they still lie: in lakes until their rows are rewritten, and in removal files.

    blob     version << 4 | flags, next ordinal where ordinals are stored, then groups until the end
    group    kind | flags << 4, number of shapes, labels, ordinals where stored, geometry, extras by flag
    extras   texts, attributes, instances; then, in version 2, what ``extra_columns.py`` unpacks
"""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.errors import CorruptionError
from headrace.model.columns import (
    ShapeGroup,
    ShapeKind,
    Shapes,
    TrackGeometry,
    Triple,
)
from headrace.model.ids import MAX_ORDINAL
from headrace.model.old_blob.extra_columns import unpack_extras
from headrace.model.old_blob.run_reader import RunReader

VERSION = 2
_FIRST_VERSION = 1
_STORED_ORDINALS = 0b0001
SCORED = 0b0010
_TEXTS = 0b0001
_ATTRIBUTES = 0b0010
_INSTANCES = 0b0100
_MORE = 0b1000

_texts = msgspec.json.Decoder(list[str | None])
_attributes = msgspec.json.Decoder(list[dict[str, Any] | None])


def unpack(blob: bytes) -> Shapes:
    """Unpack the shapes of a blob.

    Args:
        blob: A blob of format 1 or 2.

    Raises:
        CorruptionError: The blob is damaged.
    """
    try:
        return _unpack(RunReader(blob))
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise CorruptionError(f"an annotation's shapes are damaged: {error}") from error


# --- one group -------------------------------------------------------------------------------------------


def _unpack(reader: RunReader) -> Shapes:
    head = reader.byte()
    version, known = head >> 4, _STORED_ORDINALS
    if version == VERSION:
        known |= SCORED
    if not _FIRST_VERSION <= version <= VERSION or head & 0xF & ~known:
        raise ValueError(f"format {head} is unknown to this headrace")
    stored = bool(head & _STORED_ORDINALS)
    shapes = Shapes([], reader.varint() if stored else None)
    last = -1
    while reader.left:
        group = _unpack_group(reader, version, stored)
        if group.kind <= last:
            raise ValueError("groups out of order")
        last = group.kind
        shapes.groups.append(group)
    return shapes


def _unpack_group(reader: RunReader, version: int, stored_ordinals: bool) -> ShapeGroup:
    head = reader.byte()
    kind, flags = ShapeKind(head & 0xF), head >> 4
    size = _size(reader)
    labels = reader.integers(size)
    ordinals = reader.integers(size) if stored_ordinals else None
    group = ShapeGroup(kind, labels, _unpack_geometry(reader, kind, size), ordinals=ordinals)
    if flags & _TEXTS:
        group.texts = _column(_texts.decode(reader.bytes()), size)
    if flags & _ATTRIBUTES:
        group.attributes = _column(_attributes.decode(reader.bytes()), size)
    if flags & _INSTANCES:
        group.instances = [number - 1 if number else None for number in reader.integers(size)]
    if flags & _MORE:
        if version == _FIRST_VERSION:
            raise ValueError("extras that this version of the format does not have")
        extras = unpack_extras(reader, size)
        group.scores, group.boxes, group.segmentations = extras
    return group


def _unpack_geometry(reader: RunReader, kind: ShapeKind, size: int) -> list[Any]:
    if kind is ShapeKind.RECTANGLE:
        return reader.coordinates(4 * size)
    if kind is ShapeKind.POLYGON:
        return reader.chains(size)
    if kind is ShapeKind.LINE:
        return reader.chains(size)
    if kind is ShapeKind.POINT:
        return reader.coordinates(2 * size)
    if kind is ShapeKind.KEYPOINTS:
        return _unpack_keypoints(reader, size)
    if kind is ShapeKind.MASK:
        return [reader.text(length) for length in reader.integers(size)]
    if kind is ShapeKind.TRACK:
        return _unpack_tracks(reader, size)
    return []


def _unpack_keypoints(reader: RunReader, size: int) -> list[list[Triple]]:
    chains = reader.chains(size)
    visible = iter(reader.integers(sum(map(len, chains))))
    return [[(x, y, next(visible)) for x, y in points] for points in chains]


def _unpack_tracks(reader: RunReader, size: int) -> list[TrackGeometry]:
    tracks = []
    for _ in range(size):
        start, rectangles, polygons, ends = reader.integers(4)
        if max(rectangles, polygons, ends) > MAX_ORDINAL:
            raise ValueError("more keyframes than a track can have")
        frames = reader.integers(rectangles + polygons + ends)
        numbers = iter(reader.coordinates(4 * rectangles))
        rings = reader.chains(polygons)
        boxes = zip(frames, numbers, numbers, numbers, numbers, strict=False)
        tracks.append(
            TrackGeometry(
                start,
                list(boxes),
                list(zip(frames[rectangles:], rings, strict=False)),
                frames[rectangles + polygons :],
            )
        )
    return tracks


def _size(reader: RunReader) -> int:
    size = reader.varint()
    if size > MAX_ORDINAL:
        raise ValueError("more shapes than an annotation can have")
    return size


def _column(values: list[Any], size: int) -> list[Any]:
    if len(values) != size:
        raise ValueError("columns of different lengths")
    return values
