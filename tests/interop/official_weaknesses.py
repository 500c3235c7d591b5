"""What the official client does where it is weak, row by row; headrace's blocking API runs the same lines.

Prints one JSON object: row number to what was seen. Arguments: host, token, a folder to work in, the lake's folder.
The lake holds 2,100 data called ``img_…`` already. What no call can bring about is done to the lake's own files.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from picsellia import Client
from picsellia.types.enums import AnnotationStatus, InferenceType
from PIL import Image

ROWS: dict[int, Callable[[Place], Any]] = {}


class Place:
    """One client, its folder and its lake."""

    def __init__(self, host: str, token: str, folder: Path, lake: Path) -> None:
        self.client = Client(api_token=token, host=host)
        self.datalake = self.client.get_datalake()
        self.folder = folder
        self.lake = lake
        self.made = 0

    def version(self, *names: str, type: InferenceType = InferenceType.OBJECT_DETECTION) -> Any:
        """A new version of new images of 64x48 with these names."""
        self.made += 1
        folder = self.folder / f"set{self.made}"
        folder.mkdir()
        for number, name in enumerate(names):
            Image.new("RGB", (64, 48), (number, self.made, 0)).save(folder / name)
        dataset = self.client.create_dataset(f"set {self.made}")
        version = dataset.create_version("v1", type=type)
        data = self.datalake.upload_data([str(folder / name) for name in names])
        version.add_data(data)
        return version

    def new(self) -> Path:
        self.made += 1
        folder = self.folder / f"new{self.made}"
        folder.mkdir()
        return folder

    def sql(self, statement: str, *values: Any) -> None:
        with sqlite3.connect(self.lake / "headrace.db", timeout=30) as connection:
            connection.execute(statement, values)

    def coco(self, name: str, **annotation: Any) -> Path:
        path = self.new() / "coco.json"
        full = {
            "id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0,
            "segmentation": [], **annotation,
        }  # fmt: skip
        path.write_text(
            json.dumps(
                {
                    "images": [{"id": 1, "file_name": name, "width": 64, "height": 48}],
                    "categories": [{"id": 1, "name": "cat"}],
                    "annotations": [full],
                }
            )
        )
        return path

    def yolo(self, stem: str, text: str) -> tuple[Path, list[Path]]:
        folder = self.new()
        (folder / "data.yaml").write_text("nc: 2\nnames: [cat, dog]\n")
        (folder / f"{stem}.txt").write_text(text)
        return folder / "data.yaml", [folder / f"{stem}.txt"]


def row(number: int) -> Callable[[Callable[[Place], Any]], Callable[[Place], Any]]:
    def add(function: Callable[[Place], Any]) -> Callable[[Place], Any]:
        ROWS[number] = function
        return function

    return add


def outcome(call: Callable[[], Any]) -> str:
    """The class of the error that a call ends in, or ``returned``."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "returned"


def boxes(version: Any) -> list[tuple[Any, ...]]:
    return [
        (shape["label"], *(round(shape[side], 3) for side in "xywh"))
        for annotations in version.load_annotations().values()
        for shape in annotations[0]["rectangles"]
    ]


@row(1)
def a_truncated_file_is_there(place: Place) -> Any:
    version, target = place.version("a.png"), place.new()
    (target / "a.png").write_bytes(b"five!")
    report = version.download(str(target))
    assert (target / "a.png").read_bytes() == b"five!"
    return getattr(report, "kept_files", []) == ["a.png"]


@row(3)
def two_assets_of_one_name(place: Place) -> Any:
    version, target = place.version("a.png"), place.new()
    other = place.version("a.png").list_assets()
    version.add_data(other.as_multidata() if len(other) > 1 else other[0].get_data())
    version.download(str(target))
    return len(list(target.glob("*.png")))


@row(4)
def a_name_that_climbs(place: Place) -> Any:
    version, target = place.version("evil.png"), place.new()
    place.sql("update data set filename = '../evil.png' where filename = 'evil.png'")
    outcome(lambda: version.download(str(target)))
    return (target.parent / "evil.png").exists()


