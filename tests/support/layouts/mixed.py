"""Folders that hold one data set in several formats, or one format and strays of others."""

from __future__ import annotations

from pathlib import Path

from tests.support.layouts import LABELS, SCENE, Expected, SceneImage, draw, expected
from tests.support.layouts.coco import document, save
from tests.support.layouts.voc import save_xml


def save_rows(path: Path, image: SceneImage) -> None:
    """Write the YOLO label file of an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(
            f"{LABELS.index(box.label)} {(box.x + box.w / 2) / image.width:.6f} "
            f"{(box.y + box.h / 2) / image.height:.6f} {box.w / image.width:.6f} "
            f"{box.h / image.height:.6f}\n"
            for box in image.boxes
        )
    )


def build_three_formats(folder: Path) -> Expected:
    """One set of images with COCO, YOLO and VOC beside it."""
    paths: dict[str, SceneImage] = {}
    for image in SCENE:
        save_rows(folder / "labels" / f"{image.stem}.txt", image)
        save_xml(folder / "Annotations" / f"{image.stem}.xml", image, f"{image.stem}.jpg")
        path = f"images/{image.stem}.jpg"
        draw(folder / path, image.width, image.height)
        paths[path] = image
    names = "".join(f"  {number}: {label}\n" for number, label in enumerate(LABELS))
    (folder / "data.yaml").write_text(f"path: .\ntrain: images\nval: images\nnames:\n{names}")
    save(folder / "annotations.json", document(SCENE, lambda image: f"{image.stem}.jpg"))
    return expected(paths, format="coco", has_splits=False)


def build_voc_with_strays(folder: Path) -> Expected:
    """A VOC data set with a small COCO file of another job, settings and notes beside it."""
    paths: dict[str, SceneImage] = {}
    for image in SCENE:
        save_xml(folder / "Annotations" / f"{image.stem}.xml", image, f"{image.stem}.jpg")
        path = f"JPEGImages/{image.stem}.jpg"
        draw(folder / path, image.width, image.height)
        paths[path] = image
    save(folder / "sample.json", document(SCENE[:2], lambda image: f"{image.stem}.jpg"))
    save(folder / "settings.json", {"images": 6, "annotations": "Annotations"})
    (folder / "notes.txt").write_text("5 cats, 4 dogs\n")
    return expected(paths, format="voc", has_splits=False)


def build_images_with_strays(folder: Path) -> list[str]:
    """Images that nothing annotates, with files of all suffixes beside them; returns their paths."""
    paths = [f"{image.stem}.jpg" for image in SCENE]
    for path, image in zip(paths, SCENE, strict=True):
        draw(folder / path, image.width, image.height)
    (folder / "view.xml").write_text("<View><Image name='image'/></View>")
    (folder / "notes.txt").write_text("5 cats, 4 dogs\n")
    save(folder / "package.json", {"name": "street", "images": ["street_01.jpg"]})
    return paths
