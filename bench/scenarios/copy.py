"""Copy a version with its files and annotations: headrace, and the official client by download, upload and import."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.builds import build_of
from bench.dataset import Spec
from bench.lakes import VERSION, copy_lake
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import PACKAGES, Place, official
from bench.server import serve

# A scale that is ten times another shows whether memory grows.
LOADS = {
    "T": Spec(200, 1_600, polygons=False),
    "S": Spec(2_000, 14_500, polygons=False),
    "M": Spec(10_000, 72_500, polygons=False),
    "L": Spec(100_000, 725_000, polygons=False),
}

LAKES = Contender("headrace", "copy_headrace.py", packages=PACKAGES)
SERVERS = Contender("headrace-http", "copy_headrace.py", packages=PACKAGES)
ROUND = Contender("headrace-there-and-back", "copy_headrace.py", packages=PACKAGES)
OFFICIAL = official("copy_picsellia.py", up_to="S")
# Whether a server is before each lake, from the source to the target.
SERVED = {LAKES: (False, False), ROUND: (False, True, False)}
BETWEEN_SERVERS = (True, True)


def prepare(setting: Setting) -> None:
    """Create the lake with assets and annotations."""
    build_of("headrace", setting.cache).annotated_lake(
        setting.cache, LOADS[setting.scale], files=True
    )


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe the version, for the result."""
    spec = LOADS[setting.scale]
    return {"files": spec.images, "shapes": spec.annotations}


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up a copy of the lake, empty ones, and the servers that the contender works with."""
    build = build_of(OFFICIAL.get(contender, Place()).build, setting.cache)
    source = build.annotated_lake(setting.cache, LOADS[setting.scale], files=True)
    places: list[tuple[str, str | None]] = []
    server_pid = None
    with ExitStack() as stack:
        for number, served in enumerate(SERVED.get(contender, BETWEEN_SERVERS)):
            here = folder / str(number)
            here.mkdir()
            stack.callback(shutil.rmtree, here, ignore_errors=True)
            lake = copy_lake(build.empty_lake(setting.cache) if number else source, here / "lake")
            if served:
                server = stack.enter_context(serve(lake, here, build))
                places.append((server.address, server.token))
                server_pid = server.pid
            else:
                places.append((str(lake), None))
        stack.callback(shutil.rmtree, folder / "files", ignore_errors=True)
        yield RunSetup(
            {"places": places, "version": VERSION, "work_folder": str(folder / "files")},
            server_pid=server_pid,
            verify=partial(build.outcome, lake),
        )


COPY = Scenario(
    name="copy",
    summary="copy a version between lakes and servers; the official client: download, upload, import",
    ours=(LAKES, SERVERS, ROUND),
    peers=tuple(OFFICIAL),
    prepare=prepare,
    set_up=set_up,
    data=data,
    coco=False,
    measures=("job_wall_s", "job_cpu_s", "total_cpu_s", "peak_mib"),
)
