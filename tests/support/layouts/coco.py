"""COCO as Roboflow, the COCO data set, FiftyOne, Label Studio, CVAT and VIA lay it out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.layouts import LABELS, SCENE, Expected, SceneImage, draw, expected, of_splits

Document = dict[str, Any]


def document(
    images: Sequence[SceneImage],
    name: Callable[[SceneImage], str],
    *,
    numbers: Mapping[str, int] | None = None,
    first_image: int = 1,
) -> Document:
    """COCO of some images of the scene: boxes with their corners as a polygon.

    Args:
        images: The images.
        name: The ``file_name`` of an image.
        numbers: The id of each category. Default: from 1 in the order of the labels.
        first_image: The id of the first image.
    """
    numbers = numbers or {label: number for number, label in enumerate(LABELS, 1)}
    annotations: list[Document] = []
    for position, image in enumerate(images, first_image):
        annotations += [
            {
                "id": len(annotations) + number,
                "image_id": position,
                "category_id": numbers[box.label],
                "bbox": box.bbox,
                "area": box.w * box.h,
                "segmentation": [box.ring],
                "iscrowd": 0,
            }
            for number, box in enumerate(image.boxes, 1)
        ]
    return {
        "info": {"description": "a street"},
        "licenses": [],
        "images": [
            {"id": position, "file_name": name(image), "width": image.width, "height": image.height}
            for position, image in enumerate(images, first_image)
        ],
        "annotations": annotations,
        "categories": [
            {"id": number, "name": label, "supercategory": "thing"}
            for label, number in numbers.items()
        ],
    }


def save(path: Path, content: Any, *, indent: int | None = None) -> None:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=indent), encoding="utf-8")


def _draw_all(folder: Path, images: Mapping[str, SceneImage]) -> None:
    for path, image in images.items():
        draw(folder / path, image.width, image.height)


def build_roboflow_coco(folder: Path) -> Expected:
    """Roboflow's export "COCO": three folders, in each the images and ``_annotations.coco.json``.

    Ids begin at 0 in every file, and category 0 is the name of the project, without annotations.
    """
    paths: dict[str, SceneImage] = {}
    words = {"train": "train", "val": "valid", "test": "test"}
    for split, word in words.items():
        images = of_splits(split)
        names = {image.stem: f"{image.stem}_jpg.rf.{number:032x}.jpg" for number, image in
                 enumerate(images, 1000)}  # fmt: skip
        numbers = {"street": 0, "car": 1, "cat": 2, "dog": 3}
        content = document(
            images, lambda image, names=names: names[image.stem], numbers=numbers, first_image=0
        )
        content["info"] = {
            "year": "2024",
            "version": "1",
            "description": "Exported from roboflow.com",
            "contributor": "",
            "url": "https://public.roboflow.com/object-detection/undefined",
            "date_created": "2024-01-01T00:00:00+00:00",
        }
        content["licenses"] = [{"id": 1, "url": "", "name": "Unknown"}]
        for category in content["categories"]:
            category["supercategory"] = "street" if category["id"] else "none"
        for image in content["images"]:
            image |= {"license": 1, "date_captured": "2024-01-01T00:00:00+00:00"}
        for annotation in content["annotations"]:
            annotation["id"] -= 1
            annotation["segmentation"] = []
        save(folder / word / "_annotations.coco.json", content)
        paths |= {f"{word}/{names[image.stem]}": image for image in images}
    for name in ("README.dataset.txt", "README.roboflow.txt"):
        (folder / name).write_text("street > v1\n", encoding="utf-8")
    _draw_all(folder, paths)
    return expected(paths, format="coco")


def build_coco_2017(folder: Path) -> Expected:
    """The COCO data set: instances, captions, keypoints, stuff and panoptic files, images in a folder for each split."""
    paths: dict[str, SceneImage] = {}
    numbers = {"cat": 17, "dog": 18, "car": 3}
    annotations = folder / "annotations"
    for split, first in (("train", 139), ("val", 285)):
        images = of_splits(split)
        word = f"{split}2017"
        names = {image.stem: f"{number:012d}.jpg" for number, image in enumerate(images, first)}
        content = document(
            images, lambda image, names=names: names[image.stem], numbers=numbers, first_image=first
        )
        save(annotations / f"instances_{word}.json", content)
        plain = {key: content[key] for key in ("info", "licenses", "images")}
        captions = [
            {"id": number, "image_id": image["id"], "caption": "A street."}
            for number, image in enumerate(content["images"], 1)
        ]
        save(annotations / f"captions_{word}.json", {**plain, "annotations": captions})
        person = {
            "id": 1,
            "name": "person",
            "supercategory": "person",
            "keypoints": ["nose", "left_eye"],
            "skeleton": [[1, 2]],
        }
        joints = {
            "id": 1,
            "image_id": first,
            "category_id": 1,
            "bbox": [1, 2, 9, 9],
            "area": 50,
            "segmentation": [[1, 2, 10, 2, 10, 11]],
            "iscrowd": 0,
            "num_keypoints": 1,
            "keypoints": [2, 3, 2, 0, 0, 0],
        }
        keypoints = {**plain, "annotations": [joints], "categories": [person]}
        save(annotations / f"person_keypoints_{word}.json", keypoints)
        stuff = {"id": 92, "name": "banner", "supercategory": "textile"}
        save(
            annotations / f"stuff_{word}.json", {**plain, "annotations": [], "categories": [stuff]}
        )
        segments = [
            {
                "image_id": image["id"],
                "file_name": f"{image['id']:012d}.png",
                "segments_info": [
                    {"id": 1, "category_id": 92, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}
                ],
            }
            for image in content["images"]
        ]
        save(
            annotations / f"panoptic_{word}.json",
            {**plain, "annotations": segments, "categories": [{**stuff, "isthing": 0}]},
        )
        paths |= {f"{word}/{names[image.stem]}": image for image in images}
    tests = document(of_splits("test"), lambda image: f"{image.stem}.jpg")
    del tests["annotations"]
    save(annotations / "image_info_test2017.json", tests)
    _draw_all(folder, paths)
    return expected(paths, format="coco")


def build_coco_2017_as_unpacked(folder: Path) -> Expected:
    """The zip files of the COCO data set where they unpack to, in a folder of their own."""
    wanted = build_coco_2017(folder / "coco")
    (folder / "coco" / "annotations_trainval2017").mkdir()
    (folder / "coco" / "annotations").rename(
        folder / "coco" / "annotations_trainval2017" / "annotations"
    )
    wanted.paths = [f"coco/{path}" for path in wanted.paths]
    return wanted


def build_file_for_each_split(folder: Path) -> Expected:
    """``train.json`` and ``val.json`` beside the folders ``train`` and ``val``."""
    paths: dict[str, SceneImage] = {}
    for split in ("train", "val"):
        images = of_splits(split)
        save(folder / f"{split}.json", document(images, lambda image: f"{image.stem}.jpg"))
        paths |= {f"{split}/{image.stem}.jpg": image for image in images}
    _draw_all(folder, paths)
    return expected(paths, format="coco")


def build_mmdetection_coco(folder: Path) -> Expected:
    """mmdetection's custom data set: ``annotations/train.json``, images in one folder, named without it."""
    paths: dict[str, SceneImage] = {}
    for split in ("train", "val", "test"):
        images = of_splits(split)
        content = document(images, lambda image: f"{image.stem}.jpg")
        save(folder / "annotations" / f"{split}.json", content)
        paths |= {f"images/{image.stem}.jpg": image for image in images}
    _draw_all(folder, paths)
    return expected(paths, format="coco")


