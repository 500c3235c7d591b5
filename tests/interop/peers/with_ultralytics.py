"""Ultralytics' own rules for a YOLO dataset, without torch: the functions that check and load one.

They are taken out of the package's source, for importing the package needs torch.
"""

import ast
import json
import os
import zipfile
from collections import defaultdict
from importlib.util import find_spec
from logging import getLogger
from pathlib import Path
from tarfile import is_tarfile
from types import SimpleNamespace

import numpy as np
import yaml
from peer_job import gather, run
from PIL import Image, ImageOps

HOME = Path(find_spec("ultralytics").origin).parent
CONSTANTS = {"IMG_FORMATS", "VID_FORMATS", "FORMATS_HELP_MSG", "DATASET_KEY_TYPES"}


class YAML:
    """Their way to load a yaml."""

    @staticmethod
    def load(file, append_filename):
        return {**yaml.safe_load(Path(file).read_text()), "yaml_file": str(file)}


def take(module, *names):
    """Functions and constants of a file of theirs, defined in ``WORLD``."""
    tree = ast.parse((HOME / module).read_text())
    kept = [node for node in tree.body if name_of(node) in names]
    assert {name_of(node) for node in kept} == set(names)
    future = ast.ImportFrom("__future__", [ast.alias("annotations")], 0)
    code = ast.fix_missing_locations(ast.Module([future, *kept], []))
    exec(compile(code, module, "exec"), WORLD)


def name_of(node):
    """What a statement defines."""
    if isinstance(node, ast.Assign):
        return getattr(node.targets[0], "id", None)
    return getattr(node, "name", None)


# All that these functions ask for.
WORLD = {
    "Image": Image,
    "ImageOps": ImageOps,
    "Path": Path,
    "LOGGER": getLogger(),
    "TQDM": lambda items, desc: items,
    "YAML": YAML,
    "check_file": str,
    "defaultdict": defaultdict,
    "check_font": str,
    "colorstr": lambda *words: words[-1],
    "emojis": str,
    "increment_path": Path,
    "is_ascii": bool,
    "is_tarfile": is_tarfile,
    "json": json,
    "np": np,
    "os": os,
    "torch": SimpleNamespace(Tensor=type("Tensor", (), {})),
    "zipfile": zipfile,
}
take("utils/ops.py", "empty_like", "xyxy2xywh", "segments2boxes")
take("nn/autobackend.py", "check_class_names")
take(
    "data/utils.py",
    *CONSTANTS,
    "img2label_paths",
    "exif_size",
    "check_image",
    "verify_image",
    "verify_image_label",
    "check_det_dataset",
    "check_cls_dataset",
)
take(
    "data/converter.py",
    "coco91_to_coco80_class",
    "min_index",
    "merge_multi_segment",
    "convert_coco",
)
their = SimpleNamespace(**WORLD)


def read(kind, folder):
    """All boxes, of outlines and keypoints too; anything that they call corrupt is an error."""
    data = their.check_det_dataset(folder / "data.yaml", autodownload=False)
    points, size = data.get("kpt_shape") or (0, 0)
    images = sorted(str(path) for path in Path(data["train"]).rglob("*.jpg"))
    found = []
    for image, label in zip(images, their.img2label_paths(images), strict=True):
        rows = (image, label, "", bool(points), data["nc"], points, size, False)
        answer = their.verify_image_label(rows)
        _, boxes, shape, segments, keypoints, missing, _, _, corrupt, message = answer
        assert (missing, corrupt, message) == (0, 0, "")
        assert (len(segments) > 0) == (kind == "yolo-segment" and len(boxes) > 0)
        assert (keypoints is not None) == (kind == "yolo-pose")
        height, width = shape
        found.append((image, None, ()))
        for number, x, y, w, h in boxes.tolist():
            values = (x - w / 2) * width, (y - h / 2) * height, w * width, h * height
            found.append((image, data["names"][int(number)], values))
    return gather(found)


def write(kind, folder, target):
    """Their converter's labels of the COCO files in a folder."""
    their.convert_coco(
        str(folder / "annotations"),
        str(target),
        use_segments=kind == "yolo-segment",
        cls91to80=False,
    )


def check(kind, folder):
    """Their check of a data set and their scan of its labels: images by split, rows by class, and what they reject."""
    if kind == "yolo-classify":
        return check_classes(folder)
    data = their.check_det_dataset(folder / "data.yaml", autodownload=False)
    points, size = data.get("kpt_shape") or (0, 0)
    answer = {"splits": {}, "classes": dict.fromkeys(data["names"].values(), 0), "segments": 0}
    answer |= {"missing": 0, "corrupt": 0, "messages": []}
    for split in ("train", "val", "test"):
        images = their_images(data[split]) if data.get(split) else []
        answer["splits"][split] = len(images)
        for image, label in zip(images, their.img2label_paths(images), strict=True):
            rows = (image, label, "", bool(points), data["nc"], points, size, False)
            _, boxes, _, segments, _, missing, _, _, corrupt, message = their.verify_image_label(
                rows
            )
            answer["missing"] += missing
            answer["corrupt"] += corrupt
            answer["messages"] += [message] if message else []
            answer["segments"] += len(segments or ())
            for number in boxes[:, 0].tolist() if boxes is not None else ():
                answer["classes"][data["names"][int(number)]] += 1
    return answer


def check_classes(folder):
    """The same for a folder of classes."""
    data = their.check_cls_dataset(folder)
    answer = {"splits": {}, "classes": dict.fromkeys(data["names"].values(), 0)}
    answer |= {"missing": 0, "corrupt": 0, "messages": []}
    for split in ("train", "val", "test"):
        images = their_images(data[split]) if data.get(split) else []
        answer["splits"][split] = len(images)
        for image in images:
            _, found, corrupt, message = their.verify_image(((image, 0), ""))
            answer["missing"] += 1 - found
            answer["corrupt"] += corrupt
            answer["messages"] += [message] if message else []
            answer["classes"][Path(image).parent.name] += 1
    return answer


def their_images(folder):
    """The images below a folder, by their list of suffixes."""
    paths = [
        path for path in Path(folder).rglob("*.*") if path.suffix[1:].lower() in their.IMG_FORMATS
    ]
    return sorted(map(str, paths))


run(read, write, check)
