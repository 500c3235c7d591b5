"""The official client uploads files to a headrace server."""

from picsellia import Client

from bench.contenders.job import measured_job, run


def work(target: str, paths: str, token: str) -> dict[str, int]:
    """Upload files as a user of that client does."""
    with open(paths) as file:
        listed = file.read().splitlines()
    with Client(api_token=token, host=target) as client:
        lake = client.get_datalake()
        with measured_job():
            sent = lake.upload_data(listed)
    return {"files": len(sent)}


run(work)
