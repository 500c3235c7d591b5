"""Import a COCO file into a version that has its assets: headrace and the official client."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.lakes import VERSION, base_lake, copy_lake, outcome
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.server import serve

PACKAGES = ("headrace", "aiohttp", "apsw", "msgspec")

EMBEDDED = Contender("headrace", "import_headrace.py", packages=PACKAGES)
HTTP = Contender("headrace-http", "import_headrace.py", packages=PACKAGES)
OFFICIAL = Contender(
    "picsellia",
    "import_picsellia.py",
    environment="picsellia",
    packages=("picsellia", "picsellia-annotations", "pydantic", "requests", "orjson"),
)


def prepare(setting: Setting) -> None:
    """Create a lake with the assets, and read the file into the page cache."""
    base_lake(setting.cache, setting.spec)
    with setting.coco_file.open("rb") as stream:
        while stream.read(1 << 20):
            pass


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up a copy of the lake, and a server if the contender works over HTTP."""
    lake = copy_lake(base_lake(setting.cache, setting.spec), folder / "lake")
    verify = partial(outcome, lake)
    job = {"version": VERSION, "file": str(setting.coco_file)}
    if contender == EMBEDDED:
        yield RunSetup({"target": str(lake), **job}, verify=verify)
        return
    with serve(lake, folder) as server:
        arguments = {"target": server.address, "token": server.token, **job}
        yield RunSetup(arguments, server_pid=server.pid, verify=verify)


IMPORT = Scenario(
    name="import",
    summary="import a COCO file: into a lake, over HTTP, and by the official client over HTTP",
    ours=(EMBEDDED, HTTP),
    peers=(OFFICIAL,),
    prepare=prepare,
    set_up=set_up,
)
