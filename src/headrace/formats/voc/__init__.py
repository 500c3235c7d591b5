"""Pascal VOC: one XML file per image, as written by the devkit, LabelImg, CVAT and Roboflow."""

from __future__ import annotations

from headrace.formats.info import WHOLE, Capability, FormatInfo

_BOX = "its box"
_FIELDS = frozenset({"size", "split", "unused_labels", "iscrowd", "attributes", "image_attributes"})

INFO = FormatInfo(
    name="voc",
    title="Pascal VOC",
    layout="folder",
    suffixes=(".xml",),
    reads=(
        "a devkit (Annotations, ImageSets/Main), folders of any names, or one XML file",
        "images beside the files or in another folder; a folder for each split (Roboflow)",
        "parts, polygons in both notations, attributes of CVAT",
    ),
    writes=("Annotations/…/STEM.xml, ImageSets/Main/SPLIT.txt and labelmap.txt",),
    says=Capability(
        kinds={"rectangle": WHOLE, "polygon": WHOLE, "keypoints": _BOX, "mask": _BOX},
        fields=_FIELDS | {"bbox", "rings"},
    ),
    tasks={
        "detect": Capability(
            kinds={"rectangle": WHOLE, "polygon": _BOX, "keypoints": _BOX, "mask": _BOX},
            fields=_FIELDS,
        )
    },
)
