"""What each format can represent, as data: texts for the help, and the declared losses of every conversion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from headrace.errors import FormatError, did_you_mean

BuiltInFormat = Literal["coco", "coco-video", "yolo", "voc"]
FormatName = BuiltInFormat | str
"""The name of a format: one of headrace's own, which type checkers and editors know, or one of another package."""
Media = Literal["none", "copy", "hardlink", "symlink"]
"""How an export puts the images in place."""

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

# Further data of samples and shapes, in the words of the loss table.
FIELDS: Mapping[str, str] = {
    "size": "width and height of the image",
    "background": "whether an image without objects was annotated",
    "split": "the split of an image",
    "image_id": "the id of an image",
    "image_attributes": "attributes of an image",
    "label_id": "the number of a label",
    "supercategory": "label groups (supercategories)",
    "unused_labels": "labels without shapes",
    "skeleton": "names and joints of keypoints",
    "shape_id": "the id of a shape",
    "iscrowd": "the iscrowd flag",
    "area": "the area given in the source",
    "score": "the score",
    "text": "the text of a shape",
    "attributes": "attributes of a shape",
    "bbox": "the box given in addition to a polygon, mask or keypoints",
    "segmentation": "the outline given in addition to keypoints",
    "rings": "several rings in one polygon",
    "about": "file-level metadata (info, licences)",
    "extra": "keys that the format does not define",
}

WHOLE = ""


class Capability(Struct, frozen=True, kw_only=True):
    """What a format can represent.

    Attributes:
        kinds: Maps each shape kind that is kept to :data:`WHOLE`, or to a description of the part that is kept ("its
            box"). Kinds that are absent are dropped.
        fields: Those of :data:`FIELDS` that are written and read back.
    """

    kinds: Mapping[ShapeKind, str]
    fields: frozenset[str]


class Loss(Struct, frozen=True, kw_only=True):
    """Something that a conversion cannot keep, and what it becomes."""

    what: str
    becomes: str


class FormatInfo(Struct, frozen=True, kw_only=True):
    """The description of a format, for help texts and programs.

    Attributes:
        name: Name on the command line and in Python.
        title: Name in texts.
        layout: Whether a writer creates one ``file`` or a ``folder``.
        suffixes: Suffixes of the annotation files, lower case with the dot.
        reads: Dialects that the reader accepts, in words.
        writes: Dialects that the writer produces, in words.
        says: Capability without a task.
        folder_fields: What more is kept where the target of a format of files is a folder.
        tasks: Capability by task (``detect``, ``segment`` …), where the format has tasks.
    """

    name: str
    title: str
    layout: Literal["file", "folder"]
    suffixes: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    says: Capability
    folder_fields: frozenset[str] = frozenset()
    tasks: Mapping[str, Capability] = {}

    def capability(self, task: str | None = None, *, folder: bool = False) -> Capability:
        """Return the capability under a task; raises FormatError, with the known tasks, for any other.

        With ``folder``, that of a target that is a folder.
        """
        if task is None:
            if folder and self.folder_fields:
                return replace(self.says, fields=self.says.fields | self.folder_fields)
            return self.says
        if task not in self.tasks:
            known = ", ".join(self.tasks) or "none"
            hint = f"{did_you_mean(task.lower(), self.tasks)}tasks: {known}"
            raise FormatError(f"{self.title} has no task {task!r}", hint=hint)
        return self.tasks[task]


def losses(
    source: FormatInfo, target: FormatInfo, *, task: str | None = None, folder: bool = False
) -> list[Loss]:
    """List everything that one format may hold and another cannot represent.

    Args:
        source: The format that is read.
        target: The format that is written.
        task: Task of the target, for formats with tasks.
        folder: Whether the target is a folder.

    Returns:
        The losses: kinds of shapes first, then fields.

    Raises:
        FormatError: The target has no such task.
    """
    have, want = source.says, target.capability(task, folder=folder)
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
    """A format that a file or folder seems to have, with a confidence and a reason (one line of text).

    ``others`` are further formats that a folder holds, which are not read unless they are named.
    """

    format: str
    confidence: Literal["certain", "likely", "possible"]
    reason: str
    others: tuple[Guess, ...] = ()
