"""The official client copies a version: download of files and annotations, upload, import."""

import os

from picsellia import Client
from picsellia.types.enums import AnnotationFileType, InferenceType

from bench.contenders.job import measured_job, run


def work(places: list[list[str]], version: str, work_folder: str) -> dict[str, int]:
    """Copy a version as a user of that client does."""
    dataset, name = version.split("/")
    (source, token), (target, other_token) = places
    images = os.path.join(work_folder, "images")
    with (
        Client(api_token=token, host=source) as mine,
        Client(api_token=other_token, host=target) as theirs,
        measured_job(),
    ):
        found = mine.get_dataset(dataset).get_version(name)
        assets = found.list_assets()
        assets.download(images)
        file = found.export_annotation_file(AnnotationFileType.COCO, work_folder)
        lake = theirs.get_datalake()
        paths = sorted(os.path.join(images, each) for each in os.listdir(images))
        sent = lake.upload_data(paths)
        made = theirs.create_dataset(dataset).create_version(
            name, type=InferenceType.OBJECT_DETECTION
        )
        made.add_data(sent)
        answer = made.import_annotations_coco_file(file)
    return {"assets": len(sent), "annotations": len(answer)}


run(work)
