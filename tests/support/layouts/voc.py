"""Pascal VOC as the devkit, LabelImg, Roboflow and people's own folders lay it out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.support.layouts import SCENE, Expected, SceneImage, draw, expected, of_splits


def save_xml(path: Path, image: SceneImage, filename: str, *, folder: str = "images") -> None:
    """Write the XML file of an image as LabelImg writes it."""
    objects = "".join(
        f"""\t<object>
\t\t<name>{box.label}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>{box.x}</xmin>
\t\t\t<ymin>{box.y}</ymin>
\t\t\t<xmax>{box.x + box.w}</xmax>
\t\t\t<ymax>{box.y + box.h}</ymax>
\t\t</bndbox>
\t</object>
"""
        for box in image.boxes
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""<annotation>
\t<folder>{folder}</folder>
\t<filename>{filename}</filename>
\t<path>C:\\Users\\someone\\{folder}\\{filename}</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>{image.width}</width>
\t\t<height>{image.height}</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
{objects}</annotation>
""",
        encoding="utf-8",
    )


def _draw_all(folder: Path, images: Mapping[str, SceneImage]) -> None:
    for path, image in images.items():
        draw(folder / path, image.width, image.height)


def build_voc_devkit(folder: Path) -> Expected:
    """A devkit: ``Annotations``, ``ImageSets/Main``, ``JPEGImages`` below ``VOCdevkit/VOC2007``."""
    root = "VOCdevkit/VOC2007"
    paths = {f"{root}/JPEGImages/{image.stem}.jpg": image for image in SCENE}
    for image in SCENE:
        save_xml(folder / root / "Annotations" / f"{image.stem}.xml", image, f"{image.stem}.jpg")
    sets = folder / root / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    for name in ("train", "val", "test"):
        stems = [image.stem for image in of_splits(name)]
        (sets / f"{name}.txt").write_text("".join(f"{stem}\n" for stem in stems))
    both = [image.stem for image in of_splits("train", "val")]
    (sets / "trainval.txt").write_text("".join(f"{stem}\n" for stem in both))
    marks = "".join(f"{image.stem} {1 if image.boxes else -1:2d}\n" for image in of_splits("train"))
    (sets / "cat_train.txt").write_text(marks)
    _draw_all(folder, paths)
    return expected(paths, format="voc")


def build_cvat_voc(folder: Path) -> Expected:
    """CVAT's "PASCAL VOC 1.1" with images: all in the list ``default``, which is no split."""
    paths = {f"JPEGImages/{image.stem}.png": image for image in SCENE}
    for image in SCENE:
        save_xml(folder / "Annotations" / f"{image.stem}.xml", image, f"{image.stem}.png")
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "default.txt").write_text("".join(f"{image.stem}\n" for image in SCENE))
    (folder / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:128,0,0::\ncat:0,128,0::\ndog:1,2,3::\n"
    )
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_fiftyone_voc(folder: Path) -> Expected:
    """FiftyOne's VOCDetectionDataset: ``data`` and ``labels``."""
    paths = {f"data/{image.stem}.jpg": image for image in SCENE}
    for image in SCENE:
        save_xml(folder / "labels" / f"{image.stem}.xml", image, f"{image.stem}.jpg", folder="data")
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_voc_xmls(folder: Path) -> Expected:
    """The Oxford pets: ``annotations/xmls`` beside a list, and ``images``; without their masks."""
    paths = {f"images/{image.stem}.jpg": image for image in SCENE}
    for image in SCENE:
        save_xml(folder / "annotations" / "xmls" / f"{image.stem}.xml", image, f"{image.stem}.jpg")
    (folder / "annotations" / "list.txt").write_text("street_01 1 1 1\n")
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_voc_annots(folder: Path) -> Expected:
    """A folder of XML files and one of images, called as people like."""
    paths = {f"images/{image.stem}.png": image for image in SCENE}
    for image in SCENE:
        save_xml(folder / "annots" / f"{image.stem}.xml", image, f"{image.stem}.png")
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_voc_other_names(folder: Path) -> Expected:
    """Folders of any names: ``xml labels`` and ``raw pictures``."""
    paths = {f"raw pictures/{image.stem}.jpeg": image for image in SCENE}
    for image in SCENE:
        save_xml(folder / "xml labels" / f"{image.stem}.xml", image, f"{image.stem}.jpeg")
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_voc_beside(folder: Path) -> Expected:
    """Images and XML files in one folder, as LabelImg leaves them."""
    paths = {f"{image.stem}.jpg": image for image in SCENE}
    for image in SCENE:
        save_xml(folder / f"{image.stem}.xml", image, f"{image.stem}.jpg")
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_roboflow_voc(folder: Path) -> Expected:
    """Roboflow's export "Pascal VOC": three folders, in each images and XML files."""
    paths: dict[str, SceneImage] = {}
    for split, word in {"train": "train", "val": "valid", "test": "test"}.items():
        for number, image in enumerate(of_splits(split), 1000):
            stem = f"{image.stem}_jpg.rf.{number:032x}"
            save_xml(folder / word / f"{stem}.xml", image, f"{stem}.jpg", folder="")
            paths[f"{word}/{stem}.jpg"] = image
    for name in ("README.dataset.txt", "README.roboflow.txt"):
        (folder / name).write_text("street > v1\n", encoding="utf-8")
    _draw_all(folder, paths)
    return expected(paths, format="voc")


def build_voc_equal_names(folder: Path) -> Expected:
    """A folder for each split with ``annotations`` and ``images``, where files of two splits have one name."""
    paths: dict[str, SceneImage] = {}
    for split in ("train", "val", "test"):
        for number, image in enumerate(of_splits(split)):
            name = f"frame_{number}"
            save_xml(folder / split / "annotations" / f"{name}.xml", image, f"{name}.jpg")
            paths[f"{split}/images/{name}.jpg"] = image
    _draw_all(folder, paths)
    return expected(paths, format="voc")


def build_voc_subfolders(folder: Path) -> Expected:
    """XML files in folders below ``Annotations``, images in folders of the same names below ``images``."""
    paths: dict[str, SceneImage] = {}
    for number, image in enumerate(SCENE):
        below = f"camera {number % 2}/day"
        save_xml(folder / "Annotations" / below / f"{image.stem}.xml", image, f"{image.stem}.jpg")
        paths[f"images/{below}/{image.stem}.jpg"] = image
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_voc_wrong_names(folder: Path) -> Expected:
    """``filename`` in other cases, without or with another suffix, or of another file; the images are named as the XML."""
    paths: dict[str, SceneImage] = {}
    for number, image in enumerate(SCENE):
        filename = (
            f"{image.stem}.jpg",
            f"{image.stem}.JPG",
            image.stem.upper() + ".JPG",
            image.stem,
            f"{image.stem}.png",
            "picture.jpg",
        )[number]
        save_xml(folder / "Annotations" / f"{image.stem}.xml", image, filename)
        paths[f"JPEGImages/{image.stem}.jpg"] = image
    _draw_all(folder, paths)
    return expected(paths, format="voc", has_splits=False)


def build_voc_splits_of_other_names(folder: Path) -> Expected:
    """A folder for each split with ``annots`` and ``imgs``."""
    paths: dict[str, SceneImage] = {}
    for split in ("train", "val", "test"):
        for image in of_splits(split):
            save_xml(folder / split / "annots" / f"{image.stem}.xml", image, f"{image.stem}.jpg")
            paths[f"{split}/imgs/{image.stem}.jpg"] = image
    _draw_all(folder, paths)
    return expected(paths, format="voc")
