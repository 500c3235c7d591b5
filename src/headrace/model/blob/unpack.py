"""Unpack the shapes of many blobs at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from headrace.errors import CorruptionError
from headrace.model.blob.chains import ChainRuns
from headrace.model.blob.decoded_chains import ListForm, decode_chains
from headrace.model.blob.layout import (
    MASKS_MARK,
    SCORED,
    VERSION,
    BlobContent,
    BlobExtras,
    BlobGroup,
    opened,
)
from headrace.model.blob.pack import MASK_OUTLINE, RINGS, pack_page
from headrace.model.blob.runs import decode, integers_of, lists_of
from headrace.model.columns import FLAT, ShapeGroup, ShapeKind, Shapes, TrackGeometry
from headrace.model.ids import MAX_ORDINAL
from headrace.model.old_blob.unpack import SCORED as OLD_SCORED
from headrace.model.old_blob.unpack import unpack as unpack_old
from headrace.model.shapes import Box

TOGETHER = 256
"""Blobs whose columns are joined: enough for a call to numpy to cost little, and arrays that fit the processor's caches."""

ReadForm = ListForm | Literal["lazy"]
"""How the points of polygons are returned: as :meth:`.DecodedChains.lists` does, or as :class:`.LazyChains`."""

_attributes = msgspec.json.Decoder(list[dict[str, Any] | None])
_FIRST_HEAD = bytes([VERSION << 4])
# Calling an enum takes several times as long.
_kind = cache(ShapeKind)
_NONE = ChainRuns(b"", b"", b"")


def unpack(blob: bytes, *, whole: bool = False) -> Shapes:
    """Unpack one blob; see :func:`unpack_page`, which is faster for many."""
    return unpack_page([blob], whole=whole)[0]


def unpack_page(
    blobs: Sequence[bytes],
    *,
    whole: bool = False,
    areas: bool = False,
    bounds: bool = False,
    points: ReadForm = "pairs",
) -> list[Shapes]:
    """Unpack the shapes of many blobs.

    Args:
        blobs: What :func:`headrace.model.blob.pack.pack_page` returned.
        whole: For clients of the platform's own wire: round rectangles, polygons and their keyframes to integers, and
            leave out scores, boxes and segmentations.
        areas: Compute the areas of polygons, in square pixels.
        bounds: Compute the boxes around polygons.
        points: The form of the points of polygons.

    Raises:
        CorruptionError: A blob is damaged.
    """
    try:
        blobs = _current(blobs)
        unpacked: list[Shapes] = []
        for start in range(0, len(blobs), TOGETHER):
            contents = [opened(blob) for blob in blobs[start : start + TOGETHER]]
            unpacked += _unpack_page(contents, whole, areas, bounds, points)
        return unpacked
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise CorruptionError(f"an annotation's shapes are damaged: {error}") from error


def _current(blobs: Sequence[bytes]) -> Sequence[bytes]:
    """Return the blobs, with those of an earlier format packed again, so that all are read alike."""
    old = [blob for blob in blobs if blob[:1] < _FIRST_HEAD]
    if not old:
        return blobs
    packed = iter(pack_page([unpack_old(blob) for blob in old]))
    return [next(packed) if blob[:1] < _FIRST_HEAD else blob for blob in blobs]


def labels_of_page(blobs: Sequence[bytes]) -> list[list[tuple[ShapeKind, list[int]]]]:
    """Return the label keys of the shapes of many blobs, by kind, without unpacking the geometry.

    Raises:
        CorruptionError: A blob is damaged.
    """
    try:
        contents = [opened(blob) for blob in _current(blobs)]
        groups = [group for content in contents for group in content.groups]
        labels = iter(integers_of([group.labels for group in groups]))
        return [
            [(_kind(group.kind), next(labels)) for group in content.groups] for content in contents
        ]
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise CorruptionError(f"an annotation's shapes are damaged: {error}") from error


def has_shape(blob: bytes, kind: int, label: int) -> bool:
    """Return whether a blob has a shape of a kind with a label, without unpacking the geometry.

    Raises:
        CorruptionError: The blob is damaged.
    """
    if blob[:1] < _FIRST_HEAD:
        return any(group.kind == kind and label in group.labels for group in unpack(blob).groups)
    try:
        found = [group.labels for group in opened(blob).groups if group.kind == kind]
        return any(label in integers_of([labels])[0] for labels in found)
    except (ValueError, msgspec.MsgspecError) as error:
        raise CorruptionError(f"an annotation's shapes are damaged: {error}") from error


