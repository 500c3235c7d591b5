"""The official client reads a version from a server: loads, lists, builds, exports."""

import os
import shutil
from collections.abc import Callable
from typing import Any

from picsellia import Client
from picsellia.types.enums import AnnotationFileType

from bench.contenders.job import measured_job, run
from bench.contenders.sums import sum_loaded


def load(version: Any) -> dict[str, int]:
    """Load all annotations, read every label and sum every coordinate."""
    loaded = version.load_annotations()
    return sum_loaded(each for found in loaded.values() for each in found)


def build(version: Any) -> dict[str, int]:
    """Build a COCO file in memory."""
    made = version.build_coco_file_locally()
    return {"images": len(made.images), "shapes": len(made.annotations)}


def list_all(version: Any) -> dict[str, int]:
    """List all assets."""
    assets = version.list_assets()
    return {"assets": len(assets), "letters": sum(len(each.filename) for each in assets)}


def export_coco(version: Any, output: str) -> dict[str, int]:
    """Let the server export a COCO file, and download it."""
    made = version.export_annotation_file(AnnotationFileType.COCO, os.path.dirname(output))
    shutil.move(made, output)
    return {}


def build_coco(version: Any, output: str) -> dict[str, int]:
    """Build a COCO file in memory, and write it."""
    made = version.build_coco_file_locally()
    with open(output, "w") as file:
        file.write(made.model_dump_json())
    return {}


JOBS: dict[str, Callable[..., dict[str, int]]] = {
    "load": load,
    "build": build,
    "list": list_all,
    "export-coco": export_coco,
    "build-coco": build_coco,
}


def work(operation: str, target: str, version: str, token: str, **more: Any) -> dict[str, int]:
    """Do one job as a user of that client does."""
    dataset, name = version.split("/")
    with Client(api_token=token, host=target) as client:
        found = client.get_dataset(dataset).get_version(name)
        with measured_job():
            return JOBS[operation](found, **more)


run(work)
