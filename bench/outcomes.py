"""What is in a folder or file that a conversion wrote, whoever wrote it.

Counted are images with objects, and objects: whether an image without any gets an empty file
or none is each tool's own way.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec


class Annotation(msgspec.Struct, gc=False):
    """An annotation's entry, as far as every tool writes it."""

    image_id: int


class File(msgspec.Struct, gc=False):
    """A COCO file."""

    annotations: list[Annotation]


def count_objects(target: Path, kind: str) -> dict[str, int]:
    """Images with objects and objects of a `coco` file or a `yolo` or `voc` folder."""
    if kind == "coco":
        return count_coco(target)
    suffix, mark = {"yolo": (".txt", b"\n"), "voc": (".xml", b"<object>")}[kind]
    objects = [
        content.count(mark) + (kind == "yolo" and not content.endswith(b"\n"))
        for path in files(target, suffix)
        if (content := path.read_bytes().strip(b" "))
    ]
    return {"images": sum(map(bool, objects)), "shapes": sum(objects)}


def count_coco(target: Path) -> dict[str, int]:
    """The same of a COCO file, or of the only one in a folder."""
    path = target if target.is_file() else next(files(target, ".json"))
    content = msgspec.json.decode(path.read_bytes(), type=File)
    images = {each.image_id for each in content.annotations}
    return {"images": len(images), "shapes": len(content.annotations)}


def files(folder: Path, suffix: str) -> Iterator[Path]:
    """Annotation files below a folder; not the lists of images that some tools write beside."""
    for parent, names, found in os.walk(folder):
        names[:] = [name for name in names if name != "ImageSets"]
        for name in found:
            if name.endswith(suffix) and name not in LISTS:
                yield Path(parent, name)


LISTS = {"train.txt", "labels.txt", "labelmap.txt", "classes.txt"}