def scores_of(blob: bytes) -> list[float]:
    """Return the scores of all shapes that have one, without unpacking the geometry.

    Raises:
        CorruptionError: The blob is damaged.
    """
    if not blob or not blob[0] & (SCORED if blob[:1] >= _FIRST_HEAD else OLD_SCORED):
        return []
    if blob[:1] < _FIRST_HEAD:
        groups = unpack(blob).groups
        return [score for group in groups for score in group.scores or () if score is not None]
    try:
        columns = [group.extras.scores for group in opened(blob).groups if group.extras]
        return list(chain.from_iterable(lists_of(decode(columns))))
    except (ValueError, msgspec.MsgspecError) as error:
        raise CorruptionError(f"an annotation's shapes are damaged: {error}") from error


def has_masks(blob: bytes) -> bool:
    """Return whether a blob has masks, without unpacking it.

    Raises:
        CorruptionError: The blob may have masks, and is damaged.
    """
    if blob[:1] < _FIRST_HEAD:
        return unpack(blob).group(ShapeKind.MASK) is not None
    if MASKS_MARK not in blob:
        return False
    try:
        return any(group.kind == ShapeKind.MASK for group in opened(blob).groups)
    except (ValueError, msgspec.MsgspecError) as error:
        raise CorruptionError(f"an annotation's shapes are damaged: {error}") from error


def _unpack_page(
    contents: list[BlobContent], whole: bool, areas: bool, bounds: bool, points: ReadForm
) -> list[Shapes]:
    groups = [group for content in contents for group in content.groups]
    labels = iter(integers_of([group.labels for group in groups]))
    polygons = _decoded(
        [g for g in groups if g.kind == ShapeKind.POLYGON], whole, areas, bounds, points
    )
    # Rectangles, polygons and tracks are rounded for other clients, the other kinds are not.
    rounded = _decoded([g for g in groups if g.kind in _ROUNDED], whole)
    exact = _decoded([g for g in groups if g.kind not in (*_ROUNDED, ShapeKind.POLYGON)], False)
    made = []
    for content in contents:
        stored = content.next_ordinal is not None
        shapes = Shapes([], content.next_ordinal)
        last = -1
        for group in content.groups:
            kind = group.kind
            if kind <= last:
                raise ValueError("groups out of order")
            last = kind
            if kind == ShapeKind.POLYGON:
                parts = next(polygons)
            else:
                parts = next(rounded if kind in _ROUNDED else exact)
            shapes.groups.append(_group(group, next(labels), parts, stored, whole))
        made.append(shapes)
    return made


_ROUNDED = frozenset({ShapeKind.RECTANGLE, ShapeKind.TRACK})


class _Parts(NamedTuple):
    """The numbers and chains of one group, and the areas and bounds of the chains where they are asked for."""

    numbers: list[Any]
    chains: list[Any]
    areas: list[float] | None
    bounds: list[Box] | None


def _decoded(
    groups: list[BlobGroup],
    whole: bool,
    areas: bool = False,
    bounds: bool = False,
    form: ReadForm = "pairs",
) -> Iterator[_Parts]:
    """Decode the numbers and chains of some groups of a page."""
    if not groups:
        # Numpy would take longer for nothing than for a few annotations.
        return iter(())
    numbers = lists_of(decode([group.numbers or b"" for group in groups]), whole=whole)
    chains = decode_chains([group.chains or _NONE for group in groups])
    ends = np.cumsum(chains.counts).tolist()
    starts = [0, *ends[:-1]]

    def divided(values: list[Any]) -> list[Any]:
        return [values[start:end] for start, end in zip(starts, ends, strict=True)]

    listed: list[Any] = (
        # Lazy chains are divided among the groups already.
        chains.by_owner() if form == "lazy" else divided(chains.lists(whole=whole, form=form))
    )
    none = [None] * len(groups)
    return map(
        _Parts,
        numbers,
        listed,
        divided(chains.areas().tolist()) if areas else none,
        divided(chains.bounds()) if bounds else none,
    )


