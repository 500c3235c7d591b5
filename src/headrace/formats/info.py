"""What a format is and what it can say, as data: names for help, and the declared losses of every conversion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from headrace.errors import FormatError

FormatName = Literal["coco", "coco-video", "yolo", "voc"]
ShapeKind = Literal[
    "rectangle", "polygon", "line", "point", "keypoints", "mask", "classification", "track"
]
SHAPE_KINDS: tuple[ShapeKind, ...] = (
    "rectangle",
    "polygon",
    "line",
    "point",
    "keypoints",
    "mask",
    "classification",
    "track",
)

# What else a sample or a shape may carry, in the words of the loss table.
FIELDS: Mapping[str, str] = {
    "size": "width and height of the image",
    "background": "an image without objects told from one nobody annotated",
    "split": "the split of an image",
    "image_id": "the id of an image",
    "image_attributes": "attributes of an image",
    "label_id": "the number of a label",
    "supercategory": "groups of labels",
    "unused_labels": "labels without any shape",
    "skeleton": "names and joints of keypoints",
    "shape_id": "the id of a shape",
    "iscrowd": "the mark of a crowd",
    "area": "the area as given",
    "score": "the score",
    "text": "the text of a shape",
    "attributes": "attributes of a shape",
    "bbox": "the box given beside a polygon, mask or keypoints",
    "rings": "several rings in one polygon",
    "about": "what a file says of itself (info, licences)",
    "extra": "keys that the format does not define",
}

WHOLE = ""


class Capability(Struct, frozen=True, kw_only=True):
    """What a format can say.

    ``kinds`` maps each shape kind that survives to :data:`WHOLE`, or to words for what is left of it ("its box");
    a kind that is absent is dropped. ``fields`` names those of :data:`FIELDS` that are written and read back.
    """

    kinds: Mapping[ShapeKind, str]
    fields: frozenset[str]


class Loss(Struct, frozen=True, kw_only=True):
    """One thing that a conversion cannot carry, and what becomes of it."""

    what: str
    becomes: str


class FormatInfo(Struct, frozen=True, kw_only=True):
    """A format as people and programs see it.

    ``layout`` is what a writer makes: one ``file`` or a ``folder``. ``suffixes`` are those of its annotation files,
    lower case with the dot. ``reads`` and ``writes`` list the dialects in words. ``says`` holds the capability
    without a task; ``tasks`` those of the named tasks (``detect``, ``segment`` …) where the format has such.
    """

    name: FormatName
    title: str
    layout: Literal["file", "folder"]
    suffixes: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    says: Capability
    tasks: Mapping[str, Capability] = {}

    def capability(self, task: str | None = None) -> Capability:
        """What the format can say under a task; FormatError names the tasks where it has no such one."""
        if task is None:
            return self.says
        if task not in self.tasks:
            known = ", ".join(self.tasks) or "none"
            raise FormatError(f"{self.title} has no task {task!r}", hint=f"tasks: {known}")
        return self.tasks[task]


def losses(source: FormatInfo, target: FormatInfo, *, task: str | None = None) -> list[Loss]:
    """What ``source`` may hold that ``target`` (under a task) cannot say."""
    have, want = source.says, target.capability(task)
    kinds = [
        Loss(what=kind, becomes=want.kinds.get(kind, "dropped"))
        for kind in SHAPE_KINDS
        if have.kinds.get(kind) == WHOLE and want.kinds.get(kind) != WHOLE
    ]
    lost = have.fields - want.fields
    return kinds + [
        Loss(what=words, becomes="dropped") for name, words in FIELDS.items() if name in lost
    ]


class Guess(Struct, frozen=True, kw_only=True):
    """What a look at a file or folder suggests: a format, how sure, and why (one line, for people)."""

    format: FormatName
    confidence: Literal["certain", "likely", "possible"]
    reason: str