@row(5)
def a_file_that_cannot_be_had(place: Place) -> Any:
    version = place.version("a.png", "b.png")
    gone = version.find_asset(filename="a.png").object_name
    (place.lake / "objects" / gone).unlink()
    return outcome(lambda: version.download(str(place.new())))


@row(6)
def a_job_that_failed(place: Place) -> Any:
    version = place.version("a.png")
    _, job = version.fork("fork")
    place.sql("update job set state = 'FAILED', error = 'x' where kind = 'FORK'")
    job.sync()
    return outcome(job.wait_for_done)


@row(10)
def one_bad_annotation(place: Place) -> Any:
    version = place.version("a.png")
    done = outcome(lambda: version.import_annotations_coco_file(place.coco("a.png", bbox=[])))
    return [done, version.retrieve_stats().nb_objects]


@row(11)
def what_does_not_suit_the_type(place: Place) -> Any:
    version = place.version("a.png", type=InferenceType.SEGMENTATION)
    ring = [[1, 1, 9, 1, 9, 9]]
    version.import_annotations_coco_file(place.coco("a.png", segmentation=ring))
    mask = {"size": [48, 64], "counts": [48, 5, 3019]}
    version.import_annotations_coco_file(place.coco("a.png", segmentation=mask))
    return version.retrieve_stats().nb_objects


@row(12)
def extensions_of_four_letters(place: Place) -> Any:
    version = place.version("a.jpeg")
    return outcome(
        lambda: version.import_annotations_yolo_files(*place.yolo("a", "1 0.5 0.5 0.5 0.5"))
    )


@row(13)
def a_class_below_zero(place: Place) -> Any:
    version = place.version("a.png")
    done = outcome(
        lambda: version.import_annotations_yolo_files(*place.yolo("a", "-1 0.5 0.5 0.5 0.5"))
    )
    blank = outcome(
        lambda: version.import_annotations_yolo_files(
            *place.yolo("a", "0 0.5 0.5 0.5 0.5\n\n1 0.5 0.5 0.5 0.5\n")
        )
    )
    return [done, blank]


@row(14)
def boxes_beyond_the_edge(place: Place) -> Any:
    version = place.version("a.png")
    version.import_annotations_yolo_files(*place.yolo("a", "0 0.1 0.5 0.5 0.25"))
    return boxes(version)


@row(15)
def a_limit_between_pages(place: Place) -> Any:
    version = place.client.create_dataset("many").create_version("v1")
    version.add_data(place.datalake.list_data(q='filename startswith "img_"'))
    return len(version.list_assets(limit=1500))


@row(17)
def an_or_beside_tags(place: Place) -> Any:
    version = place.version("a.png", "b.png", "c.png")
    version.find_asset(filename="a.png").add_tags(version.create_asset_tag("t"))
    found = version.list_assets(
        q='filename = "b.png" or filename = "c.png" or filename = "a.png"', tags="t"
    )
    quoted = version.create_asset_tag('say "x"')
    version.find_asset(filename="b.png").add_tags(quoted)
    return [len(found), outcome(lambda: version.list_assets(tags=[quoted]))]


@row(18)
def two_builds_are_one(place: Place) -> Any:
    version = place.version(*[f"{number}.png" for number in range(9)])
    for number in range(9):
        version.import_annotations_coco_file(place.coco(f"{number}.png"))
    newest = [asset.filename for asset in version.list_assets()]
    built = version.build_coco_file_locally()
    return [image.file_name for image in built.images] == newest


@row(19)
def nothing_to_build_from(place: Place) -> Any:
    version = place.version("a.png")
    nothing = outcome(version.build_coco_file_locally)
    cat = version.create_label("cat")
    version.list_assets()[0].create_annotation().create_line([[0, 0], [4, 4]], cat)
    built = version.build_coco_file_locally()
    told = [finding.message for finding in getattr(built, "findings", [])]
    return [nothing, len(built.annotations), told]


