"""Read and convert annotation files: headrace, its peers, and the limits.

Each operation is a scenario named `formats/…`; `formats` runs all of them.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.outcomes import count_objects
from bench.process import on_tmpfs
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.trees import ensure_trees

PACKAGES = ("headrace", "msgspec", "orjson", "lxml")


def peer(name: str, *more: str, up_to: str) -> Contender:
    """Return a contender for another package, in a separate environment."""
    return Contender(name, script(name), environment=name, packages=(name, *more), up_to=up_to)


def limit(name: str, *packages: str, environment: str = "headrace", up_to: str = "L") -> Contender:
    """Return a contender that does a part of the job, as fast as possible."""
    return Contender(name, script(name), environment, packages, up_to, whole=False)


def script(name: str) -> str:
    """Return the script of a contender."""
    return f"formats_{name.replace('-', '_')}.py"


OURS = Contender("headrace", script("headrace"), packages=("headrace", "msgspec", "orjson", "lxml"))
SUMS = replace(OURS, name="headrace-sums")
CORES = replace(OURS, name="headrace-cores")
HOTCOCO = peer("hotcoco", "pillow", "numpy", up_to="L")
LABELFORMAT = peer("labelformat", up_to="S")
GLOBOX = peer("globox", up_to="S")
DATUMARO = peer("datumaro", up_to="S")
PYCOCOTOOLS = peer("pycocotools", up_to="M")
PICSELLIA = peer("picsellia-annotations", "pydantic", up_to="S")
WHOLE = limit("msgspec-whole", "msgspec", up_to="M")
WINDOWS = limit("msgspec-windows", "msgspec")
IJSON = limit("ijson", "ijson", environment="ijson", up_to="M")
EMPTY = limit("empty-files")
IDLE = limit("idle-loop")

CONVERTERS = (HOTCOCO, LABELFORMAT, GLOBOX, DATUMARO)
READERS = (*CONVERTERS, PYCOCOTOOLS, PICSELLIA, WHOLE, WINDOWS, IJSON)
OPTIONS: dict[str, dict[str, Any]] = {
    OURS.name: {"workers": 1},
    CORES.name: {"workers": len(os.sched_getaffinity(0))},
    SUMS.name: {"sums": True},
}
SUFFIXES = {"yolo": ".txt", "voc": ".xml"}


def prepare(setting: Setting, kind: str) -> None:
    """Create the source, and read its annotations into the page cache.

    Folders are created only for the scenarios that read them: at scale L they have three million files.
    """
    source = [setting.coco_file] if kind == "coco" else (ensure_trees(setting) / kind).rglob("*")
    for path in source:
        if path.suffix != ".jpg" and path.is_file():
            with path.open("rb") as stream:
                while stream.read(1 << 20):
                    pass


@contextmanager
def set_up(
    setting: Setting, contender: Contender, folder: Path, operation: str
) -> Iterator[RunSetup]:
    """Set up a new target; on a tmpfs it is deleted after the run.

    On a disk it is kept: creating files is slow for minutes after many were deleted.
    """
    kind, _, to = operation.partition("-")
    source = setting.coco_file if kind in ("coco", "read") else ensure_trees(setting) / kind
    target = folder / ("out.json" if to == "coco" else "out")
    verify = partial(count_objects, target, to) if to and contender.whole else None
    try:
        yield RunSetup(arguments(setting, contender, operation, source, target), verify=verify)
    finally:
        if on_tmpfs(folder) and target.exists():
            shutil.rmtree(target) if target.is_dir() else target.unlink()


def arguments(
    setting: Setting, contender: Contender, operation: str, source: Path, target: Path
) -> dict[str, Any]:
    """Return the arguments of a contender's script."""
    if contender == EMPTY:
        suffix = SUFFIXES[operation.partition("-")[2]]
        return {"folder": str(target), "suffix": suffix, "spec": asdict(setting.spec)}
    if contender == DATUMARO and source.is_file():
        # datumaro expects the folder of the file.
        source = ensure_trees(setting) / "coco"
    common = {"operation": operation, "source": str(source), "target": str(target)}
    return common | OPTIONS.get(contender.name, {})


def scenario(
    operation: str, summary: str, ours: tuple[Contender, ...], peers: tuple[Contender, ...]
) -> Scenario:
    """Return the scenario of one operation."""
    kind = operation.partition("-")[0]
    return Scenario(
        name=f"formats/{operation}",
        summary=summary,
        ours=ours,
        peers=peers,
        prepare=partial(prepare, kind="coco" if kind == "read" else kind),
        set_up=partial(set_up, operation=operation),
        many_files=True,
    )


FORMATS = (
    scenario("read", "read COCO: samples with all their shapes", (OURS, SUMS), READERS),
    scenario("coco-coco", "COCO to COCO, renumbered", (OURS, CORES), (*CONVERTERS, IDLE)),
    scenario("coco-yolo", "COCO to YOLO, boxes", (OURS, CORES), (*CONVERTERS, EMPTY)),
    scenario("coco-voc", "COCO to VOC, boxes", (OURS, CORES), (*CONVERTERS, EMPTY)),
    scenario("yolo-coco", "YOLO to COCO, sizes from the images", (OURS, CORES), CONVERTERS),
    scenario("voc-coco", "VOC to COCO", (OURS, CORES), CONVERTERS),
)
