"""Forks, copies, conversions and exports as a user of the official client writes them. Prints what it saw as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from picsellia import Client
from picsellia.types.enums import AnnotationFileType, InferenceType, TagTarget


def contents(version: Any) -> dict[str, Any]:
    """What a version says, by file name."""
    assets = version.list_assets()
    names = {str(asset.id): asset.filename for asset in assets}
    try:
        loaded = version.load_annotations()
    except Exception:
        loaded = {}
    stats = version.retrieve_stats()
    return {
        "assets": sorted(names.values()),
        "tags": {asset.filename: sorted(tag.name for tag in asset.get_tags()) for asset in assets},
        "shapes": {
            names[asset]: sorted(
                shape["label"]
                for annotation in annotations
                for kind in ("rectangles", "classifications")
                for shape in annotation[kind]
            )
            for asset, annotations in loaded.items()
        },
        "labels": [label.name for label in version.list_labels()],
        "stats": [stats.label_repartition, stats.nb_objects, stats.nb_annotations],
        "type": version.type.value,
    }


def main(host: str, token: str, folder: Path) -> dict[str, Any]:
    client = Client(api_token=token, host=host)
    images = [str(path) for path in sorted(folder.glob("*.png"))]
    uploaded = client.get_datalake().upload_data(filepaths=images)
    dataset = client.create_dataset("animals")
    first = dataset.create_version("v1", type=InferenceType.OBJECT_DETECTION)
    first.add_data(uploaded, tags=["raw"])
    first.import_annotations_coco_file(str(folder / "coco.json"))

    whole, job = first.fork("whole", with_tags=True, with_annotations=True)
    bare, _ = first.fork("bare", description="", type=InferenceType.CLASSIFICATION)
    some, _ = first.fork("some", assets=first.list_assets(limit=1), with_labels=True)
    target = dataset.create_version("target")
    copied = first.copy_assets_to(
        target, first.list_assets(), with_tags=True, with_annotations=True
    )
    again = first.copy_assets_to(target, first.list_assets(), with_tags=True)
    tag = bare.create_asset_tag("sunny")
    bare.find_asset(filename="a.png").add_tags(tag)
    converted = bare.convert_tags_to_classification(TagTarget.ASSET, [tag])
    converted.wait_for_done()

    out = folder / "out"
    exports = {
        kind.value: first.export_annotation_file(kind, str(out))
        for kind in (
            AnnotationFileType.COCO,
            AnnotationFileType.YOLO,
            AnnotationFileType.PASCAL_VOC,
        )
    }
    by_id = first.export_annotation_file(
        AnnotationFileType.COCO, str(out / "ids"), assets=first.list_assets(limit=1), use_id=True
    )
    return {
        "first": contents(first),
        "whole": contents(whole),
        "bare": contents(bare),
        "some": contents(some),
        "target": contents(target),
        "jobs": [job.status.value for job in (job, copied, again, converted)],
        "ids": [str(asset.id) for asset in first.list_assets()],
        "newest": [asset.filename for asset in first.list_assets(limit=1)],
        "version": str(first.id),
        "exports": {kind: str(path) for kind, path in exports.items()},
        "by_id": str(by_id),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
