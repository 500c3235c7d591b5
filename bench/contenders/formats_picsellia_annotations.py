"""picsellia-annotations, the platform's parser, reads a COCO file."""

from picsellia_annotations.utils import read_coco_file

from bench.contenders.job import run


def work(operation: str, source: str, target: str) -> dict[str, int]:
    """Read the file; it cannot convert."""
    del operation, target
    data = read_coco_file(source)
    return {"images": len(data.images), "shapes": len(data.annotations)}


run(work)
