"""Sources of every format in which much is odd or bad, each of some hundred images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.data.formats import lay_out

COUNT = 150
XML = """<annotation><filename>{name}.jpg</filename>
<size><width>64</width><height>48</height><depth>3</depth></size>{objects}</annotation>
"""
OBJECT = """<object><name>{label}</name><truncated>{flag}</truncated><bndbox><xmin>{x}</xmin><ymin>2</ymin>
<xmax>{right}</xmax><ymax>9.5</ymax></bndbox></object>
"""


def coco(root: Path) -> Path:
    """Polygons, crowds, a label that nothing declares, images whose names differ in their suffix alone."""
    root.mkdir()
    annotations: list[dict[str, Any]] = [
        {
            "id": n + 1,
            "image_id": n * 7 % COUNT,
            "category_id": n % 3,
            "bbox": [n % 40, 1.5, n % 30, 4],
            "area": 13.5,
            "iscrowd": 0,
            "segmentation": [[1, 1, 9, 1, 9, n % 9 + 2]] if n % 2 else [],
        }
        for n in range(4 * COUNT)
    ]
    annotations[30] |= {"category_id": 77}
    annotations[90] |= {"keypoints": [1, 1, 2], "num_keypoints": 1}
    annotations[200] |= {"iscrowd": 1, "segmentation": {"size": [48, 64], "counts": [3000, 72]}}
    images = [
        {"id": n, "file_name": f"{n % 5}/{n // 2}.{'jpg' if n % 2 else 'png'}"}
        | ({} if n == 40 else {"width": 64, "height": 48})
        for n in range(COUNT)
    ]
    images[60]["file_name"] = "../out.jpg"
    names = [{"id": n, "name": f"label {n}"} for n in range(4)]
    path = root / "source.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": names}))
    return path


def voc(root: Path) -> Path:
    """Plain files, a polygon, entities, damaged and foreign files, two splits, a file that is in no list."""
    files: dict[str, str | bytes | tuple[int, int]] = {}
    for n in range(COUNT):
        objects = "".join(
            OBJECT.format(label=f"l{(n + k) % 7}", flag=k % 2, x=k + 1, right=k + 5 - n % 4)
            for k in range(n % 5)
        )
        files[f"Annotations/{n % 3}/{n:03}.xml"] = XML.format(name=f"{n:03}", objects=objects)
    files["Annotations/0/030.xml"] = XML.format(
        name="30 &amp; 1", objects=OBJECT.format(label="a &lt; b", flag=1, x=0, right=64)
    )
    files["Annotations/1/061.xml"] = "<annotation><object></annotation>"
    files["Annotations/2/092.xml"] = "<html/>"
    files["ImageSets/Main/train.txt"] = "".join(f"{n % 3}/{n:03}\n" for n in range(100))
    files["ImageSets/Main/val.txt"] = "".join(f"{n % 3}/{n:03}\n" for n in range(95, 140))
    return lay_out(root, files)


def yolo(root: Path) -> Path:
    """Plain rows, polygons, damaged rows, an unknown class, images without labels and labels without images."""
    files: dict[str, str | bytes | tuple[int, int]] = {"data.yaml": "names: [a, b, c]\n"}
    for n in range(COUNT):
        files[f"images/train/{n:03}.png"] = (64, 48 + n % 3)
        rows = [f"{k % 3} 0.5 0.5 0.{k + 1} 0.25" for k in range(n % 6)]
        files[f"labels/train/{n:03}.txt"] = "\n".join(rows)
    files["labels/train/020.txt"] = "0 0.1 0.1 0.9 0.1 0.9 0.9\n1 .5 +0.5 0.1 0.1\n"
    files["labels/train/050.txt"] = "0 0.5 0.5 0.1\n2 0.5 0.5 0.1 0.1\n9 0.5 0.5 0.1 0.1\n"
    files["labels/train/080.txt"] = b"\xff\xfe\n"
    files["labels/train/lonely.txt"] = "0 0.5 0.5 0.1 0.1\n"
    del files["labels/train/100.txt"]
    files["images/train/110.png"] = b"no image"
    return lay_out(root, files)


def coco_video(root: Path) -> Path:
    """Tracks, annotations of no video, of no track and of no category, a track without an end."""
    root.mkdir()
    images = [
        {"id": n, "video_id": n // 10, "frame_id": n % 10, "width": 64, "height": 48}
        for n in range(COUNT)
    ]
    annotations: list[dict[str, Any]] = [
        {
            "id": n + 1,
            "image_id": n,
            "video_id": n // 10,
            "category_id": n % 3,
            "bbox": [n % 40, 1.5, n % 30, 4],
            "area": 13.5,
            "frame_attributes": {"track_id": n % 2, "frame_id": n % 10, "keyframe": True},
        }
        for n in range(COUNT)
    ]
    annotations[30] |= {"category_id": 77}
    annotations[60] |= {"video_id": 99}
    annotations[61] |= {"video_id": 99}
    annotations[90] |= {"segmentation": {"size": [48, 64], "counts": "~"}}
    annotations[95] |= {"segmentation": [[1, 1, 2]]}
    document = {
        "videos": [{"id": n, "file_name": f"{n}.mp4", "width": 64} for n in range(COUNT // 10)],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": n, "name": f"label {n}"} for n in range(4)],
    }
    path = root / "source.json"
    path.write_text(json.dumps(document))
    return path


SOURCES = {"coco": coco, "voc": voc, "yolo": yolo}
