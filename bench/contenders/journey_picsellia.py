"""The official client takes a dataset in and out again: upload, import, stats, export, download."""

import itertools
import json
import os

from picsellia import Client
from picsellia.types.enums import AnnotationFileType, InferenceType

from bench.contenders.job import add_figures, cpu_seconds, measured_job, run


def work(
    target: str, version: str, images: str, file: str, output: str, token: str
) -> dict[str, int]:
    """Make the journey as a user of that client does."""
    dataset, name = version.split("/")
    paths = sorted(os.path.join(images, each) for each in os.listdir(images))
    steps: list[tuple[str, float]] = []

    def step(name: str) -> None:
        steps.append((name, cpu_seconds()))

    with Client(api_token=token, host=target) as client, measured_job():
        step("")
        sent = client.get_datalake().upload_data(paths)
        made = client.create_dataset(dataset).create_version(name, type=InferenceType.SEGMENTATION)
        made.add_data(sent)
        step("push")
        made.import_annotations_coco_file(file)
        step("import")
        stats = made.retrieve_stats()
        step("stats")
        exported = made.export_annotation_file(AnnotationFileType.COCO, output)
        step("export")
        made.list_assets().download(os.path.join(output, "images"))
        step("pull")
    for (_, before), (name, after) in itertools.pairwise(steps):
        add_figures(**{f"{name}_cpu_s": after - before})
    with open(exported) as stream:
        shapes = len(json.load(stream)["annotations"])
    files = len(os.listdir(os.path.join(output, "images")))
    return {"shapes": stats.nb_objects, "exported": shapes, "files": files}


run(work)
