"""What the scenarios over a version share: the contenders, and where each of them works.

A contender works with the folder of a lake or with a server. Our own come in today's build and in
that of the commit before the work on the hot paths (`-before`). The official client works with
the server of a fixed commit, so that our own server's progress does not change its figures, and
as `picsellia-today` with today's.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bench.builds import Build, build_of
from bench.dataset import Spec
from bench.lakes import VERSION, copy_lake
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.server import serve

BEFORE = "headrace@81817c7c"
OFFICIAL_SERVER = "headrace@7248073"
PACKAGES = ("headrace", "aiohttp", "apsw", "msgspec")
PICSELLIA = ("picsellia", "picsellia-annotations", "pydantic", "requests", "orjson")


MEASURES = ("job_total_cpu_s", "job_cpu_s", "server_cpu_s", "job_wall_s", "peak_mib")


# The lake that a run starts from: a made one, or one without assets, without or with annotations.
Made = Path | Literal["empty", "base", "annotated"]


@dataclass(frozen=True)
class Place:
    """Where a contender works: the build that keeps its lake, and whether a server is between."""

    build: str = "headrace"
    http: bool = True
    # Options of `headrace serve`.
    options: tuple[str, ...] = ()


def ours(script: str) -> dict[Contender, Place]:
    """Return our contenders of a script: with a lake and with a server, of today and of before."""
    lake = Contender("headrace", script, packages=PACKAGES)
    older = replace(lake, environment=BEFORE)
    return {
        lake: Place(http=False),
        replace(lake, name="headrace-http"): Place(),
        replace(older, name="headrace-before", beside=lake.name): Place(BEFORE, http=False),
        replace(older, name="headrace-http-before", beside="headrace-http"): Place(BEFORE),
    }


def official(script: str, up_to: str = "M") -> dict[Contender, Place]:
    """Return the official client with the fixed server, and with today's."""
    client = Contender("picsellia", script, "picsellia", PICSELLIA, up_to)
    return {
        client: Place(OFFICIAL_SERVER),
        replace(client, name="picsellia-today"): Place(),
    }


def split(contenders: Mapping[Contender, Place]) -> tuple[tuple[Contender, ...], ...]:
    """Return today's builds, and the others, which are their peers."""
    mine = [each for each in contenders if each.environment == "headrace" and each.whole]
    return tuple(mine), tuple(each for each in contenders if each not in mine)


def warm(setting: Setting) -> None:
    """Read the COCO file into the page cache; the lakes are made when they are first copied."""
    with setting.coco_file.open("rb") as stream:
        while stream.read(1 << 20):
            pass


def made_lake(setting: Setting, build: Build, made: Made) -> Path:
    """Return the lake that is copied for each run, and create it if missing."""
    if isinstance(made, Path):
        return made
    if made == "empty":
        return build.empty_lake(setting.cache)
    if made == "base":
        return build.base_lake(setting.cache, setting.spec)
    return build.annotated_lake(setting.cache, setting.spec)


@contextmanager
def at_place(
    setting: Setting,
    place: Place,
    folder: Path,
    job: Mapping[str, Any],
    *,
    made: Made = "annotated",
    counted: bool = False,
    items: int = 0,
) -> Iterator[RunSetup]:
    """Set up a copy of a lake of the place's build, without its files, and a server.

    With `counted` the outcome is what is in the lake afterwards, as its own build reads it.
    """
    build = build_of(place.build, setting.cache)
    lake = copy_lake(made_lake(setting, build, made), folder / "lake", objects=False)
    verify = partial(build.outcome, lake) if counted else None
    arguments: dict[str, Any] = {"target": str(lake), "version": VERSION, **job}
    try:
        if not place.http:
            yield RunSetup(arguments, verify=verify, items=items)
            return
        with serve(lake, folder, build, place.options) as server:
            arguments |= {"target": server.address, "token": server.token}
            yield RunSetup(arguments, server_pid=server.pid, verify=verify, items=items)
    finally:
        # It is a few files, but large ones.
        shutil.rmtree(lake, ignore_errors=True)


def shapes_of(spec: Spec) -> int:
    """Return the number of shapes of a spec."""
    return spec.annotations


def reading(
    name: str,
    summary: str,
    contenders: Mapping[Contender, Place],
    operation: str,
    items: Callable[[Spec], int] = shapes_of,
) -> Scenario:
    """Return a scenario in which each contender does one operation with an annotated version."""
    mine, peers = split(contenders)

    @contextmanager
    def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
        place, job = contenders[contender], {"operation": operation}
        with at_place(setting, place, folder, job, items=items(setting.spec)) as setup:
            yield setup

    return Scenario(name, summary, mine, peers, warm, set_up, measures=MEASURES)
