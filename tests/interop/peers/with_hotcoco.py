"""hotcoco reads and writes COCO, YOLO and VOC."""

from hotcoco import COCO
from peer_job import gather, run


def load(kind, folder):
    """The dataset of a folder."""
    if kind == "yolo":
        return COCO.from_yolo(str(folder / "labels/train"), str(folder / "images/train"))
    return COCO.from_voc(str(folder)) if kind == "voc" else COCO(str(folder / "coco.json"))


def read(kind, folder):
    """All boxes."""
    data = load(kind, folder)
    names = {each["id"]: each["file_name"] for each in data.dataset["images"]}
    labels = {each["id"]: each["name"] for each in data.dataset["categories"]}
    empty = [(name, None, ()) for name in names.values()]
    found = [
        (names[each["image_id"]], labels[each["category_id"]], each["bbox"])
        for each in data.dataset["annotations"]
    ]
    return gather([*empty, *found])


def write(kind, folder, target):
    """The COCO file in another format."""
    data = load("coco", folder)
    if kind == "coco":
        data.save(str(target / "coco.json"))
    elif kind == "yolo":
        data.to_yolo(str(target / "labels/train"))
    else:
        data.to_voc(str(target))


run(read, write)
