"""The files of exports: COCO as plain JSON, YOLO and Pascal VOC as one zip (reference 23.3 to 23.5)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

from tests.support.plain_platform.runs import area_and_box
from tests.support.plain_platform.shape_kinds import polygon_area


@dataclass(frozen=True)
class Drawn:
    """A shape with the name of its label."""

    kind: str
    label: str
    geometry: Mapping[str, Any]
    text: str | None
    attributes: dict[str, Any] | None


@dataclass(frozen=True)
class Picture:
    """An image and what is drawn on it."""

    name: str
    width: int
    height: int
    attributes: dict[str, Any] | None
    shapes: list[Drawn]

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem


# --- COCO ---------------------------------------------------------------------------------------------


def coco_file(
    pictures: Sequence[Picture],
    names: Sequence[str],
    skeletons: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The file as one object; ids count from 0."""
    categories = []
    for number, name in enumerate(names):
        category: dict[str, Any] = {"id": number, "name": name}
        if name in skeletons:
            category["keypoints"] = skeletons[name]["vertices"]
            category["skeleton"] = skeletons[name]["edges"]
        categories.append(category)
    numbers = {name: number for number, name in enumerate(names)}
    images, annotations = [], []
    for image_id, picture in enumerate(pictures):
        image: dict[str, Any] = {
            "id": image_id,
            "file_name": picture.name,
            "width": picture.width,
            "height": picture.height,
        }
        if picture.attributes is not None:
            image["attributes"] = picture.attributes
        images.append(image)
        for shape in picture.shapes:
            fields = _coco_fields(picture, shape)
            if fields is None:
                continue
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": image_id,
                    "category_id": numbers[shape.label],
                    "iscrowd": 0,
                    **({"utf8_string": shape.text} if shape.text is not None else {}),
                    **({"attributes": shape.attributes} if shape.attributes is not None else {}),
                    **fields,
                }
            )
    return {"images": images, "annotations": annotations, "categories": categories}


def _coco_fields(picture: Picture, shape: Drawn) -> dict[str, Any] | None:
    """The geometry of a shape; None for lines, points and tracks, which COCO does not have."""
    of = shape.geometry
    if shape.kind == "classifications":
        return {"bbox": [], "segmentation": [], "area": 0.0}
    if shape.kind == "rectangles":
        box = [of["x"], of["y"], of["w"], of["h"]]
        return {"bbox": box, "segmentation": [], "area": float(of["w"] * of["h"])}
    if shape.kind == "polygons":
        ring = of["polygon"]
        flat = [number for point in ring for number in point]
        return {"bbox": _bounds(ring), "segmentation": [flat], "area": polygon_area(ring)}
    if shape.kind == "keypoints":
        triples = of["keypoints"]
        seen = [[x, y] for x, y, v in triples if v]
        flat = [number for triple in triples for number in triple]
        box = _bounds(seen) if seen else []
        return {"bbox": box, "keypoints": flat, "num_keypoints": len(seen), "area": 1.0}
    if shape.kind == "masks":
        area, box = area_and_box(of["mask"], picture.height)
        mask = {"size": [picture.height, picture.width], "counts": of["mask"]}
        return {"bbox": box, "segmentation": mask, "area": float(area)}
    return None


def _bounds(points: Sequence[Sequence[float]]) -> list[float]:
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


# --- YOLO ---------------------------------------------------------------------------------------------


def yolo_archive(pictures: Sequence[Picture], names: Sequence[str]) -> bytes:
    """``data.yaml`` and a text file an image, all at the root."""
    configuration = f"nc: {len(names)}\nnames: {json.dumps(list(names))}\n"
    members = {"data.yaml": configuration}
    for picture in pictures:
        lines = [line for shape in picture.shapes if (line := _yolo_line(picture, shape, names))]
        members[f"{picture.stem}.txt"] = "".join(f"{line}\n" for line in lines)
    return _zip(members)


def _yolo_line(picture: Picture, shape: Drawn, names: Sequence[str]) -> str | None:
    of, number = shape.geometry, names.index(shape.label)
    if shape.kind == "classifications":
        return str(number)
    if shape.kind == "rectangles":
        values = [
            (of["x"] + of["w"] / 2) / picture.width,
            (of["y"] + of["h"] / 2) / picture.height,
            of["w"] / picture.width,
            of["h"] / picture.height,
        ]
    elif shape.kind == "polygons":
        values = [
            value / size
            for point in of["polygon"]
            for value, size in zip(point, (picture.width, picture.height), strict=True)
        ]
    else:
        return None
    return " ".join([str(number), *(f"{value:.6f}" for value in values)])


# --- Pascal VOC ---------------------------------------------------------------------------------------


def voc_archive(pictures: Sequence[Picture]) -> bytes:
    """An XML file an image; corners are not shifted."""
    return _zip({f"voc_{each.stem}_annotations.xml": _voc(each) for each in pictures})


def _voc(picture: Picture) -> str:
    root = ElementTree.Element("annotation")
    _text(root, "filename", picture.name)
    size = ElementTree.SubElement(root, "size")
    for key, value in (("width", picture.width), ("height", picture.height), ("depth", 3)):
        _text(size, key, value)
    for shape in picture.shapes:
        if shape.kind not in ("rectangles", "polygons", "classifications"):
            continue
        each = ElementTree.SubElement(root, "object")
        _text(each, "name", shape.label)
        of = shape.geometry
        if shape.kind == "polygons":
            polygon = ElementTree.SubElement(each, "polygon")
            for number, (x, y) in enumerate(of["polygon"], 1):
                _text(polygon, f"x{number}", x)
                _text(polygon, f"y{number}", y)
            box = _bounds(of["polygon"])
        elif shape.kind == "rectangles":
            box = [of["x"], of["y"], of["w"], of["h"]]
        else:
            box = [0, 0, picture.width, picture.height]
        corners = ElementTree.SubElement(each, "bndbox")
        for key, value in (
            ("xmin", box[0]),
            ("ymin", box[1]),
            ("xmax", box[0] + box[2]),
            ("ymax", box[1] + box[3]),
        ):
            _text(corners, key, value)
    return ElementTree.tostring(root, encoding="unicode")


def _text(parent: ElementTree.Element, key: str, value: object) -> None:
    ElementTree.SubElement(parent, key).text = str(value)


def _zip(members: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return made.getvalue()
