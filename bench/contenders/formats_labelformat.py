"""labelformat reads boxes, and writes them as another format."""

from pathlib import Path

import yaml
from labelformat.formats.coco import COCOObjectDetectionInput, COCOObjectDetectionOutput
from labelformat.formats.pascalvoc import (
    PascalVOCObjectDetectionInput,
    PascalVOCObjectDetectionOutput,
)
from labelformat.formats.yolov8 import YOLOv8ObjectDetectionInput, YOLOv8ObjectDetectionOutput
from labelformat.model.object_detection import ObjectDetectionInput

from bench.contenders.job import run


def load(operation: str, source: str) -> ObjectDetectionInput:
    """Open the source with labelformat's reader."""
    if operation.startswith("yolo"):
        return YOLOv8ObjectDetectionInput(Path(source) / "data.yaml", "train")
    if operation.startswith("voc"):
        # labelformat needs all names in advance, and VOC has no list of them.
        names = yaml.safe_load((Path(source).parent / "yolo" / "data.yaml").read_text())["names"]
        return PascalVOCObjectDetectionInput(
            Path(source) / "Annotations", ",".join(names[number] for number in sorted(names))
        )
    return COCOObjectDetectionInput(Path(source))


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Run one operation."""
    reader = load(operation, source)
    if operation.endswith("-coco"):
        COCOObjectDetectionOutput(Path(target)).save(reader)
    elif operation.endswith("-yolo"):
        YOLOv8ObjectDetectionOutput(Path(target) / "data.yaml", "train").save(reader)
    elif operation.endswith("-voc"):
        PascalVOCObjectDetectionOutput(Path(target) / "Annotations").save(reader)
    else:
        found = [len(each.objects) for each in reader.get_labels()]
        return {"images": len(found), "shapes": sum(found)}
    return {}


run(work)
