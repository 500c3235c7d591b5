"""A version of many assets, as a user of the official client handles it: pages, long lists of keys, large batches.

Prints what it saw as one JSON object. Arguments: host, token, a folder to work in. The data are in the lake already.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from picsellia import Client
from picsellia.types.enums import InferenceType


def main(host: str, token: str, folder: Path) -> dict[str, Any]:
    client = Client(api_token=token, host=host)
    data = client.get_datalake().list_data()
    dataset = client.create_dataset("many")
    version = dataset.create_version("v1", type=InferenceType.OBJECT_DETECTION)
    seen: dict[str, Any] = {"data": len(data)}
    version.add_data(data, tags=["all"])
    assets = version.list_assets()
    every = [asset.filename for asset in assets]
    seen["assets"] = [len(every), len(set(every))]
    seen["limit"] = len(version.list_assets(limit=3000))
    seen["offset"] = [each.filename for each in version.list_assets(limit=2000, offset=1000)] == (
        every[1000:3000]
    )
    ids = [asset.id for asset in assets[:2300]]
    seen["ids"] = sorted(asset.filename for asset in version.list_assets(ids=ids)) == sorted(
        every[:2300]
    )
    seen["filenames"] = len(version.list_assets(filenames=every[500:2100]))
    seen["data_ids"] = len(version.list_assets(data_ids=[asset.data_id for asset in assets[:1500]]))
    prefixes = [name[:7] for name in sorted(every)[:1200]]
    # As a set: prefixes of several calls make the official client list some assets twice.
    seen["startswith"] = len(
        {asset.id for asset in version.list_assets(filenames_startswith=prefixes)}
    )
    seen["q"] = len(version.list_assets(q='tags.name = "all"'))
    seen["ordered"] = version.list_assets(order_by=["filename"])[0].filename

    images = [
        {"id": place, "file_name": name, "width": 640, "height": 480}
        for place, name in enumerate(every, 1)
    ]
    boxes = [
        {
            "id": place, "image_id": place, "category_id": 1 + place % 2, "bbox": [1, 2, place % 50, 4],
            "area": 4, "iscrowd": 0, "segmentation": [],
        }
        for place in range(1, len(images) + 1)
    ]  # fmt: skip
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    coco = folder / "coco.json"
    coco.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    seen["imported"] = len(version.import_annotations_coco_file(coco))
    loaded = version.load_annotations(max_workers=4)
    seen["loaded"] = [
        len(loaded),
        sum(
            shape["w"] for annotations in loaded.values() for shape in annotations[0]["rectangles"]
        ),
    ]
    seen["some loaded"] = len(version.load_annotations(assets=assets[:300]))
    seen["annotations"] = len(version.list_annotations())
    train, test, *_ = version.train_test_split(0.8, random_seed=1, load_asset_page_size=1000)
    seen["split"] = [len(train), len(test)]
    fork, job = version.fork("fork", with_tags=True, with_annotations=True)
    job.wait_for_done(attempts=300)
    seen["fork"] = [len(fork.list_assets()), fork.retrieve_stats().nb_objects]
    target = dataset.create_version("target")
    version.copy_assets_to(target, assets[:12000], wait=True)
    seen["copy"] = len(target.list_assets())
    some, job = version.fork("some", assets=assets[:11000])
    seen["some"] = len(some.list_assets())
    target.list_assets(limit=2000).delete()
    seen["left"] = len(target.list_assets())
    version.delete_all_annotations()
    seen["end"] = version.retrieve_stats().nb_annotations
    return seen


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
