"""What a version's type makes of an annotation file's shapes.

    OBJECT_DETECTION   the box of every object, its outline left aside
    SEGMENTATION       the outline before the box
    KEYPOINT           the keypoints before outline and box
    CLASSIFICATION     a classification for every object, its geometry left aside
    any other          every shape as the file has it

As the official client does it, except that it drops what does not suit a type, and takes five of the types only.
"""

from __future__ import annotations

from collections.abc import Callable

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
    """The options with the reader's task that suits the version's type, unless the caller named one."""
    task = _FORMATS.get(format, {}).get(type)
    if task is None or "task" in options.read:
        return options
    return replace(options, read={**options.read, "task": task})


def change_for(type: InferenceType) -> Callable[[Sample], None] | None:
    """What is done to each sample, shape for shape, before it is sent; None for nothing."""
    change = {
        InferenceType.CLASSIFICATION: _as_word,
        InferenceType.OBJECT_DETECTION: _as_box,
    }.get(type)
    if change is None:
        return None

    def apply(sample: Sample) -> None:
        sample.shapes = [change(shape) for shape in sample.shapes]

    return apply


def _as_word(shape: AnyShape) -> AnyShape:
    if isinstance(shape, Classification):
        return shape
    return Classification(
        label=shape.label, text=shape.text, attributes=shape.attributes, iscrowd=shape.iscrowd
    )


def _as_box(shape: AnyShape) -> AnyShape:
    box = box_of(shape) if isinstance(shape, Polygon) else None
    if box is None:
        return shape
    x, y, w, h = box
    return Rectangle(
        x=x, y=y, w=w, h=h,
        label=shape.label, text=shape.text, attributes=shape.attributes, iscrowd=shape.iscrowd,
    )  # fmt: skip
