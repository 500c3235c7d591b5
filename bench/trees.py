"""The generated data as YOLO and VOC folders, in the layout of other tools.

Only boxes, which all peers can read: YOLO with six digits, as Ultralytics writes it; VOC with
whole pixels counted from 1, as LabelImg writes it.
"""

import os
import shutil
from pathlib import Path

from bench.data import CATEGORIES
from bench.dataset import iter_images
from bench.images import write_images
from bench.scenario import Setting
from headrace import formats
from headrace.model.sample import Sample
from headrace.model.shapes import AnyShape, Polygon, Rectangle

NUMBERS = {name: number for number, name in enumerate(CATEGORIES.values())}
YAML = "path: .\ntrain: images/train\nval: images/train\nnames:\n" + "".join(
    f"  {number}: {name}\n" for name, number in NUMBERS.items()
)
ROW = "%d %.6f %.6f %.6f %.6f\n"
VOC = """<annotation>
\t<folder>JPEGImages</folder>
\t<filename>%s</filename>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>%d</width>
\t\t<height>%d</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
%s</annotation>
"""
VOC_OBJECT = """\t<object>
\t\t<name>%s</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>%d</xmin>
\t\t\t<ymin>%d</ymin>
\t\t\t<xmax>%d</xmax>
\t\t\t<ymax>%d</ymax>
\t\t</bndbox>
\t</object>
"""


def ensure_trees(setting: Setting) -> Path:
    """Return the folder with `coco`, `yolo` and `voc`, and create it if missing; one that exists is complete."""
    folder = setting.cache / "trees" / setting.spec.name
    if folder.exists():
        return folder
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    rows, xml = partial / "yolo" / "labels" / "train", partial / "voc" / "Annotations"
    lists = partial / "voc" / "ImageSets" / "Main"
    coco = partial / "coco" / "annotations"
    media = [partial / "coco" / "images", partial / "voc" / "JPEGImages"]
    for each in (rows, xml, lists, coco, *media):
        each.mkdir(parents=True)
    shutil.copyfile(setting.coco_file, coco / "instances_train.json")
    write_images(partial / "yolo" / "images" / "train", iter_images(setting.spec), links=True)
    # hotcoco expects the names next to the label files.
    for parent in (partial / "yolo", rows):
        (parent / "data.yaml").write_text(YAML)
    with (
        formats.read(setting.coco_file, "coco") as source,
        (lists / "train.txt").open("w") as names,
    ):
        for sample in source:
            stem = sample.filename[:-4]
            (rows / f"{stem}.txt").write_text(yolo_text(sample))
            (xml / f"{stem}.xml").write_text(voc_text(sample))
            names.write(f"{stem}\n")
    # By default datumaro knows only the classes of the VOC challenge.
    labels = "".join(f"{name}:::\n" for name in NUMBERS)
    (partial / "voc" / "labelmap.txt").write_text(f"# label:color_rgb:parts:actions\n{labels}")
    partial.replace(folder)
    return folder


def yolo_text(sample: Sample) -> str:
    """Return the label file of an image."""
    width, height = sample.width or 1, sample.height or 1
    return "".join(
        ROW
        % (NUMBERS[shape.label], (x + w / 2) / width, (y + h / 2) / height, w / width, h / height)
        for shape in sample.shapes
        for x, y, w, h in [box_of(shape)]
    )


def voc_text(sample: Sample) -> str:
    """Return the annotation file of an image."""
    objects = "".join(
        VOC_OBJECT % (shape.label, x + 1, y + 1, max(x + 1, x + w), max(y + 1, y + h))
        for shape in sample.shapes
        for x, y, w, h in [map(int, box_of(shape))]
    )
    return VOC % (sample.filename, sample.width, sample.height, objects)


def box_of(shape: AnyShape) -> tuple[float, float, float, float]:
    """Return the bounding box in the data."""
    if isinstance(shape, Rectangle):
        return shape.x, shape.y, shape.w, shape.h
    assert isinstance(shape, Polygon)
    assert shape.bbox is not None
    return shape.bbox
