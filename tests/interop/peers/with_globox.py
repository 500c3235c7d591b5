"""globox reads and writes boxes of COCO, YOLO and VOC; its YOLO knows no names."""

from globox import AnnotationSet
from peer_job import gather, run

NUMBERS = {"cat": 0, "traffic light": 1, "dog": 2}
NAMES = {str(number): name for name, number in NUMBERS.items()}


def load(kind, folder):
    """The dataset of a folder."""
    if kind == "yolo":
        images = folder / "images/train"
        return AnnotationSet.from_yolo_v5(folder / "labels/train", image_folder=images)
    if kind == "voc":
        return AnnotationSet.from_pascal_voc(folder / "Annotations")
    return AnnotationSet.from_coco(folder / "coco.json")


def read(kind, folder):
    """All boxes."""
    found = []
    for each in load(kind, folder):
        found.append((each.image_id, None, ()))
        for box in each.boxes:
            values = box.xmin, box.ymin, box.width, box.height
            found.append((each.image_id, NAMES.get(box.label, box.label), values))
    return gather(found)


def write(kind, folder, target):
    """The COCO file in another format."""
    data = load("coco", folder)
    if kind == "coco":
        data.save_coco(target / "coco.json", auto_ids=True)
    elif kind == "yolo":
        (target / "labels").mkdir()
        data.save_yolo_v5(target / "labels/train", label_to_id=NUMBERS)
    else:
        data.save_pascal_voc(target / "Annotations")


run(read, write)
