"""The version's type decides which geometry of each object is imported.

    OBJECT_DETECTION   the box of every object, not its polygon
    SEGMENTATION       the polygon if there is one, else the box
    KEYPOINT           the keypoints if there are any, else polygon or box
    CLASSIFICATION     a classification for every object, without its geometry
    any other          every shape as it is in the file

The official client does the same, except that it drops shapes that do not fit the type and supports only five types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from headrace.engine.imports.report import ImportOptions
from headrace.formats.geometry.boxes import box_of
from headrace.model.enums import InferenceType
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Classification, Polygon, Rectangle

TASKS = {
    InferenceType.OBJECT_DETECTION: "detect",
    InferenceType.SEGMENTATION: "segment",
    InferenceType.KEYPOINT: "pose",
}
_FORMATS = {"coco": TASKS, "yolo-files": TASKS | {InferenceType.CLASSIFICATION: "classify"}}


def for_type(options: ImportOptions, type: InferenceType, format: str) -> ImportOptions:
    """Return the options with the reader's task that fits the version's type, unless the caller chose one."""
    task = _FORMATS.get(format, {}).get(type)
    if task is None or "task" in options.read:
        return options
    return replace(options, read={**options.read, "task": task})


def change_for(type: InferenceType) -> Callable[[Sample], None] | None:
    """Return the function that adapts each sample's shapes before it is sent, or None if there is nothing to do."""
    change = {
        InferenceType.CLASSIFICATION: _as_classification,
        InferenceType.OBJECT_DETECTION: _as_box,
    }.get(type)
    if change is None:
        return None

    def apply(sample: Sample) -> None:
        sample.shapes = [change(shape) for shape in sample.shapes]

    return apply


def _as_classification(shape: AnyShape) -> AnyShape:
    if isinstance(shape, Classification):
        return shape
    return Classification(**_common(shape))


def _as_box(shape: AnyShape) -> AnyShape:
    box = box_of(shape) if isinstance(shape, Polygon) else None
    if box is None:
        return shape
    x, y, w, h = box
    return Rectangle(x=x, y=y, w=w, h=h, **_common(shape))


def _common(shape: AnyShape) -> dict[str, Any]:
    return {
        "label": shape.label,
        "text": shape.text,
        "attributes": shape.attributes,
        "iscrowd": shape.iscrowd,
        "score": shape.score,
    }
