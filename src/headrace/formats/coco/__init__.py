"""COCO: one JSON file of images, annotations and categories, in all common dialects."""

from __future__ import annotations

from headrace.formats.info import WHOLE, Capability, FormatInfo

INFO = FormatInfo(
    name="coco",
    title="COCO",
    layout="file",
    suffixes=(".json", ".json.gz"),
    reads=(
        "instances, person keypoints, stuff, image info, labels without a box",
        "a file for each split in one folder: Roboflow, COCO 2017, mmdetection",
        "results lists (with predictions)",
        "LVIS, Roboflow, CVAT, COCO Annotator, FiftyOne, Label Studio, VIA, Picsellia",
        "polygons, RLE compressed or not, any order of keys, any white space, gzip, a byte order mark",
    ),
    writes=(
        "one UTF-8 file in lines, readable by pycocotools",
        "a folder with annotations/instances_SPLIT.json, where the target does not end in .json",
    ),
    folder_fields=frozenset({"split"}),
    says=Capability(
        kinds={
            "rectangle": WHOLE,
            "polygon": WHOLE,
            "keypoints": WHOLE,
            "mask": WHOLE,
            "classification": WHOLE,
        },
        fields=frozenset(
            {
                "size",
                "background",
                "image_id",
                "image_attributes",
                "label_id",
                "supercategory",
                "unused_labels",
                "skeleton",
                "iscrowd",
                "area",
                "score",
                "text",
                "attributes",
                "bbox",
                "segmentation",
                "rings",
                "about",
                "extra",
            }
        ),
    ),
)