def build_coco_beside_images(folder: Path) -> Expected:
    """One ``annotations.json`` at the root, the images in ``images``, named without it."""
    save(folder / "annotations.json", document(SCENE, lambda image: f"{image.stem}.png"))
    paths = {f"images/{image.stem}.png": image for image in SCENE}
    _draw_all(folder, paths)
    return expected(paths, format="coco", has_splits=False)


def build_fiftyone_coco(folder: Path) -> Expected:
    """FiftyOne's COCODetectionDataset: ``labels.json`` and ``data``."""
    content = document(SCENE, lambda image: f"{image.stem}.jpg")
    content["info"] = {
        "year": "",
        "version": "",
        "description": "Exported from FiftyOne",
        "contributor": "",
        "url": "https://voxel51.com/fiftyone",
        "date_created": "2024-01-01T00:00:00",
    }
    for category in content["categories"]:
        category["supercategory"] = None
    save(folder / "labels.json", content)
    paths = {f"data/{image.stem}.jpg": image for image in SCENE}
    _draw_all(folder, paths)
    return expected(paths, format="coco", has_splits=False)


def build_label_studio_coco(folder: Path) -> Expected:
    """Label Studio's export: ``result.json`` in lines, ids from 0, file names with ``images`` in either slash."""
    names = {image.stem: f"{number:08x}-{image.stem}.jpg" for number, image in enumerate(SCENE, 7)}
    numbers = {"car": 0, "cat": 1, "dog": 2}
    content = document(
        SCENE, lambda image: f"images\\{names[image.stem]}", numbers=numbers, first_image=0
    )
    del content["licenses"]
    content["categories"] = [{"id": number, "name": label} for label, number in numbers.items()]
    content["annotations"] = [
        {**each, "id": number, "ignore": 0, "iscrowd": 0}
        for number, each in enumerate(content["annotations"])
    ]
    save(folder / "result.json", content, indent=2)
    paths = {f"images/{names[image.stem]}": image for image in SCENE}
    _draw_all(folder, paths)
    return expected(paths, format="coco", has_splits=False)


