"""Annotating as a user of the official client writes it. Prints what it saw as one JSON object.

In a process of its own: importing that client takes a second and rewrites the root logger.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from picsellia import Client
from picsellia.exceptions import ResourceNotFoundError
from picsellia.types.enums import AnnotationStatus, InferenceType


def main(host: str, token: str, folder: Path) -> dict[str, object]:
    client = Client(api_token=token, host=host)
    lake = client.get_datalake()
    images = [str(path) for path in sorted(folder.glob("*.png"))]
    dataset = client.create_dataset("animals")
    version = dataset.create_version("v1", type=InferenceType.OBJECT_DETECTION)
    version.add_data(lake.upload_data(filepaths=images))
    assets = sorted(version.list_assets(), key=lambda asset: asset.filename)
    cat, dog = version.create_label("cat"), version.create_label("dog")
    seen: dict[str, object] = {}

    (user,) = dataset.list_users()
    dataset.add_user(user)
    seen["users"] = [w.username for w in dataset.list_workers()] == [user.username]
    (folder / "here").mkdir()
    version.synchronize(str(folder / "here"), do_download=True)
    seen["synchronized"] = sorted(path.name for path in (folder / "here").glob("*.png"))
    try:
        assets[0].get_annotation()
    except ResourceNotFoundError:
        seen["none"] = True
    annotation = assets[0].create_annotation(1.5)
    boxes = annotation.create_multiple_rectangles([(1, 2, 3, 4, cat), (5, 6, 7, 8, dog)])
    one = annotation.create_rectangle(9, 9, 2, 2, cat)
    polygon = annotation.create_polygon([[0, 0], [4, 0], [4, 4]], dog)
    line = annotation.create_line([[0, 0], [1, 1]], dog)
    point = annotation.create_point([3, 4], cat)
    word = annotation.create_classification(cat)
    mask = annotation.create_mask((folder / "mask.txt").read_text(), dog)
    seen["boxes"] = [(box.x, box.label.name) for box in [*boxes, one]]
    seen["mask"] = (mask.area, mask.bbox)
    boxes[0].update(x=2, label=dog, text="sign")
    polygon.update([[0, 0], [1, 0], [1, 1]])
    line.update(label=cat)
    point.update(coords=[7, 8])
    word.update(label=dog)
    for shape in (boxes[0], polygon, line, point, word, mask):
        shape.sync()
    seen["changed"] = [boxes[0].x, boxes[0].text, polygon.coords, line.label.name, point.coords]
    boxes[1].delete()
    mask.delete()
    seen["listed"] = [
        [box.x for box in annotation.list_rectangles()],
        len(annotation.list_polygons()),
        len(annotation.list_lines()),
        len(annotation.list_points()),
        len(annotation.list_classifications()),
        len(annotation.list_masks()),
    ]
    annotation.overwrite(rectangles=[(1, 1, 1, 1, cat)], points=[([1, 2], dog)], duration=2)
    annotation.update(status=AnnotationStatus.ACCEPTED)
    annotation.sync()
    seen["saved"] = [annotation.duration, annotation.status.value]
    seen["stats"] = version.retrieve_stats().label_repartition

    for asset in assets[1:]:
        asset.create_annotation()
    second = assets[1].create_annotation()
    seen["last"] = assets[1].get_annotation().id == second.id
    seen["of_asset"] = assets[1].list_annotations()[0].id == second.id
    everything = version.list_annotations()
    seen["all"] = [len(everything), everything[0].id == second.id]
    seen["accepted"] = [a.id == annotation.id for a in version.list_annotations(status="ACCEPTED")]
    seen["paged"] = [len(version.list_annotations(page_size=2)), len(everything.load())]
    seen["ordered"] = version.list_annotations(order_by=["created_at"])[0].id == annotation.id
    parts, counts, labels = version.split_into_multi_assets([2, 1], random_seed=5)
    seen["split"] = [len(parts[0]), len(parts[1]), len(labels), sum(map(len, counts))]
    train, test, *_ = version.train_test_split(0.5, random_seed=5, load_asset_page_size=1)
    seen["halves"] = len({asset.id for asset in [*train, *test]})
    seen["thirds"] = len(version.train_test_val_split([1.0, 1.0, 1.0])[:3])
    second.delete()
    version.list_annotations(limit=1).delete()
    seen["left"] = len(version.list_annotations())
    assets[0].delete_annotations()
    seen["left after"] = len(version.list_annotations())
    version.delete_all_annotations()
    seen["end"] = version.retrieve_stats().nb_annotations
    return seen


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
