"""labelformat reads and writes boxes of COCO, YOLO and VOC."""

from labelformat.formats.coco import COCOObjectDetectionInput, COCOObjectDetectionOutput
from labelformat.formats.pascalvoc import (
    PascalVOCObjectDetectionInput,
    PascalVOCObjectDetectionOutput,
)
from labelformat.formats.yolov8 import YOLOv8ObjectDetectionInput, YOLOv8ObjectDetectionOutput
from labelformat.model.bounding_box import BoundingBoxFormat
from peer_job import gather, run

NAMES = "cat,traffic light,dog"


def load(kind, folder):
    """Their reader of a folder."""
    if kind == "yolo":
        return YOLOv8ObjectDetectionInput(folder / "data.yaml", "train")
    if kind == "voc":
        return PascalVOCObjectDetectionInput(folder / "Annotations", NAMES)
    return COCOObjectDetectionInput(folder / "coco.json")


def read(kind, folder):
    """All boxes."""
    found = []
    for each in load(kind, folder).get_labels():
        found.append((each.image.filename, None, ()))
        for item in each.objects:
            values = item.box.to_format(BoundingBoxFormat.XYWH)
            found.append((each.image.filename, item.category.name, values))
    return gather(found)


def write(kind, folder, target):
    """The COCO file in another format."""
    data = load("coco", folder)
    if kind == "coco":
        COCOObjectDetectionOutput(target / "coco.json").save(data)
    elif kind == "yolo":
        YOLOv8ObjectDetectionOutput(target / "data.yaml", "train").save(data)
    else:
        PascalVOCObjectDetectionOutput(target / "Annotations").save(data)


run(read, write)
