"""Count the objects in the output of a conversion, whichever tool wrote it.

Images without objects are not counted: some tools write an empty file for them, others none.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec


class Annotation(msgspec.Struct, gc=False):
    """The part of an annotation that every tool writes."""

    image_id: int


class File(msgspec.Struct, gc=False):
    """A COCO file."""

    annotations: list[Annotation]


def count_objects(target: Path, kind: str) -> dict[str, int]:
    """Count the images with objects, and the objects, of a `coco` file or a `yolo` or `voc` folder."""
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
    """Count those of a COCO file, or of the only one in a folder."""
    path = target if target.is_file() else next(files(target, ".json"))
    content = msgspec.json.decode(path.read_bytes(), type=File)
    images = {each.image_id for each in content.annotations}
    return {"images": len(images), "shapes": len(content.annotations)}


def files(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the annotation files below a folder, without the lists of images that some tools write."""
    for parent, names, found in os.walk(folder):
        names[:] = [name for name in names if name != "ImageSets"]
        for name in found:
            if name.endswith(suffix) and name not in LISTS:
                yield Path(parent, name)


LISTS = {"train.txt", "labels.txt", "labelmap.txt", "classes.txt"}
