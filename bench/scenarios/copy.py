"""Copy a version with its files and annotations: headrace, and the official client by download, upload and import."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import headrace
from bench.data import write_coco
from bench.dataset import Spec
from bench.lakes import VERSION, base_lake, copy_lake, outcome
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.server import serve

# A scale that is ten times another shows whether memory grows.
LOADS = {
    "T": Spec(200, 1_600, polygons=False),
    "S": Spec(2_000, 14_500, polygons=False),
    "M": Spec(10_000, 72_500, polygons=False),
    "L": Spec(100_000, 725_000, polygons=False),
}
PACKAGES = ("headrace", "aiohttp", "apsw", "msgspec")

LAKES = Contender("headrace", "copy_headrace.py", packages=PACKAGES)
SERVERS = Contender("headrace-http", "copy_headrace.py", packages=PACKAGES)
ROUND = Contender("headrace-there-and-back", "copy_headrace.py", packages=PACKAGES)
OFFICIAL = Contender(
    "picsellia",
    "copy_picsellia.py",
    environment="picsellia",
    packages=("picsellia", "picsellia-annotations", "pydantic", "requests", "orjson"),
    up_to="S",
)


def prepare(setting: Setting) -> None:
    """Create the lake with assets and annotations."""
    filled_lake(setting)


def filled_lake(setting: Setting) -> Path:
    """Return the lake that is copied, and create it if missing."""
    spec = LOADS[setting.scale]
    base = base_lake(setting.cache, spec)
    lake = base.with_name(f"{base.name}-annotated")
    if not lake.exists():
        partial_lake = copy_lake(base, lake.with_name(f"{lake.name}.partial"))
        file = write_coco(setting.cache / "data" / f"{spec.name}.json", spec)
        asyncio.run(annotate(partial_lake, file))
        partial_lake.replace(lake)
    return lake


async def annotate(lake: Path, file: Path) -> None:
    """Import a COCO file into the version of a lake."""
    async with headrace.connect(lake) as client:
        await (await client.version(VERSION)).import_annotations(file)


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe the version, for the result."""
    spec = LOADS[setting.scale]
    return {"files": spec.images, "shapes": spec.annotations}


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up a copy of the lake, an empty one, and the servers that the contender works with."""
    source = copy_lake(filled_lake(setting), folder / "source")
    target = folder / "target"
    asyncio.run(headrace.create_lake(target))
    verify = partial(outcome, target)
    job = {"version": VERSION, "work_folder": str(folder / "files")}
    try:
        if contender == LAKES:
            yield RunSetup(
                {"places": [[str(source), None], [str(target), None]], **job}, verify=verify
            )
        elif contender == ROUND:
            middle = folder / "middle"
            asyncio.run(headrace.create_lake(middle))
            with serve(middle, folder) as server:
                places = [[str(source), None], [server.address, server.token], [str(target), None]]
                yield RunSetup({"places": places, **job}, server_pid=server.pid, verify=verify)
        else:
            for name in ("one", "two"):
                (folder / name).mkdir()
            with serve(source, folder / "one") as one, serve(target, folder / "two") as two:
                places = [[one.address, one.token], [two.address, two.token]]
                yield RunSetup({"places": places, **job}, server_pid=two.pid, verify=verify)
    finally:
        for name in ("source", "middle", "target", "files"):
            shutil.rmtree(folder / name, ignore_errors=True)


COPY = Scenario(
    name="copy",
    summary="copy a version between lakes and servers; the official client: download, upload, import",
    ours=(LAKES, SERVERS, ROUND),
    peers=(OFFICIAL,),
    prepare=prepare,
    set_up=set_up,
    data=data,
    coco=False,
    measures=("job_wall_s", "job_cpu_s", "total_cpu_s", "peak_mib"),
)
