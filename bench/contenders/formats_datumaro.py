"""datumaro imports a dataset, and exports it as another format."""

from datumaro import Dataset

from bench.contenders.job import run

EXPORTS = {"coco": "coco_instances", "yolo": "yolo", "voc": "voc_detection"}


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Run one operation."""
    kind, _, to = operation.partition("-")
    data = Dataset.import_from(source, {"yolo": "yolo", "voc": "voc"}.get(kind, "coco"))
    if to:
        more = {"reindex": True} if to == "coco" else {}
        data.export(target, EXPORTS[to], save_media=False, **more)
        return {}
    # datumaro counts the box of a polygon as another annotation with the same id.
    found = [len({annotation.id for annotation in each.annotations}) for each in data]
    return {"images": len(found), "shapes": sum(found)}


run(work)
