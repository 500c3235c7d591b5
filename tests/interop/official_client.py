"""The main job as a user of the official client writes it. Prints what it saw as one JSON object.

In a process of its own: importing that client takes a second and rewrites the root logger.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path

from picsellia import Client
from picsellia.types.enums import AnnotationStatus, ImportAnnotationMode, InferenceType


def main(host: str, token: str, folder: Path) -> dict[str, object]:
    client = Client(api_token=token, host=host)
    lake = client.get_datalake()
    images = [str(path) for path in sorted(folder.glob("*.png"))]
    uploaded = lake.upload_data(filepaths=images, tags=["raw"], source=None)

    dataset = client.create_dataset("animals", description="two pictures")
    version = dataset.create_version("v1", type=InferenceType.OBJECT_DETECTION)
    version.add_data(uploaded, tags=["first"]).wait_for_done()
    assets = version.list_assets()

    coco = str(folder / "coco.json")
    imported = version.import_annotations_coco_file(coco, status=AnnotationStatus.ACCEPTED)
    kept = version.import_annotations_coco_file(coco, mode=ImportAnnotationMode.KEEP)
    loaded = version.load_annotations()
    stats = version.retrieve_stats()
    built = version.build_coco_file_locally(enforced_ordered_categories=["cat", "dog"])

    # Exactly two parts: this client then sends a third, empty one.
    large = lake.upload_data(filepaths=[str(folder / "large.bmp")])
    large.download(str(folder / "large"))

    pulled = folder / "pulled"
    assets.download(str(pulled))
    again = client.get_dataset("animals").get_version("v1")
    found = again.find_asset(filename="a.png")
    return {
        "organization": client.id is not None,
        "uploaded": sorted(data.filename for data in uploaded),
        "assets": sorted(asset.filename for asset in assets),
        "sizes": sorted((asset.width, asset.height) for asset in assets),
        "tags": sorted(tag.name for tag in found.get_tags()),
        "imported": sorted(imported.values()),
        "kept": sorted(kept.values()),
        "same_ids": set(imported) == set(kept),
        "loaded": loaded,
        "assets_by_id": {str(asset.id): asset.filename for asset in assets},
        "labels": [label.name for label in version.list_labels()],
        "groups": sorted(group.name for group in version.list_label_groups()),
        "stats": {
            "labels": stats.label_repartition,
            "objects": stats.nb_objects,
            "annotations": stats.nb_annotations,
        },
        "built": [len(built.images), len(built.annotations), len(built.categories)],
        "large": sha256((folder / "large" / "large.bmp").read_bytes()).hexdigest(),
        "pulled": {path.name: path.stat().st_size for path in sorted(pulled.glob("*.png"))},
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
