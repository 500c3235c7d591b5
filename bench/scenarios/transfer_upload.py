"""Upload many files: headrace into a lake and into a server, the official client into a server."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import headrace
from bench.blobs import Load, files_of, manifest, warmed
from bench.lakes import count
from bench.scenario import Contender, Scenario, Setting, Stage
from bench.scenarios.transfer import MEMORY, PACKAGES
from bench.server import served

LOADS = {"T": Load(200, 20_000), "S": Load(2_000, 20_000), "M": Load(20_000, 20_000)}

EMBEDDED = Contender("headrace", "transfer_upload.py", packages=PACKAGES)
HTTP = Contender("headrace-http", "transfer_upload.py", packages=PACKAGES)
OFFICIAL = Contender(
    "picsellia", "transfer_upload_picsellia.py", "picsellia", packages=("picsellia", "requests")
)


def prepare(setting: Setting) -> None:
    """The files in the page cache."""
    warmed(files_of(setting.cache, LOADS[setting.scale]))


def data(setting: Setting) -> Mapping[str, Any]:
    """For the result."""
    load = LOADS[setting.scale]
    return {"files": load.files, "bytes_each": load.size}


def there(lake: Path) -> dict[str, int]:
    """Data in the lake's own table, and bytes of them in its objects."""
    sizes = [path.stat().st_size for path in (lake / "objects").rglob("*") if path.is_file()]
    return {"data": count(lake, "data"), "objects": len(sizes), "bytes": sum(sizes)}


@contextmanager
def stage(setting: Setting, contender: Contender, folder: Path) -> Iterator[Stage]:
    """An empty lake, served where the contender works over HTTP; it is removed after the run."""
    load = LOADS[setting.scale]
    source = files_of(setting.cache, load)
    paths = folder / "paths.txt"
    paths.write_text("".join(f"{source / name}\n" for name, _, _ in manifest(setting.cache, load)))
    lake = folder / "lake"
    asyncio.run(headrace.create_lake(lake))
    moved = {"files": load.files, "bytes": load.files * load.size}
    verify = partial(there, lake)
    try:
        if contender == EMBEDDED:
            yield Stage({"target": str(lake), "paths": str(paths)}, verify=verify, **moved)
            return
        with served(lake, folder) as server:
            arguments = {"target": server.address, "token": server.token, "paths": str(paths)}
            yield Stage(arguments, server_pid=server.pid, verify=verify, **moved)
    finally:
        shutil.rmtree(lake)


UPLOAD = Scenario(
    name="upload",
    summary="upload files of 20 kB into a lake, into a server, and by the official client",
    ours=(EMBEDDED, HTTP),
    peers=(OFFICIAL,),
    prepare=prepare,
    stage=stage,
    data=data,
    coco=False,
    measures=("job_cpu_s", "job_wall_s", "total_cpu_s", "peak_mib"),
    work=MEMORY / "headrace-bench" if MEMORY.is_dir() else None,
)
