"""The canonical value of an annotation: one text for one content, however it is stored, listed or spelled.

The rules are a promise (``docs/how-to/freeze-a-release.md``): another rule needs another ``FORM``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from msgspec import UNSET

from headrace.model import rle
from headrace.model.records import Meta
from headrace.protocol.operations import annotations as wire
from headrace.protocol.operations.annotations import LoadedAnnotation, ShapeOut

FORM = "headrace.digest/1"
"""The first line of what a version's digest is the SHA-256 of."""

Value = dict[str, Any]

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def canonical_json(value: Any) -> bytes:
    """Return JSON that is equal for equal values: sorted keys, and one spelling of each number."""
    return _encode(_plain(value)).encode()


def asset_digest(
    filename: str, sha256_of_file: str, annotations: Iterable[LoadedAnnotation], meta: Meta | None
) -> bytes:
    """Return the digest (32 bytes) of an asset with its annotations, in whatever order they come.

    Args:
        filename: The name of the file.
        sha256_of_file: The SHA-256 of the file, in hexadecimal.
        annotations: All annotations of the asset.
        meta: The size of the image in pixels; None if it is unknown.
    """
    height = meta.height if meta else 0
    values = sorted(_encode(annotation_value(each, height)) for each in annotations)
    return sha256(_encode([filename, sha256_of_file, values]).encode()).digest()


def head_of(labels: Iterable[str]) -> bytes:
    """Return the first lines of what a version's digest is the SHA-256 of: its form, and its labels."""
    return f"{FORM}\n{_encode(sorted(labels))}\n".encode()


def annotation_value(annotation: LoadedAnnotation, height: int) -> Value:
    """Return the shapes and attributes of an annotation: no ids, owner, status or duration.

    Args:
        annotation: The annotation.
        height: Height of the image in pixels, for the boxes of masks; 0 if it is unknown.
    """
    values: Value = {
        "rectangles": [
            _value(s, box=_numbers([s.x, s.y, s.w, s.h])) for s in annotation.rectangles
        ],
        "polygons": _polygons(annotation.polygons),
        "lines": [_value(s, line=_flat(s.line)) for s in annotation.lines],
        "points": [_value(s, point=_numbers(s.point)) for s in annotation.points],
        "classifications": [_value(s) for s in annotation.classifications],
        "keypoints": [_keypoints(s) for s in annotation.keypoints],
        "masks": [_mask(s, height) for s in annotation.masks],
        "tracks": [_track(s) for s in annotation.tracks],
    }
    found: Value = {kind: sorted(shapes, key=_encode) for kind, shapes in values.items() if shapes}
    if annotation.attributes:
        found["attributes"] = _plain(annotation.attributes)
    return found


def _value(shape: ShapeOut, **geometry: Any) -> Value:
    value: Value = {"label": shape.label, **geometry}
    if shape.text:
        value["text"] = shape.text
    if shape.attributes:
        value["attributes"] = _plain(shape.attributes)
    if shape.score is not UNSET and shape.score is not None:
        value["score"] = _number(shape.score)
    return value


def _polygons(polygons: Sequence[wire.PolygonOut]) -> list[Value]:
    """Join the rings of one object. The order of rings has no meaning, that of the points of a ring has."""
    objects: dict[object, list[wire.PolygonOut]] = {}
    for index, each in enumerate(polygons):
        key = ("ring", index) if each.instance is None else ("object", each.instance)
        objects.setdefault(key, []).append(each)
    values = []
    for parts in objects.values():
        rings = [_flat(part.polygon) for part in parts]
        value = _value(parts[0], rings=sorted(rings))
        boxes = [part.bbox for part in parts if part.bbox is not UNSET and part.bbox is not None]
        if boxes and _numbers(boxes[0]) != _bounds(rings):
            value["box"] = _numbers(boxes[0])
        values.append(value)
    return values


def _keypoints(shape: wire.KeypointsOut) -> Value:
    value = _value(shape, keypoints=_flat(shape.keypoints))
    if shape.bbox is not UNSET and shape.bbox is not None:
        value["box"] = _numbers(shape.bbox)
    if isinstance(shape.segmentation, str):
        value["mask"] = _runs(shape.segmentation)
    elif shape.segmentation is not UNSET and shape.segmentation is not None:
        value["rings"] = sorted(_flat(ring) for ring in shape.segmentation)
    return value


def _mask(shape: wire.MaskOut, height: int) -> Value:
    runs = _runs(shape.mask)
    value = _value(shape, mask=runs)
    if shape.bbox:
        box = _numbers(shape.bbox)
        if box != list(rle.bounds(runs, height)):
            value["box"] = box
    return value


def _track(shape: wire.TrackOut) -> Value:
    return _value(
        shape,
        start=shape.start_frame_index,
        rectangles=sorted(
            [k.frame_index, *_numbers([k.x, k.y, k.w, k.h])] for k in shape.rectangle_keyframes
        ),
        polygons=sorted([k.frame_index, _flat(k.polygon)] for k in shape.polygon_keyframes),
        ends=sorted(k.frame_index for k in shape.end_keyframes),
    )


def _runs(text: str) -> list[int]:
    """Return the run lengths of a mask without the empty ones inside it, which say nothing."""
    runs: list[int] = []
    for index, length in enumerate(rle.decode(text)):
        if index and not length:
            continue
        if len(runs) % 2 == index % 2:
            runs.append(length)
        else:
            runs[-1] += length
    return runs


def _bounds(rings: Sequence[Sequence[float]]) -> list[float]:
    xs = [x for ring in rings for x in ring[0::2]]
    ys = [y for ring in rings for y in ring[1::2]]
    if not xs:
        return []
    left, top = min(xs), min(ys)
    return _numbers([left, top, max(xs) - left, max(ys) - top])


def _flat(points: Iterable[Iterable[float]]) -> list[float]:
    return [_number(number) for point in points for number in point]


def _numbers(numbers: Iterable[float]) -> list[float]:
    return [_number(number) for number in numbers]


def _number(number: float) -> float:
    """Return a whole number as an int, so that 3, 3.0 and -0.0 have one spelling each."""
    return int(number) if number % 1 == 0 else number


def _plain(value: Any) -> Any:
    """Return a value of attributes with its numbers in one spelling."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return _number(value)
    return value
