"""supervision reads and writes COCO, YOLO and VOC beside their images."""

import supervision as sv
from peer_job import gather, run

Dataset = sv.DetectionDataset


def load(kind, folder):
    """The dataset of a folder."""
    images = str(folder / "images/train")
    if kind == "yolo":
        return Dataset.from_yolo(images, str(folder / "labels/train"), str(folder / "data.yaml"))
    if kind == "voc":
        return Dataset.from_pascal_voc(images, str(folder / "Annotations"))
    return Dataset.from_coco(images, str(folder / "coco.json"))


def read(kind, folder):
    """All boxes."""
    data = load(kind, folder)
    found = []
    for name, _, detections in data:
        found.append((name, None, ()))
        for (left, top, right, bottom), number in zip(
            detections.xyxy, detections.class_id, strict=True
        ):
            values = left, top, right - left, bottom - top
            found.append((name, data.classes[number], values))
    return gather(found)


def write(kind, folder, target):
    """The COCO file in another format."""
    data = load("coco", folder)
    images = str(target / "images/train")
    if kind == "coco":
        data.as_coco(images, str(target / "coco.json"))
    elif kind == "yolo":
        data.as_yolo(images, str(target / "labels/train"), str(target / "data.yaml"))
    else:
        data.as_pascal_voc(images, str(target / "Annotations"))


run(read, write)
