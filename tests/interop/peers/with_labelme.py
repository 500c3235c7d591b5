"""LabelMe reads and writes its own files. Its windows and models are not needed for that, and not installed."""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

for name in ("PyQt5", "imgviz", "imgviz.io", "onnxruntime", "skimage", "scipy"):
    sys.modules[name] = MagicMock()

from labelme import LabelFile  # noqa: E402
from peer_job import gather, run  # noqa: E402


def read(kind, folder):
    """All boxes; labelme refuses a file whose image it does not find, or has another size."""
    found = []
    for path in sorted(folder.rglob("*.json")):
        file = LabelFile(str(path))
        found.append((file.image_path, None, ()))
        for shape in file.shapes:
            if shape["shape_type"] == kind:
                (x1, y1), (x2, y2) = shape["points"]
                found.append((file.image_path, shape["label"], (x1, y1, x2 - x1, y2 - y1)))
    return gather(found)


def write(kind, folder, target):
    """The boxes of a COCO file, with the images inside where ``kind`` is embedded."""
    data = json.loads((folder / "coco.json").read_text())
    names = {each["id"]: each["name"] for each in data["categories"]}
    for image in data["images"]:
        shapes = [
            {
                "label": names[each["category_id"]],
                "points": [[x, y], [x + w, y + h]],
                "group_id": None,
                "description": "",
                "shape_type": "rectangle",
                "flags": {},
                "mask": None,
            }
            for each in data["annotations"]
            if each["image_id"] == image["id"]
            for x, y, w, h in [each["bbox"]]
        ]
        name = image["file_name"]
        picture = (target / name).read_bytes()
        LabelFile().save(
            str(target / f"{Path(name).stem}.json"),
            shapes,
            name,
            image["height"],
            image["width"],
            image_data=picture if kind == "embedded" else None,
            flags={"night": False},
        )


run(read, write)
