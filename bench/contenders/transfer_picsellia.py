"""The official client downloads a version from a headrace server."""

from picsellia import Client

from bench.contenders.job import run, the_job


def work(address: str, token: str, version: str, target: str) -> dict[str, int]:
    """As a user of that client writes it."""
    dataset, name = version.split("/")
    with Client(api_token=token, host=address) as client:
        found = client.get_dataset(dataset).get_version(name)
        with the_job():
            found.list_assets().download(target)
    return {}


run(work)
