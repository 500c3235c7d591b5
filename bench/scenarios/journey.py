"""The whole journey of a dataset: push its images, import, ask for statistics, export, pull."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.lakes import image_folder
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import MEASURES, at_place, official, ours, split, warm

PLACES = ours("journey_headrace.py") | official("journey_picsellia.py")
OURS, PEERS = split(PLACES)


def prepare(setting: Setting) -> None:
    """Create the images, and read the COCO file into the page cache."""
    image_folder(setting.cache, setting.spec)
    warm(setting)


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up an empty lake, and its server; both folders are deleted after the run."""
    output = folder / "out"
    output.mkdir()
    job = {
        "images": str(image_folder(setting.cache, setting.spec)),
        "file": str(setting.coco_file),
        "output": str(output),
    }
    place, items = PLACES[contender], setting.spec.annotations
    try:
        with at_place(setting, place, folder, job, made="empty", items=items) as setup:
            yield setup
    finally:
        shutil.rmtree(output, ignore_errors=True)


JOURNEY = Scenario(
    name="journey",
    summary="push, import, stats, export to COCO, pull",
    ours=OURS,
    peers=PEERS,
    prepare=prepare,
    set_up=set_up,
    measures=MEASURES,
)