@row(20)
def one_chunk_fails(place: Place) -> Any:
    version = place.version("a.png", "b.png", "c.png")
    for name in ("a.png", "b.png", "c.png"):
        version.import_annotations_coco_file(place.coco(name))
    damage = (
        "update annotation set shapes = x'ffffff' where no = 2 and version ="
        " (select max(version) from annotation)"
    )
    place.sql(damage)
    return [
        outcome(lambda: version.load_annotations(chunk_size=1)),
        len(version.load_annotations(chunk_size=1, skip_error=True)),
    ]


@row(21)
def a_split_of_seven(place: Place) -> Any:
    version = place.client.get_dataset("many").get_version("v1")
    names = [asset.filename for asset in version.list_assets(limit=100)]
    version = version.fork("hundred", assets=version.list_assets(limit=100))[0]
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    annotations = [
        {"id": number, "image_id": number, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
        for number in range(100)
    ]  # fmt: skip
    path = place.new() / "coco.json"
    categories = [{"id": 1, "name": "cat"}]
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    version.set_type("OBJECT_DETECTION")
    version.import_annotations_coco_file(path)
    random.seed(99)
    before = random.getstate()
    parts, _, _ = version.split_into_multi_assets([1] * 7, random_seed=1)
    return [sum(map(len, parts)), random.getstate() == before]


@row(22)
def uploads_in_the_order_of_the_files(place: Place) -> Any:
    folder = place.new()
    paths = []
    for number in range(12):
        size = 600 if number % 3 == 0 else 8
        Image.effect_noise((size, size), 90).save(folder / f"{number:02}.png")
        paths.append(str(folder / f"{number:02}.png"))
    data = place.datalake.upload_data(paths)
    in_order = [one.filename for one in data] == [Path(path).name for path in paths]
    return [in_order, type(place.datalake.upload_data(paths[:1])).__name__]


@row(24)
def nothing_is_asked_for(place: Place) -> Any:
    version = place.version("a.png")
    return outcome(lambda: version.list_assets(ids=[]))


@row(25)
def many_make_one_label(place: Place) -> Any:
    version = place.version("a.png")

    def make(number: int) -> str:
        return outcome(lambda: version.get_or_create_label(f"label {number // 8}"))

    with ThreadPoolExecutor(8) as pool:
        return sorted(set(pool.map(make, range(160))) - {"returned"})


@row(26)
def a_folder_with_a_broken_file(place: Place) -> Any:
    version, target = place.version("a.png", "b.png"), place.new()
    version.download(str(target))
    (target / "a.png").write_bytes(b"broken")
    (target / "b.png").unlink()
    found = version.synchronize(str(target), do_download=True)
    assert (target / "b.png").exists()
    return "a.png" in [asset.filename for asset in found]


def large_bodies(place: Place) -> Any:
    """Row 9: what stands before the server refuses bodies of some size."""
    version = place.version(*[f"{number:02}.png" for number in range(30)])
    names = [asset.filename for asset in version.list_assets()]
    boxes = [
        {"id": number, "image_id": number, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
        for number in range(30)
    ]  # fmt: skip
    path = place.new() / "coco.json"
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    categories = [{"id": 1, "name": "cat"}]
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    version.import_annotations_coco_file(path, status=AnnotationStatus.ACCEPTED)
    return [each.status.value for each in version.list_annotations()].count("ACCEPTED")


def main(host: str, token: str, folder: Path, lake: Path, only: str = "") -> dict[str, Any]:
    place = Place(host, token, folder, lake)
    seen = {}
    rows = {9: large_bodies} if only == "9" else ROWS
    for number, function in rows.items():
        try:
            seen[str(number)] = function(place)
        except Exception as error:
            seen[str(number)] = f"stopped: {type(error).__name__}: {error}"
    return seen


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:3], *map(Path, sys.argv[3:5]), *sys.argv[5:])))