def build_cvat_coco(folder: Path) -> Expected:
    """CVAT's "COCO 1.0" with images: ``annotations/instances_default.json`` and ``images/default``."""
    content = document(SCENE, lambda image: f"{image.stem}.png")
    content["licenses"] = [{"name": "", "id": 0, "url": ""}]
    for category in content["categories"]:
        category["supercategory"] = ""
    for image in content["images"]:
        image |= {"license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0}
    for annotation in content["annotations"]:
        annotation["attributes"] = {"occluded": False, "rotation": 0.0}
    save(folder / "annotations" / "instances_default.json", content)
    paths = {f"images/default/{image.stem}.png": image for image in SCENE}
    _draw_all(folder, paths)
    return expected(paths, format="coco", has_splits=False)


def build_via_coco(folder: Path) -> Expected:
    """VGG Image Annotator 2: ids of images as texts in the annotations, one category many times, flat polygons."""
    content = document(SCENE, lambda image: f"{image.stem}.jpg", first_image=0)
    content["info"] = {
        "year": 2024,
        "version": "1.0",
        "description": "VIA project exported to COCO format using VGG Image Annotator "
        "(http://www.robots.ox.ac.uk/~vgg/software/via/)",
        "contributor": "",
        "url": "http://www.robots.ox.ac.uk/~vgg/software/via/",
        "date_created": "Mon Jan 01 2024 00:00:00 GMT+0000 (Coordinated Universal Time)",
    }
    content["licenses"] = [{"id": 1, "name": "Unknown", "url": ""}]
    for image in content["images"]:
        image |= {
            "license": 1,
            "flickr_url": image["file_name"],
            "coco_url": image["file_name"],
            "date_captured": "",
        }
    for annotation in content["annotations"]:
        annotation["image_id"] = str(annotation["image_id"])
        annotation["segmentation"] = annotation["segmentation"][0]
    # One entry for each value of each attribute of each region.
    content["categories"] = [
        {"supercategory": "type", "id": number, "name": label}
        for label in ("cat", "cat", "dog", "car", "dog", "cat")
        for number in [1 + LABELS.index(label)]
    ]
    save(folder / "via_project_coco.json", content)
    paths = {f"{image.stem}.jpg": image for image in SCENE}
    _draw_all(folder, paths)
    return expected(paths, format="coco", has_splits=False)
