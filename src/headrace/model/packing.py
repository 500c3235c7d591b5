"""Pack all shapes of one annotation into one compact blob, and unpack it.

A group of shapes (``model/columns.py``) is stored column by column: labels, sizes, coordinates, and, where a shape has
them, texts, attributes, instances, scores, boxes and segmentations. The ordinal of a shape (the last part of its id) is
its index in the blob; once shapes were deleted or added later, ordinals are stored explicitly.

    blob     version << 4 | flags, next ordinal where ordinals are stored, then groups until the end
    group    kind | flags << 4, number of shapes, labels, ordinals where stored, geometry, extras by flag
    extras   texts, attributes, instances; then, in version 2, what model/extra_columns.py packs

A blob has version 2 only where a group needs it, so that earlier versions of headrace read all others.

Lossless: coordinates are unpacked as equal numbers (``model/runs.py``), texts and attributes as equal JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from headrace.errors import StorageError
from headrace.model.columns import (
    FLAT,
    ShapeGroup,
    ShapeKind,
    Shapes,
    TrackGeometry,
    Triple,
    by_kind,
)
from headrace.model.extra_columns import extra_flags, pack_extras, unpack_extras
from headrace.model.ids import MAX_ORDINAL
from headrace.model.run_reader import RunReader
from headrace.model.run_writer import RunWriter

VERSION = 2
_FIRST_VERSION = 1
_STORED_ORDINALS = 0b0001
_SCORED = 0b0010
_TEXTS = 0b0001
_ATTRIBUTES = 0b0010
_INSTANCES = 0b0100
_MORE = 0b1000

_texts = msgspec.json.Decoder(list[str | None])
_attributes = msgspec.json.Decoder(list[dict[str, Any] | None])


def pack(shapes: Shapes) -> bytes:
    """Pack the shapes of an annotation into a blob.

    Raises:
        ValueError: A number is not finite, or the columns of a group differ in length.
        TypeError: A coordinate is not a number, or an attribute cannot be encoded as JSON.
    """
    writer = RunWriter()
    stored = shapes.next_ordinal is not None
    version = VERSION if any(map(extra_flags, shapes.groups)) else _FIRST_VERSION
    scored = any(group.scores for group in shapes.groups)
    writer.buffer.append(
        version << 4 | (_STORED_ORDINALS if stored else 0) | (_SCORED if scored else 0)
    )
    if shapes.next_ordinal is not None:
        writer.varint(shapes.next_ordinal)
    for group in sorted(shapes.groups, key=by_kind):
        if group.labels:
            _pack_group(writer, group, stored)
    return bytes(writer.buffer)


def unpack(blob: bytes, *, whole: bool = False) -> Shapes:
    """Unpack the shapes of a blob.

    Args:
        blob: What :func:`pack` returned.
        whole: For clients of the platform's own wire: round rectangles, polygons and their keyframes to integers, and
            leave out scores, boxes and segmentations.

    Raises:
        StorageError: The blob is damaged.
    """
    try:
        return _unpack(RunReader(blob), whole)
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise StorageError(f"an annotation's shapes are damaged: {error}") from error


def scores_of(blob: bytes) -> list[float]:
    """Return the scores of all shapes that have one, without unpacking blobs that have none.

    Raises:
        StorageError: The blob is damaged.
    """
    if not blob or not blob[0] & _SCORED or blob[0] >> 4 < VERSION:
        return []
    groups = unpack(blob).groups
    return [score for group in groups for score in group.scores or () if score is not None]


def pack_counts(counts: Mapping[int, int]) -> bytes:
    """Pack the number of shapes per label key."""
    writer = RunWriter()
    keys = sorted(counts)
    writer.varint(len(keys))
    writer.integers(keys)
    writer.integers([counts[key] for key in keys])
    return bytes(writer.buffer)


def unpack_counts(blob: bytes) -> dict[int, int]:
    """Unpack the number of shapes per label key; raises :class:`StorageError` where the blob is damaged."""
    return dict(_unpack_counts(blob))


# Most annotations of a version have the same few counts.
@lru_cache(4096)
def _unpack_counts(blob: bytes) -> dict[int, int]:
    try:
        reader = RunReader(blob)
        size = _size(reader)
        keys = reader.integers(size)
        counts = dict(zip(keys, reader.integers(size), strict=True))
    except ValueError as error:
        raise StorageError(f"an annotation's label counts are damaged: {error}") from error
    if len(counts) != size or reader.left:
        raise StorageError("an annotation's label counts are damaged")
    return counts


# --- one group -------------------------------------------------------------------------------------------


def _pack_group(writer: RunWriter, group: ShapeGroup, stored_ordinals: bool) -> None:
    size = len(group.labels)
    columns = (group.texts, group.attributes, group.instances)
    for column in (*columns, group.scores, group.boxes, group.segmentations):
        if column is not None and len(column) != size:
            raise ValueError("columns of different lengths")
    more = extra_flags(group)
    flags = (
        (_TEXTS if group.texts else 0)
        | (_ATTRIBUTES if group.attributes else 0)
        | (_INSTANCES if group.instances else 0)
        | (_MORE if more else 0)
    )
    writer.buffer.append(group.kind | flags << 4)
    writer.varint(size)
    writer.integers(group.labels)
    if stored_ordinals:
        if group.ordinals is None or len(group.ordinals) != size:
            raise ValueError("a shape without an ordinal")
        writer.integers(group.ordinals)
    _pack_geometry(writer, group, size)
    if group.texts:
        writer.bytes(msgspec.json.encode(group.texts))
    if group.attributes:
        writer.bytes(msgspec.json.encode(group.attributes))
    if group.instances:
        # Shifted by one: 0 means that the shape has no instance.
        writer.integers(
            [0 if number is None else _positive(number + 1) for number in group.instances]
        )
    if more:
        pack_extras(writer, group)


def _pack_geometry(writer: RunWriter, group: ShapeGroup, size: int) -> None:
    geometry = group.geometry
    if group.kind in FLAT:
        if len(geometry) != FLAT[group.kind] * size:
            raise ValueError("columns of different lengths")
        writer.coordinates(geometry)
        return
    if len(geometry) != (0 if group.kind is ShapeKind.CLASSIFICATION else size):
        raise ValueError("columns of different lengths")
    if group.kind is ShapeKind.KEYPOINTS:
        writer.chains([[(x, y) for x, y, _ in triples] for triples in geometry])
        writer.integers([_whole(v) for triples in geometry for _, _, v in triples])
    elif group.kind is ShapeKind.MASK:
        writer.integers(list(map(len, geometry)))
        writer.buffer += "".join(geometry).encode("ascii")
    elif group.kind is ShapeKind.TRACK:
        _pack_tracks(writer, geometry)
    elif group.kind is not ShapeKind.CLASSIFICATION:
        writer.chains(geometry)


def _unpack(reader: RunReader, whole: bool) -> Shapes:
    head = reader.byte()
    version, known = head >> 4, _STORED_ORDINALS
    if version == VERSION:
        known |= _SCORED
    if not _FIRST_VERSION <= version <= VERSION or head & 0xF & ~known:
        raise ValueError(f"format {head} is unknown to this headrace")
    stored = bool(head & _STORED_ORDINALS)
    shapes = Shapes([], reader.varint() if stored else None)
    last = -1
    while reader.left:
        group = _unpack_group(reader, version, stored, whole)
        if group.kind <= last:
            raise ValueError("groups out of order")
        last = group.kind
        shapes.groups.append(group)
    return shapes


def _unpack_group(
    reader: RunReader, version: int, stored_ordinals: bool, whole: bool
) -> ShapeGroup:
    head = reader.byte()
    kind, flags = ShapeKind(head & 0xF), head >> 4
    size = _size(reader)
    labels = reader.integers(size)
    ordinals = reader.integers(size) if stored_ordinals else None
    group = ShapeGroup(kind, labels, _unpack_geometry(reader, kind, size, whole), ordinals=ordinals)
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
        if not whole:
            group.scores, group.boxes, group.segmentations = extras
    return group


def _unpack_geometry(reader: RunReader, kind: ShapeKind, size: int, whole: bool) -> list[Any]:
    if kind is ShapeKind.RECTANGLE:
        return reader.coordinates(4 * size, whole=whole)
    if kind is ShapeKind.POLYGON:
        return reader.chains(size, whole=whole)
    if kind is ShapeKind.LINE:
        return reader.chains(size)
    if kind is ShapeKind.POINT:
        return reader.coordinates(2 * size)
    if kind is ShapeKind.KEYPOINTS:
        return _unpack_keypoints(reader, size)
    if kind is ShapeKind.MASK:
        return [reader.text(length) for length in reader.integers(size)]
    if kind is ShapeKind.TRACK:
        return _unpack_tracks(reader, size, whole)
    return []


def _unpack_keypoints(reader: RunReader, size: int) -> list[list[Triple]]:
    chains = reader.chains(size)
    visible = iter(reader.integers(sum(map(len, chains))))
    return [[(x, y, next(visible)) for x, y in points] for points in chains]


def _pack_tracks(writer: RunWriter, tracks: list[TrackGeometry]) -> None:
    for track in tracks:
        writer.integers([track.start, len(track.rectangles), len(track.polygons), len(track.ends)])
        frames = [r[0] for r in track.rectangles] + [p[0] for p in track.polygons]
        writer.integers(frames + track.ends)
        writer.coordinates(list(chain.from_iterable(r[1:] for r in track.rectangles)))
        writer.chains([ring for _, ring in track.polygons])


def _unpack_tracks(reader: RunReader, size: int, whole: bool) -> list[TrackGeometry]:
    tracks = []
    for _ in range(size):
        start, rectangles, polygons, ends = reader.integers(4)
        if max(rectangles, polygons, ends) > MAX_ORDINAL:
            raise ValueError("more keyframes than a track can have")
        frames = reader.integers(rectangles + polygons + ends)
        numbers = iter(reader.coordinates(4 * rectangles, whole=whole))
        rings = reader.chains(polygons, whole=whole)
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


def _whole(number: float) -> int:
    if number != int(number):
        raise ValueError("a keypoint's visibility must be a whole number")
    return int(number)


def _positive(number: int) -> int:
    if number < 1:
        raise ValueError("an instance must not be negative")
    return number


def _size(reader: RunReader) -> int:
    size = reader.varint()
    if size > MAX_ORDINAL:
        raise ValueError("more shapes than an annotation can have")
    return size


def _column(values: list[Any], size: int) -> list[Any]:
    if len(values) != size:
        raise ValueError("columns of different lengths")
    return values
