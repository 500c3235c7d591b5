"""Upload many files: headrace to a lake and to a server, the official client to a server."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.blobs import FileSet, ensure_files, manifest, warm_page_cache
from bench.builds import build_of
from bench.lakes import copy_lake, count_rows
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.transfer import MEMORY, PACKAGES
from bench.scenarios.versions import Place, official
from bench.server import serve

LOADS = {"T": FileSet(200, 20_000), "S": FileSet(2_000, 20_000), "M": FileSet(20_000, 20_000)}

EMBEDDED = Contender("headrace", "transfer_upload.py", packages=PACKAGES)
HTTP = Contender("headrace-http", "transfer_upload.py", packages=PACKAGES)
OFFICIAL = official("transfer_upload_picsellia.py")


def prepare(setting: Setting) -> None:
    """Create the files, and read them into the page cache."""
    warm_page_cache(ensure_files(setting.cache, LOADS[setting.scale]))


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe the files, for the result."""
    load = LOADS[setting.scale]
    return {"files": load.files, "bytes_each": load.size}


def count_data(lake: Path) -> dict[str, int]:
    """Count the data in the lake's database, and its objects and their bytes."""
    sizes = [path.stat().st_size for path in (lake / "objects").rglob("*") if path.is_file()]
    return {"data": count_rows(lake, "data"), "objects": len(sizes), "bytes": sum(sizes)}


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up an empty lake, and a server if the contender works over HTTP; the lake is deleted after the run."""
    load = LOADS[setting.scale]
    source = ensure_files(setting.cache, load)
    paths = folder / "paths.txt"
    paths.write_text("".join(f"{source / name}\n" for name, _, _ in manifest(setting.cache, load)))
    lake = folder / "lake"
    build = build_of(OFFICIAL.get(contender, Place()).build, setting.cache)
    copy_lake(build.empty_lake(setting.cache), lake)
    moved: dict[str, Any] = {"files": load.files, "bytes": load.files * load.size}
    verify = partial(count_data, lake)
    try:
        if contender == EMBEDDED:
            yield RunSetup({"target": str(lake), "paths": str(paths)}, verify=verify, **moved)
            return
        with serve(lake, folder, build) as server:
            arguments = {"target": server.address, "token": server.token, "paths": str(paths)}
            yield RunSetup(arguments, server_pid=server.pid, verify=verify, **moved)
    finally:
        shutil.rmtree(lake)


UPLOAD = Scenario(
    name="upload",
    summary="upload files of 20 kB to a lake, to a server, and with the official client",
    ours=(EMBEDDED, HTTP),
    peers=tuple(OFFICIAL),
    prepare=prepare,
    set_up=set_up,
    data=data,
    coco=False,
    measures=("job_cpu_s", "job_wall_s", "total_cpu_s", "peak_mib"),
    work=MEMORY / "headrace-bench" if MEMORY.is_dir() else None,
)
