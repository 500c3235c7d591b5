"""Generate COCO files of any size from a seed, as a stream.

Memory does not grow with the number of images: an image follows from its index alone, and each
annotation draws its image. Annotations are therefore unordered, as in COCO's own files. The bytes
depend on the `Spec` only: the code uses `random()` (whose sequence Python guarantees), square
roots and tables, and nothing that a maths library could round differently.

Crowd regions, masks, and polygons of several parts are not generated.
"""

import argparse
import math
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.dataset import SCALES, Spec, image_at, iter_images, scatter
from bench.images import write_images

# COCO's 80 names with COCO's ids, including the gaps: readers that use ids as indices fail on
# real files, so they must fail here.
CATEGORIES: dict[int, str] = dict(
    zip(
        [
            *range(1, 12), *range(13, 26), 27, 28, *range(31, 45), *range(46, 66), 67, 70,
            *range(72, 83), *range(84, 91),
        ],
        (
            "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,"
            "fire hydrant,stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,"
            "bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,"
            "sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,"
            "bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,"
            "carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,"
            "tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,"
            "refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
        ).split(","),
        strict=True,
    )
)  # fmt: skip

# One image in a hundred has no annotation. Another one in a hundred is crowded; these images
# together hold a tenth of all annotations, which gives the counts COCO's long tail.
EMPTY_SHARE = 100
CROWDED_SHARE = 100
CROWDED_WEIGHT = 0.1

BATCH = 512


def iter_annotations(spec: Spec) -> Iterator[bytes]:
    """Yield all annotations as JSON objects, not ordered by image."""
    rng = random.Random(spec.seed)
    draw = rng.random
    place = scatter(spec.images)
    filled = max(1, spec.images - spec.images // EMPTY_SHARE)
    crowded = max(1, spec.images // CROWDED_SHARE)
    category_ids = list(CATEGORIES)
    shape = polygon if spec.polygons else box
    for number in range(1, spec.annotations + 1):
        chance = draw()
        if chance < CROWDED_WEIGHT:
            owner = int(chance / CROWDED_WEIGHT * crowded)
        else:
            owner = int((chance - CROWDED_WEIGHT) / (1 - CROWDED_WEIGHT) * filled)
        image = image_at(spec, place(min(owner, filled - 1)))
        # The square makes the first categories common and the last ones rare.
        rank = draw()
        category = category_ids[int(rank * rank * len(category_ids))]
        segmentation, xywh, area = shape(draw, image.width, image.height)
        yield (
            '{"id":%d,"image_id":%d,"category_id":%d,"bbox":[%.2f,%.2f,%.2f,%.2f],'
            '"area":%.2f,"iscrowd":0,"segmentation":%s}'
            % (number, image.id, category, *xywh, area, segmentation)
        ).encode()


Drawn = tuple[str, tuple[float, float, float, float], float]


def box(draw: Callable[[], float], width: int, height: int) -> Drawn:
    """Draw a box inside the image; small ones are common."""
    side, other = draw(), draw()
    w = round(max(2.0, width * side * math.sqrt(side) * 0.8), 2)
    h = round(max(2.0, height * other * math.sqrt(other) * 0.8), 2)
    x = round((width - w) * draw(), 2)
    y = round((height - h) * draw(), 2)
    return "[]", (x, y, w, h), w * h


# Rounded, so that the last digit of a platform's sine does not matter.
DIRECTIONS = [
    (round(math.cos(math.tau * step / 64), 6), round(math.sin(math.tau * step / 64), 6))
    for step in range(64)
]


def polygon(draw: Callable[[], float], width: int, height: int) -> Drawn:
    """Draw a star-shaped polygon of 4 to 64 points, inside a box drawn by `box`."""
    _, (x, y, w, h), _ = box(draw, width, height)
    corners = draw()
    points = 4 + int(corners * corners * 61)
    centre_x, centre_y = x + w / 2, y + h / 2
    xs, ys = [], []
    for point in range(points):
        cosine, sine = DIRECTIONS[point * 64 // points]
        reach = 0.25 + 0.25 * draw()
        xs.append(round(centre_x + w * reach * cosine, 2))
        ys.append(round(centre_y + h * reach * sine, 2))
    left, top = min(xs), min(ys)
    twice = sum(xs[i - 1] * ys[i] - xs[i] * ys[i - 1] for i in range(points))
    flat = ",".join("%.2f,%.2f" % pair for pair in zip(xs, ys, strict=True))
    return f"[[{flat}]]", (left, top, max(xs) - left, max(ys) - top), abs(twice) / 2


def coco_chunks(spec: Spec) -> Iterator[bytes]:
    """Yield the file in pieces."""
    yield b'{"info":{"description":"generated, seed %d","version":"1.0","year":2024},' % spec.seed
    yield b'"licenses":[],"images":['
    yield from batches(
        b'{"id":%d,"file_name":"%b","width":%d,"height":%d,"license":0}'
        % (image.id, image.file_name.encode(), image.width, image.height)
        for image in iter_images(spec)
    )
    yield b'],"annotations":['
    yield from batches(iter_annotations(spec))
    yield b'],"categories":['
    yield from batches(
        b'{"id":%d,"name":"%b","supercategory":"thing"}' % (number, name.encode())
        for number, name in CATEGORIES.items()
    )
    yield b"]}\n"


def batches(items: Iterator[bytes]) -> Iterator[bytes]:
    """Join items with commas, several hundred per piece."""
    held: list[bytes] = []
    comma = b""
    for item in items:
        held.append(item)
        if len(held) == BATCH:
            yield comma + b",\n".join(held)
            comma = b",\n"
            held.clear()
    if held:
        yield comma + b",\n".join(held)


def write_coco(path: Path, spec: Spec) -> Path:
    """Write the file unless it exists; one that exists is complete."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb", buffering=1 << 20) as stream:
        for chunk in coco_chunks(spec):
            stream.write(chunk)
    partial.replace(path)
    return path


def main() -> None:
    """Write a dataset from the command line."""
    parser = argparse.ArgumentParser(description="Write a generated COCO file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--scale", choices=SCALES, default="S")
    parser.add_argument("--kind", choices=("boxes", "polygons"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=Path, metavar="DIR", help="also write placeholder images")
    parser.add_argument("--links", action="store_true", help="images of equal size share one file")
    options = parser.parse_args()
    spec = replace(SCALES[options.scale], seed=options.seed)
    if options.kind:
        spec = replace(spec, polygons=options.kind == "polygons")
    write_coco(options.file, spec)
    if options.images:
        write_images(options.images, iter_images(spec), links=options.links)


if __name__ == "__main__":
    main()
