"""The official client downloads a version from a headrace server."""

from picsellia import Client

from bench.contenders.job import measured_job, run


def work(address: str, token: str, version: str, target: str) -> dict[str, int]:
    """Download a version as a user of that client does."""
    dataset, name = version.split("/")
    with Client(api_token=token, host=address) as client:
        found = client.get_dataset(dataset).get_version(name)
        with measured_job():
            found.list_assets().download(target)
    return {}


run(work)
