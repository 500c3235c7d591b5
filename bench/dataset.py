"""The specification of a generated dataset, its images, and their order.

Memory does not grow with the number of images, since an image follows from its index alone.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SIZES = (
    (640, 480), (640, 427), (480, 640), (500, 375), (427, 640), (640, 426), (640, 640),
    (375, 500), (612, 612), (640, 360), (333, 500), (640, 428),
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """The size and kind of a generated dataset. The same spec gives the same bytes."""

    images: int
    annotations: int
    polygons: bool
    seed: int = 0

    @property
    def name(self) -> str:
        """A unique file name, without suffix."""
        kind = "polygons" if self.polygons else "boxes"
        return f"coco-{kind}-{self.images}-{self.annotations}-{self.seed}"


SCALES = {
    "T": Spec(200, 1_600, polygons=True),
    "S": Spec(5_000, 36_000, polygons=True),
    "M": Spec(118_287, 860_000, polygons=True),
    "L": Spec(1_000_000, 7_200_000, polygons=False),
}


@dataclass(frozen=True)
class Image:
    """An image of a dataset; width and height are in pixels."""

    id: int
    file_name: str
    width: int
    height: int


def image_at(spec: Spec, index: int) -> Image:
    """Return the image with this index, from 0 to `spec.images` - 1."""
    scrambled = (index * 2_654_435_761 + spec.seed * 40_503) & 0xFFFFFFFF
    # Ids ascend with gaps, as in COCO.
    number = 4 * index + (scrambled >> 8) % 4 + 1
    width, height = SIZES[(scrambled >> 12) % len(SIZES)]
    return Image(number, f"{number:012d}.jpg", width, height)


def iter_images(spec: Spec) -> Iterator[Image]:
    """Yield all images in the order of the file, which is scattered as in COCO's own files."""
    place = scatter(spec.images)
    for index in range(spec.images):
        yield image_at(spec, place(index))


def scatter(count: int) -> Callable[[int], int]:
    """Return a fixed permutation of 0 to `count` - 1 that takes no memory."""
    step = int(count * 0.618) | 1
    while math.gcd(step, count) != 1:
        step += 2
    return lambda index: (index * step + count // 3) % count
