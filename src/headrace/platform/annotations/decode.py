"""Decode annotations from requests: check the items of an import, and pack them for storage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from headrace.errors import BadRequestError, NotFoundError, RequestTooLargeError
from headrace.model import rle
from headrace.model.blob.chains import ChainForm
from headrace.model.blob.counts import pack_counts
from headrace.model.blob.pack import pack_page
from headrace.model.blob.receive import ReceivedShapes, UnknownLabelError, receive, receive_page
from headrace.model.blob.unpack import unpack
from headrace.model.columns import PLURALS, ShapeGroup, ShapeKind, Shapes, TrackGeometry, column_of
from headrace.model.ids import MAX_ORDINAL
from headrace.model.nesting import check_depth
from headrace.protocol.operations.annotations import ImportItem, PackedItem, Pair

Sizes = Mapping[int, tuple[int, int]]

_INVALID = (ValueError, TypeError, OverflowError, RecursionError)


class PreparedAnnotation(msgspec.Struct):
    """The annotation of one asset, ready to be written. ``counts`` is the number of shapes per label."""

    asset: int
    status: str | None
    blob: bytes
    counts: Mapping[int, int]
    packed_counts: bytes
    size: int
    attributes: dict[str, Any] | None
    attributes_text: str | None
    duration: float

    @property
    def shapes(self) -> Shapes:
        """The shapes, unpacked."""
        return unpack(self.blob)


def prepare_annotations(
    items: Sequence[ImportItem],
    assets: Sequence[int],
    labels: Mapping[str, int],
    sizes: Sizes,
) -> list[PreparedAnnotation]:
    """Check and pack items.

    Args:
        items: Items of a request.
        assets: Row numbers of their assets, in the same order.
        labels: Keys of labels by id.
        sizes: Width and height (pixels) of the assets with masks.

    Raises:
        APIError: An item is invalid; the message names the asset and the fault.
    """
    fields = _used_fields(items)
    columns = [
        _columns(item, asset, labels, sizes, fields)
        for item, asset in zip(items, assets, strict=True)
    ]
    blobs = _blobs(items, columns)
    return [
        _prepared(item, asset, shapes.label_counts(), blob)
        for item, asset, shapes, blob in zip(items, assets, columns, blobs, strict=True)
    ]


def receive_packed(items: Sequence[PackedItem], labels: Mapping[int, int]) -> list[ReceivedShapes]:
    """Check the blobs of items; those with masks must still be checked by :func:`prepare_received`.

    Args:
        items: Items of a request.
        labels: The key of each label, by its index in the blobs.

    Raises:
        APIError: A blob is invalid; the message names the asset and the fault.
    """
    try:
        return receive_page([item.shapes for item in items], labels)
    except ValueError:
        for item in items:
            try:
                receive(item.shapes, labels)
            except UnknownLabelError as error:
                raise BadRequestError(
                    f"{error} of the request (asset {item.asset_id})", hint="nothing was written"
                ) from None
            except ValueError as error:
                raise _invalid(item, error) from None
        raise


def prepare_received(
    items: Sequence[PackedItem],
    received: Sequence[ReceivedShapes],
    assets: Sequence[int],
    sizes: Sizes,
) -> list[PreparedAnnotation]:
    """Check and pack what :func:`receive_packed` returned; see :func:`prepare_annotations`."""
    unpacked = []
    for item, each, asset in zip(items, received, assets, strict=True):
        try:
            _check_duration(item.duration or 0.0)
            if each.shapes is not None:
                _check_mask_columns(each.shapes, asset, sizes)
                unpacked.append((item, each, each.shapes))
        except ValueError as error:
            raise _invalid(item, error) from None
    blobs = _blobs([item for item, _, _ in unpacked], [shapes for _, _, shapes in unpacked])
    for (_, each, _), blob in zip(unpacked, blobs, strict=True):
        each.blob = blob
    return [
        _prepared(item, asset, each.counts, each.blob)
        for item, asset, each in zip(items, assets, received, strict=True)
    ]


def _check_mask_columns(shapes: Shapes, asset: int, sizes: Sizes) -> None:
    masks = shapes.group(ShapeKind.MASK)
    if masks is not None:
        boxes: list[Any] = masks.boxes or [None] * len(masks.labels)
        for index, (mask, box) in enumerate(zip(masks.geometry, boxes, strict=True)):
            width, height = _size(asset, sizes)
            counts = rle.decode(mask)
            rle.check(counts, height, width)
            if box is not None and box == rle.bounds(counts, height):
                boxes[index] = None
        masks.boxes = column_of(boxes)
    for outline in _segmentation_masks(shapes):
        width, height = _size(asset, sizes)
        rle.check(rle.decode(outline), height, width)


def _segmentation_masks(shapes: Shapes) -> list[str]:
    keypoints = shapes.group(ShapeKind.KEYPOINTS)
    outlines = (keypoints.segmentations if keypoints is not None else None) or []
    return [outline for outline in outlines if isinstance(outline, str)]


def shapes_with_masks(received: ReceivedShapes) -> bool:
    """Return whether there are masks among the shapes, so that the size of their asset is needed."""
    shapes = received.shapes
    if shapes is None:
        return False
    return shapes.group(ShapeKind.MASK) is not None or bool(_segmentation_masks(shapes))


def _blobs(items: Sequence[ImportItem | PackedItem], columns: Sequence[Shapes]) -> list[bytes]:
    form = _form_of(columns)
    try:
        return pack_page(columns, form)
    except _INVALID:
        for item, shapes in zip(items, columns, strict=True):
            try:
                pack_page([shapes], form)
            except _INVALID as error:
                raise _invalid(item, error) from None
        raise


def _form_of(columns: Sequence[Shapes]) -> ChainForm:
    """Return what all chains of some shapes are; where polygons are text and others are not, all become points."""
    polygons = [group for shapes in columns if (group := shapes.group(ShapeKind.POLYGON))]
    in_text = [group for group in polygons if type(group.geometry[0]) is bytes]
    if not in_text:
        return "points"
    others = {group.kind for shapes in columns for group in shapes.groups} & _CHAINED
    if not others and len(in_text) == len(polygons):
        return "text of points"
    for group in in_text:
        group.geometry = [_points_decoder.decode(text) for text in group.geometry]
    return "points"


_CHAINED = frozenset({ShapeKind.LINE, ShapeKind.KEYPOINTS, ShapeKind.TRACK})
_points_decoder = msgspec.json.Decoder(list[Pair])


class _UsedField(NamedTuple):
    """A field of items that some item of a request has, and the optional columns that some of its shapes have."""

    name: str
    kind: ShapeKind
    geometry: Callable[[list[Any]], list[Any]]
    columns: list[tuple[str, Callable[[Any], Any]]]


def _used_fields(items: Sequence[ImportItem]) -> list[_UsedField]:
    """Look at a whole request at once, because most annotations have polygons or rectangles alone, without columns."""
    used = []
    for name, kind, geometry in _FIELDS:
        shapes = list(chain.from_iterable(map(attrgetter(name), items)))
        if shapes:
            columns = [
                (column, get)
                for field, column, get in _COLUMNS
                if field in shapes[0].__struct_fields__
                and list(map(get, shapes)).count(None) < len(shapes)
            ]
            used.append(_UsedField(name, kind, geometry, columns))
    return used


def _columns(
    item: ImportItem,
    asset: int,
    labels: Mapping[str, int],
    sizes: Sizes,
    fields: Sequence[_UsedField],
) -> Shapes:
    try:
        _check_duration(item.duration or 0.0)
        _check_masks(item, asset, sizes)
    except ValueError as error:
        raise _invalid(item, error) from None
    groups = []
    for field in fields:
        shapes = getattr(item, field.name)
        if shapes:
            try:
                groups.append(_group(field, shapes, labels))
            except KeyError as error:
                raise NotFoundError(
                    f"the version has no label {error.args[0]} (asset {item.asset_id})",
                    hint="nothing was written",
                ) from None
            except BadRequestError as error:
                raise _invalid(item, error) from None
    columns = Shapes(groups)
    if columns.count > MAX_ORDINAL:
        raise RequestTooLargeError(
            f"asset {item.asset_id} has {columns.count} shapes", hint=f"at most {MAX_ORDINAL}"
        )
    return columns


def _prepared(
    item: ImportItem | PackedItem, asset: int, counts: Mapping[int, int], blob: bytes
) -> PreparedAnnotation:
    try:
        attributes = _json(item.attributes)
    except (*_INVALID, BadRequestError) as error:
        raise _invalid(item, error) from None
    return PreparedAnnotation(
        asset=asset,
        status=None if item.status is None else str(item.status),
        blob=blob,
        counts=counts,
        packed_counts=pack_counts(counts),
        size=sum(counts.values()),
        attributes=item.attributes,
        attributes_text=attributes,
        duration=item.duration or 0.0,
    )


def _check_duration(duration: float) -> None:
    if not (math.isfinite(duration) and duration >= 0):
        raise ValueError(f"the duration is {duration} seconds")


def _invalid(item: ImportItem | PackedItem, error: Exception) -> BadRequestError:
    return BadRequestError(
        f"the shapes of asset {item.asset_id} are invalid: {error}", hint="nothing was written"
    )


def _group(field: _UsedField, shapes: list[Any], labels: Mapping[str, int]) -> ShapeGroup:
    keys = [labels[shape.label_id] for shape in shapes]
    group = ShapeGroup(field.kind, keys, field.geometry(shapes))
    for column, get in field.columns:
        setattr(group, column, column_of(list(map(get, shapes))))
    for attributes in group.attributes or ():
        check_depth(attributes, "an object of attributes")
    return group


def _rectangles(shapes: list[Any]) -> list[Any]:
    return [number for s in shapes for number in (s.x, s.y, s.w, s.h)]


def _polygons(shapes: list[Any]) -> list[Any]:
    polygons = [shape.polygon for shape in shapes]
    return list(map(bytes, polygons)) if type(polygons[0]) is msgspec.Raw else polygons


def _points(shapes: list[Any]) -> list[Any]:
    return [number for s in shapes for number in s.point]


def _tracks(shapes: list[Any]) -> list[Any]:
    return [
        TrackGeometry(
            track.start_frame_index,
            [(k.frame_index, k.x, k.y, k.w, k.h) for k in track.rectangle_keyframes],
            [(k.frame_index, k.polygon) for k in track.polygon_keyframes],
            [k.frame_index for k in track.end_keyframes],
        )
        for track in shapes
    ]


def _no_geometry(shapes: list[Any]) -> list[Any]:
    return []


_GEOMETRY: dict[ShapeKind, Callable[[list[Any]], list[Any]]] = {
    ShapeKind.RECTANGLE: _rectangles,
    ShapeKind.POLYGON: _polygons,
    ShapeKind.LINE: lambda shapes: [shape.line for shape in shapes],
    ShapeKind.POINT: _points,
    ShapeKind.CLASSIFICATION: _no_geometry,
    ShapeKind.KEYPOINTS: lambda shapes: [shape.keypoints for shape in shapes],
    ShapeKind.MASK: lambda shapes: [shape.mask for shape in shapes],
    ShapeKind.TRACK: _tracks,
}
_COLUMNS: list[tuple[str, str, Callable[[Any], Any]]] = [
    (field, column, attrgetter(field))
    for field, column in (
        ("text", "texts"),
        ("attributes", "attributes"),
        ("score", "scores"),
        ("bbox", "boxes"),
        ("instance", "instances"),
        ("segmentation", "segmentations"),
    )
]
"""Optional fields of shapes, and the columns of a group that hold them."""
_FIELDS = [(PLURALS[kind], kind, geometry) for kind, geometry in _GEOMETRY.items()]


def _check_masks(item: ImportItem, asset: int, sizes: Sizes) -> None:
    for mask in item.masks:
        width, height = _size(asset, sizes)
        counts = rle.decode(mask.mask)
        rle.check(counts, height, width)
        if mask.bbox == rle.bounds(counts, height):
            mask.bbox = None
    for each in item.keypoints:
        if isinstance(each.segmentation, str):
            width, height = _size(asset, sizes)
            rle.check(rle.decode(each.segmentation), height, width)


def _size(asset: int, sizes: Sizes) -> tuple[int, int]:
    if asset not in sizes:
        raise BadRequestError(
            "a mask needs the size of its asset, and this one's is unknown", hint="send a polygon"
        )
    return sizes[asset]


def has_masks(item: ImportItem) -> bool:
    """Return whether an item has masks, so that the size of its asset is needed."""
    return bool(item.masks) or any(isinstance(each.segmentation, str) for each in item.keypoints)


def _json(attributes: dict[str, Any] | None) -> str | None:
    if attributes is None:
        return None
    check_depth(attributes, "an object of attributes")
    return msgspec.json.encode(attributes).decode()
