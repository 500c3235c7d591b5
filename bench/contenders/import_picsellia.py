"""The official client imports a COCO file into a headrace server."""

from picsellia import Client

from bench.contenders.job import measured_job, run


def work(target: str, version: str, file: str, token: str) -> dict[str, int]:
    """Import a file as a user of that client does."""
    dataset, name = version.split("/")
    with Client(api_token=token, host=target) as client:
        into = client.get_dataset(dataset).get_version(name)
        with measured_job():
            answer = into.import_annotations_coco_file(file)
    return {"annotations": len(answer), "shapes": sum(answer.values())}


run(work)
