"""Videos as a user of the official client uploads and annotates them. Prints what it saw as one JSON object.

Arguments: host, token, a folder with videos.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from picsellia import Client
from picsellia.exceptions import ResourceLockedError


def main(host: str, token: str, folder: Path) -> dict[str, Any]:
    client = Client(api_token=token, host=host)
    lake = client.get_datalake()
    paths = sorted(str(path) for path in folder.iterdir())
    uploaded = lake.upload_data(paths, tags=["film"])
    seen: dict[str, Any] = {
        "data": {
            data.filename: [data.type.value, data.upload_status.value, data.width, data.height]
            for data in uploaded
        },
        "length": lake.find_data(filename="h264.mp4").metadata,
    }
    version = client.create_dataset("films").create_version("v1")
    version.add_data(uploaded)
    assets = version.list_assets(q='data.type = "VIDEO"', order_by=["filename"])
    seen["assets"] = [[asset.filename, asset.width, asset.height] for asset in assets]
    label = version.create_label("ball")
    for asset in assets:
        asset.create_annotation().create_rectangle(1, 2, 3, 4, label)
    version.lock()
    try:
        version.create_label("late")
    except ResourceLockedError:
        seen["locked"] = True
    built = version.build_coco_file_locally()
    seen["built"] = [[image.file_name, image.width] for image in built.images]
    version.download(str(folder.parent / "down"))
    seen["same"] = [
        (folder.parent / "down" / path.name).read_bytes() == path.read_bytes()
        for path in folder.iterdir()
    ]
    copy, _ = version.fork("copy")
    version.unlock()
    seen["left"] = [len(copy.list_assets()), len(version.list_labels())]
    version.delete()
    return seen


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
