"""ultrafast-pycocotools loads a COCO file and builds its index."""

from ultrafast_pycocotools.coco import COCO

from bench.contenders.job import run


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Load the file; it cannot convert."""
    del operation, target
    data = COCO(source)
    return {"images": len(data.getImgIds()), "shapes": len(data.getAnnIds())}


run(work)
