"""List the assets of a version: all of them, and the first page of those with a label."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.builds import Build, build_of
from bench.dataset import image_at
from bench.environments import ROOT
from bench.lakes import VERSION, copy_lake
from bench.once import once
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import (
    MEASURES,
    Place,
    at_place,
    official,
    ours,
    reading,
    split,
    warm,
)

RARE = "rare thing"
RARE_ASSETS = 10
# More than half of the generated images have one.
COMMON = "person"
PAGES = 20

LISTERS = ours("version_headrace.py") | official("version_picsellia.py", up_to="S")
PAGERS = ours("page_headrace.py")
SCRIPT = ROOT / "bench" / "contenders" / "rare_label.py"


def labelled_lake(setting: Setting, build: Build) -> Path:
    """Return the annotated lake in which a few assets have a label of their own; it is created if missing."""
    made = build.annotated_lake(setting.cache, setting.spec)
    return once(made.with_name(f"{made.name}-rare"), partial(label, setting, build, made))


def label(setting: Setting, build: Build, made: Path, lake: Path) -> None:
    """Copy a lake without its files, and label a few assets, which are spread evenly."""
    copy_lake(made, lake, objects=False)
    step = setting.spec.images // RARE_ASSETS
    # The first images of a generated set are those that have annotations for certain.
    names = [image_at(setting.spec, step * index).file_name for index in range(RARE_ASSETS)]
    job = {"target": str(lake), "version": VERSION, "names": names, "label": RARE}
    build.run(str(SCRIPT), json.dumps(job), path=ROOT)


@contextmanager
def set_up(
    setting: Setting,
    contender: Contender,
    folder: Path,
    label: str,
    contenders: Mapping[Contender, Place],
) -> Iterator[RunSetup]:
    """Set up a copy of the lake with both labels, and its server."""
    place = contenders[contender]
    made = labelled_lake(setting, build_of(place.build, setting.cache))
    job = {"label": label, "times": PAGES}
    with at_place(setting, place, folder, job, made=made) as setup:
        arguments = dict(setup.arguments)
        if setup.server_pid:
            arguments["server_pid"] = setup.server_pid
        yield replace(setup, arguments=arguments)


def by_label(name: str, label: str, summary: str) -> Scenario:
    """Return the scenario of one label."""
    mine, peers = split(PAGERS)
    measures = ("page_cpu_ms", *MEASURES)
    here = partial(set_up, label=label, contenders=PAGERS)
    return Scenario(f"list/{name}", summary, mine, peers, warm, here, measures=measures)


LIST = (
    reading(
        "list/all",
        "list all assets of a version",
        LISTERS,
        "list",
        items=lambda spec: spec.images,
    ),
    by_label("rare", RARE, f"first page of the assets with a label that {RARE_ASSETS} have"),
    by_label("half", COMMON, "first page of the assets with a label that half of them have"),
)
