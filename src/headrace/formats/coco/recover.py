"""Recover annotations and images that are not clean; what cannot be recovered becomes a finding.

There is one function for each field. It takes the value in the file and returns a clean one, or None.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

from headrace.formats.coco.schema import ANNOTATION_KEYS, Id, ImageRecord, RleRecord, StrictRecord
from headrace.formats.findings.collect import Severity
from headrace.model.nesting import MAX_DEPTH, is_shallow
from headrace.model.shapes import Box

Report = Callable[..., None]
T = TypeVar("T")

NO_POLYGON = "a polygon has an odd number of coordinates or fewer than three points, dropped"
MIN_INT, MAX_INT = -(2**63), 2**63 - 1
MAX_EXACT = 2**53

_IMAGE_KEYS = frozenset(ImageRecord.__struct_encode_fields__)


def parse(text: bytes, report: Report) -> dict[str, Any] | None:
    """Decode an object with Python's :mod:`json`, which accepts more than msgspec; None where it is not one."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            report("C26", "a key appears twice in one object, the last one counts")
        return values

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        report("C26", "a record cannot be decoded", severity=Severity.ERROR)
        return None
    if not isinstance(value, dict):
        report("C26", "a record is not an object", severity=Severity.ERROR)
        return None
    if not is_shallow(value):
        report("C27", "a record is nested deeper than 64 levels", severity=Severity.ERROR)
        return None
    return value


def annotation(values: dict[str, Any], report: Report) -> tuple[StrictRecord, dict[str, Any]]:
    """Return a clean annotation, and the values of the keys that COCO does not define."""
    extra = {key: value for key, value in values.items() if key not in ANNOTATION_KEYS}
    attributes = values.get("attributes")
    if attributes is not None and not isinstance(attributes, dict):
        extra["attributes"] = attributes
        attributes = None
    record = StrictRecord(
        id=id_of(values.get("id"), report),
        image_id=id_of(values.get("image_id"), report),
        category_id=id_of(values.get("category_id"), report),
        bbox=box(values.get("bbox"), report),
        segmentation=segmentation(values.get("segmentation"), report),
        area=float_of(values.get("area"), report),
        iscrowd=flag(values.get("iscrowd")),
        keypoints=points(values.get("keypoints"), report),
        score=float_of(values.get("score"), report),
        attributes=attributes,
        utf8_string=text_of(values.get("utf8_string")),
    )
    return record, extra


def image(values: dict[str, Any], report: Report) -> tuple[ImageRecord, dict[str, Any]]:
    """Return a clean image, and the values of the keys that COCO does not define."""
    extra = {key: value for key, value in values.items() if key not in _IMAGE_KEYS}
    attributes = values.get("attributes")
    if attributes is not None and not isinstance(attributes, dict):
        extra["attributes"] = attributes
        attributes = None
    record = ImageRecord(
        id=id_of(values.get("id"), report),
        file_name=text_of(values.get("file_name")),
        width=int_of(values.get("width")),
        height=int_of(values.get("height")),
        attributes=attributes,
    )
    return record, extra


