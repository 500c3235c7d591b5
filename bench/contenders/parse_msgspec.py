"""COCO by msgspec: only the fields that an import needs, segmentations left as they are."""

from pathlib import Path

import msgspec

from bench.contenders.job import run


class Image(msgspec.Struct, gc=False):
    """An image's entry."""

    id: int
    file_name: str
    width: int
    height: int


class Annotation(msgspec.Struct, gc=False):
    """An annotation's entry."""

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
    """Load the file whole."""
    content = msgspec.json.decode(Path(file).read_bytes(), type=File)
    return {"images": len(content.images), "annotations": len(content.annotations)}


run(work)
