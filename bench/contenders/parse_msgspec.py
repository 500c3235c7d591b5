"""Load COCO with msgspec: only the fields that an import needs, segmentations undecoded."""

from pathlib import Path

import msgspec

from bench.contenders.job import run


class Image(msgspec.Struct, gc=False):
    """An image."""

    id: int
    file_name: str
    width: int
    height: int


class Annotation(msgspec.Struct, gc=False):
    """An annotation."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    segmentation: msgspec.Raw


class File(msgspec.Struct, gc=False):
    """A COCO file."""

    images: list[Image]
    annotations: list[Annotation]


def work(file: str) -> dict[str, int]:
    """Load the whole file."""
    content = msgspec.json.decode(Path(file).read_bytes(), type=File)
    return {"images": len(content.images), "annotations": len(content.annotations)}


run(work)