def is_plain(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Return whether a value is nested at most ``depth`` levels deep, and its whole numbers fit 64 bits."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return type(value) is not int or MIN_INT <= value <= MAX_INT
    # A loop, because most values hold a few texts and numbers.
    for each in value:
        if type(each) is not str and not is_plain(each, depth - 1):
            return False
    return depth > 0


def plain(value: T, report: Report) -> T:
    """Return a value with texts for whole numbers beyond 64 bits, which no database and no other reader holds."""
    if is_plain(value):
        return value
    report("C26", "a whole number beyond 64 bits, read as text")
    changed: T = _with_texts(value)
    return changed


def _with_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_texts(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_texts(each) for each in value]
    return value if is_plain(value) else str(value)


def id_of(value: Any, report: Report) -> Id | None:
    """Return an id: a whole number of 64 bits, or text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) <= MAX_INT:
            return value
        report("C26", "an id does not fit 64 bits", severity=Severity.ERROR, detail=str(value))
        return None
    return readable(value) if isinstance(value, str) else None


def box(value: Any, report: Report) -> Box | None:
    """Return ``x, y, w, h`` in pixels. A box without extent is kept, one that is not finite is not."""
    if not value:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        report("C04", "a bbox is not four numbers", detail=repr(value))
        return None
    x, y, w, h = map(coordinate, value)
    if not all(map(math.isfinite, (x, y, w, h))):
        report("C05", "a bbox is not finite", detail=repr(value))
        return None
    if w <= 0 or h <= 0:
        report("C05", "a bbox has no extent, kept", detail=repr(value))
    return x, y, w, h


def segmentation(value: Any, report: Report) -> list[list[float]] | RleRecord | None:
    """Return the usable rings of a polygon, or an RLE mask of the right types; None where nothing is usable."""
    if not value:
        return None
    if isinstance(value, dict):
        return run_lengths(value, report)
    if not isinstance(value, list):
        report("C08", "a segmentation is neither polygons nor RLE", detail=repr(value))
        return None
    if not isinstance(value[0], list):
        report("C08", "a polygon without its outer list")
        value = [value]
    return [each for each in (ring(each, report) for each in value) if each] or None


def ring(value: Any, report: Report) -> list[float] | None:
    """Return ``[x1, y1, …]`` with at least three points."""
    if not isinstance(value, list) or not all(map(is_number, value)):
        report("C09", "a polygon is not a list of numbers, dropped", detail=repr(value))
        return None
    if len(value) % 2 or len(value) < 6:
        report("C09", NO_POLYGON, detail=repr(value))
        return None
    ring = list(map(coordinate, value))
    if not all(map(math.isfinite, ring)):
        report("C05", "a polygon is not finite, dropped", detail=repr(value))
        return None
    return ring


def run_lengths(value: dict[str, Any], report: Report) -> RleRecord | None:
    """Return an RLE mask whose size is two whole numbers. Its counts are checked when they are used."""
    size, counts = value.get("size"), value.get("counts")
    if isinstance(size, list) and len(size) == 2 and all(map(is_whole, size)):
        if isinstance(counts, str):
            return RleRecord((int(size[0]), int(size[1])), counts)
        if isinstance(counts, list) and all(map(is_whole, counts)):
            return RleRecord((int(size[0]), int(size[1])), list(map(int, counts)))
    report("C12", "an RLE mask without size or counts", severity=Severity.ERROR, detail=repr(value))
    return None


def points(value: Any, report: Report) -> list[float] | None:
    """Return keypoints, ``[x1, y1, v1, …]``."""
    if not value:
        return None
    if (
        not isinstance(value, list)
        or not all(map(is_number, value))
        or not all(map(math.isfinite, value))
    ):
        report("C21", "keypoints are not a list of numbers, dropped", detail=repr(value))
        return None
    return list(map(coordinate, value))


def float_of(value: Any, report: Report) -> float | None:
    """Return a finite number."""
    if not is_number(value):
        return None
    if not math.isfinite(value):
        report("C05", "an area or score is not finite, dropped")
        return None
    return coordinate(value)


def coordinate(value: float) -> float:
    """Return a number: a whole one as it is, unless floats do not tell it from its neighbours."""
    return value if abs(value) <= MAX_EXACT else float(value)


def flag(value: Any) -> bool:
    """Return a truth value from COCO's 0 and 1, JSON's false and true, or either of them as text."""
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true")
    return bool(value)


def int_of(value: Any) -> int | None:
    """Return a whole number, also from 640.0 or from text."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    return int(value) if is_whole(value) else None


def text_of(value: Any) -> str | None:
    """Return text, also from a whole number."""
    if isinstance(value, str):
        return readable(value)
    return str(value) if is_whole(value) else None


def readable(value: str) -> str:
    """Replace lone surrogates, which neither file names nor UTF-8 can hold."""
    return value.encode("utf-8", "replace").decode() if not value.isascii() else value


def is_number(value: Any) -> bool:
    """Return whether a value is a number that a float can hold."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 1 << 1000
    return isinstance(value, float)


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number of at most 64 bits."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= MAX_INT
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INT
