"""Processings as a user of the official client launches them. Prints what it saw as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from picsellia import Client


def refused(call: Callable[[], Any]) -> list[str]:
    """How a call was refused: the error's class, and its words."""
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return ["answered", ""]


def main(host: str, token: str, folder: Path) -> dict[str, Any]:
    client = Client(api_token=token, host=host)
    images = [str(path) for path in sorted(folder.glob("*.png"))]
    lake = client.get_datalake()
    uploaded = lake.upload_data(filepaths=images)
    version = client.create_dataset("animals").create_version("v1")
    version.add_data(uploaded)

    listed = client.list_processings()
    shipped = client.get_processing("find-duplicates")
    names = client.get_processing("names")
    shipped.sync()
    found = version.launch_processing(shipped, parameters={"tag": "twin"})
    found_status = found.wait_for_done()
    some = version.launch_processing(
        names, version.list_assets(limit=1), parameters={"a": 2}, cpu=1, gpu=0
    )
    some_status = some.wait_for_done()
    again = client.get_job_by_id(some.id)
    on_lake = lake.launch_processing(client.get_processing("data"), uploaded, parameters={})
    failing = version.launch_processing(client.get_processing("fails"))

    return {
        "listed": [
            [each.name, each.target.value, each.type and each.type.value] for each in listed
        ],
        "shipped": [shipped.name, shipped.docker],
        "found": [found_status.value, [a.filename for a in version.list_assets(tags=["twin"])]],
        "some": [some_status.value, again.status.value],
        "on_lake": on_lake.wait_for_done().value,
        "failing": failing.wait_for_done().value,
        "refusals": {
            "create": refused(
                lambda: client.create_processing("x", "DATASET_VERSION", 1, 0, {}, "image", "tag")
            ),
            "update": refused(lambda: names.update(default_cpu=2)),
            "delete": refused(names.delete),
            "missing": refused(lambda: client.get_processing("none")),
            "parameter": refused(lambda: version.launch_processing(names, parameters={"b": 1})),
            "cpu": refused(lambda: version.launch_processing(names, cpu=1000)),
            "inputs": refused(lambda: version.launch_processing(names, inputs={"m": "1"})),
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