def _group(
    group: BlobGroup, labels: list[int], parts: _Parts, stored: bool, whole: bool
) -> ShapeGroup:
    kind, size = _kind(group.kind), len(labels)
    if not 0 < size <= MAX_ORDINAL:
        raise ValueError("more shapes than an annotation can have, or none")
    numbers, chains, areas, bounds = parts
    extras = group.extras or _NO_EXTRAS
    made = ShapeGroup(kind, labels, _geometry(kind, size, numbers, chains, extras))
    if kind is ShapeKind.POLYGON:
        made.areas, made.bounds = areas, bounds
    if extras is _NO_EXTRAS:
        if stored:
            raise ValueError("a shape without an ordinal")
        return made
    if stored:
        made.ordinals = _column(integers_of([extras.ordinals])[0], size)
    if extras.texts:
        made.texts = _column(extras.texts, size)
    if extras.attributes:
        made.attributes = _column(_attributes.decode(extras.attributes), size)
    if extras.instances:
        numbers = _column(integers_of([extras.instances])[0], size)
        made.instances = [number - 1 if number else None for number in numbers]
    if not whole:
        _set_rare(made, extras, size)
    return made


_NO_EXTRAS = BlobExtras()


def _set_rare(made: ShapeGroup, extras: BlobExtras, size: int) -> None:
    if extras.scored:
        made.scores = _present(extras.scored, lists_of(decode([extras.scores]))[0], size)
    if extras.boxed:
        numbers = iter(lists_of(decode([extras.boxes]))[0])
        boxes = list(zip(numbers, numbers, numbers, numbers, strict=True))
        made.boxes = _present(extras.boxed, boxes, size)
    if extras.outlined:
        sizes = _column(integers_of([extras.outlined])[0], size)
        rings = iter(decode_chains([extras.outlines or _NONE]).lists())
        masks = iter(extras.outline_masks or [])
        made.segmentations = [
            list(islice(rings, number - RINGS))
            if number >= RINGS
            else _next(masks)
            if number == MASK_OUTLINE
            else None
            for number in sizes
        ]
        if next(rings, None) is not None or next(masks, None) is not None:
            raise ValueError("outlines without their shapes")


def _present(flags: bytes, values: list[Any], size: int) -> list[Any]:
    present = _column(integers_of([flags])[0], size)
    if sum(present) != len(values) or max(present) > 1:
        raise ValueError("columns of different lengths")
    following = iter(values)
    return [next(following) if there else None for there in present]


def _next(values: Any) -> Any:
    for value in values:
        return value
    raise ValueError("columns of different lengths")


def _geometry(
    kind: ShapeKind, size: int, numbers: list[Any], chains: list[Any], extras: BlobExtras
) -> list[Any]:
    if kind in FLAT:
        return _column(numbers, FLAT[kind] * size)
    if kind is ShapeKind.KEYPOINTS:
        visible = iter(integers_of([extras.visible])[0])
        points = [[(x, y, _next(visible)) for x, y in chain] for chain in _column(chains, size)]
        if next(visible, None) is not None:
            raise ValueError("columns of different lengths")
        return points
    if kind is ShapeKind.MASK:
        return _column(extras.masks or [], size)
    if kind is ShapeKind.TRACK:
        return _tracks(size, numbers, chains, extras)
    return [] if kind is ShapeKind.CLASSIFICATION else _column(chains, size)


def _tracks(
    size: int, numbers: list[Any], chains: list[Any], extras: BlobExtras
) -> list[TrackGeometry]:
    counts = _column(integers_of([extras.tracks])[0], 4 * size)
    numbered = integers_of([extras.frames])[0]
    if sum(counts) - sum(counts[::4]) != len(numbered):
        raise ValueError("a track without its keyframes")
    heads, frames = iter(counts), iter(numbered)
    values, rings = iter(numbers), iter(chains)
    tracks = [
        TrackGeometry(
            start,
            [
                (f, x, y, w, h)
                for f, x, y, w, h in zip(
                    islice(frames, rectangles), values, values, values, values, strict=False
                )
            ],
            [(f, ring) for f, ring in zip(islice(frames, polygons), rings, strict=False)],
            list(islice(frames, ends)),
        )
        for start, rectangles, polygons, ends in zip(heads, heads, heads, heads, strict=True)
    ]
    boxes = sum(len(track.rectangles) for track in tracks)
    counted = boxes, sum(len(track.polygons) for track in tracks)
    if (4 * counted[0], counted[1]) != (len(numbers), len(chains)):
        raise ValueError("a track without its keyframes")
    return tracks


def _column(values: list[Any], size: int) -> list[Any]:
    if len(values) != size:
        raise ValueError("columns of different lengths")
    return values
