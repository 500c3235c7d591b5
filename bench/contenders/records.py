"""Records of a COCO file, for the limits: typed, no more fields than a reader needs."""

import msgspec


class Image(msgspec.Struct, gc=False):
    """An image's entry."""

    id: int
    file_name: str
    width: int
    height: int


class Annotation(msgspec.Struct, gc=False):
    """An annotation's entry, its polygons as numbers."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    segmentation: list[list[float]]
