"""Records of a COCO file for the limits, with only the fields that a reader needs."""

import msgspec


class Image(msgspec.Struct, gc=False):
    """An image."""

    id: int
    file_name: str
    width: int
    height: int


class Annotation(msgspec.Struct, gc=False):
    """An annotation with its polygons as numbers."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    segmentation: list[list[float]]
