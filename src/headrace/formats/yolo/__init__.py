"""YOLO as defined by Ultralytics: one label file per image and a ``data.yaml``; coordinates are fractions (0 to 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

from headrace.formats.info import WHOLE, Capability, FormatInfo

Task = Literal["detect", "segment", "pose", "obb", "classify"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)

_FIELDS = frozenset({"size", "background", "split", "unused_labels"})
_BOX, _CORNERS = "its box", "the corners of its box"

_SAYS: Mapping[Task, Capability] = {
    "detect": Capability(
        kinds={"rectangle": WHOLE, "polygon": _BOX, "keypoints": _BOX, "mask": _BOX},
        fields=_FIELDS,
    ),
    "segment": Capability(
        kinds={
            "polygon": WHOLE,
            "rectangle": _CORNERS,
            "keypoints": _CORNERS,
            "mask": "its outline",
        },
        fields=_FIELDS,
    ),
    "pose": Capability(kinds={"keypoints": WHOLE}, fields=_FIELDS | {"bbox"}),
    "obb": Capability(
        kinds={
            "polygon": "four corners",
            "rectangle": _CORNERS,
            "keypoints": _CORNERS,
            "mask": _CORNERS,
        },
        fields=_FIELDS,
    ),
    "classify": Capability(kinds={"classification": WHOLE}, fields=_FIELDS - {"background"}),
}

INFO = FormatInfo(
    name="yolo",
    title="YOLO",
    layout="folder",
    suffixes=(".txt", ".yaml", ".yml"),
    reads=(
        "a data.yaml with its label files, or a folder that holds both (Ultralytics, Roboflow)",
        "label files with a list of classes (Label Studio, LabelImg, Darknet, CVAT, Roboflow Darknet)",
        "labelTxt: corners in pixels with class names (DOTA)",
        "folders named by class (classification)",
    ),
    writes=(
        "data.yaml and labels/SPLIT/…/STEM.txt (Ultralytics)",
        "SPLIT/CLASS/IMAGE for classification, where the images are given",
    ),
    says=_SAYS["detect"],
    tasks={str(task): says for task, says in _SAYS.items()},
)
