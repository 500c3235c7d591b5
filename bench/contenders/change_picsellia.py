"""The official client changes a whole version: forks it, splits it, deletes its annotations."""

from typing import Any

from picsellia import Client

from bench.contenders.job import measured_job, run


def fork(version: Any) -> dict[str, int]:
    """Fork with labels and annotations."""
    made, _ = version.fork("fork", type=version.type, with_annotations=True)
    stats = made.retrieve_stats()
    return {"shapes": stats.nb_objects, "annotations": stats.nb_annotations}


def delete(version: Any) -> dict[str, int]:
    """Delete all annotations."""
    version.delete_all_annotations()
    return {"shapes": version.retrieve_stats().nb_objects}


JOBS = {"fork": fork, "delete": delete}


def work(operation: str, target: str, version: str, token: str) -> dict[str, int]:
    """Do one job as a user of that client does."""
    dataset, name = version.split("/")
    with Client(api_token=token, host=target) as client:
        found = client.get_dataset(dataset).get_version(name)
        with measured_job():
            return JOBS[operation](found)


run(work)
