"""hotcoco loads a dataset, and saves it as another format."""

from hotcoco import COCO

from bench.contenders.job import run


def load(operation: str, source: str) -> COCO:
    """Load the whole dataset into memory."""
    if operation.startswith("yolo"):
        return COCO.from_yolo(f"{source}/labels/train", f"{source}/images/train")
    return COCO.from_voc(source) if operation.startswith("voc") else COCO(source)


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Run one operation."""
    data = load(operation, source)
    if operation.endswith("-coco"):
        data.save(target)
    elif operation.endswith("-yolo"):
        data.to_yolo(target)
    elif operation.endswith("-voc"):
        data.to_voc(target)
    return {"images": len(data.get_img_ids()), "shapes": len(data.get_ann_ids())}


run(work)
