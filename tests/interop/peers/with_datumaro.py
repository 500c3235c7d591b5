"""datumaro reads and writes COCO, YOLO and VOC."""

from datumaro import AnnotationType, Dataset
from peer_job import gather, run

IMPORTS = {"coco": "coco", "yolo": "yolo", "voc": "voc"}
EXPORTS = {"coco": "coco_instances", "yolo": "yolo", "voc": "voc_detection"}


def read(kind, folder):
    """All boxes."""
    data = Dataset.import_from(str(folder), IMPORTS[kind])
    labels = [each.name for each in data.categories()[AnnotationType.label]]
    found = []
    for each in data:
        found.append((each.id + ".jpg", None, ()))
        for item in each.annotations:
            if item.type == AnnotationType.bbox:
                values = item.x, item.y, item.w, item.h
                found.append((each.id + ".jpg", labels[item.label], values))
    return gather(found)


def write(kind, folder, target):
    """The COCO file in another format."""
    data = Dataset.import_from(str(folder), "coco")
    more = {"reindex": True} if kind == "coco" else {}
    data.export(str(target), EXPORTS[kind], save_media=True, **more)


run(read, write)
