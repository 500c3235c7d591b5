"""globox reads boxes, and writes them as another format."""

from globox import AnnotationSet

from bench.contenders.job import run


def load(operation: str, source: str) -> AnnotationSet:
    """Load the whole dataset into memory."""
    if operation.startswith("yolo"):
        return AnnotationSet.from_yolo_v5(
            f"{source}/labels/train", image_folder=f"{source}/images/train"
        )
    if operation.startswith("voc"):
        return AnnotationSet.from_pascal_voc(f"{source}/Annotations")
    return AnnotationSet.from_coco(source)


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Run one operation."""
    data = load(operation, source)
    if operation.endswith("-coco"):
        data.save_coco(target, auto_ids=True)
    elif operation.endswith("-yolo"):
        # globox has no list of classes; the caller chooses the numbers.
        names = sorted({box.label for each in data for box in each.boxes})
        numbers = {name: number for number, name in enumerate(names)}
        data.save_yolo_v5(target, label_to_id=numbers)
    elif operation.endswith("-voc"):
        data.save_pascal_voc(target)
    return {"images": len(data), "shapes": sum(len(each.boxes) for each in data)}


run(work)
