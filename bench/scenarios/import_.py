"""Import a COCO file into a version that has its assets: headrace and the official client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import MEASURES, at_place, official, ours, split, warm

PLACES = ours("import_headrace.py") | official("import_picsellia.py")
EMBEDDED, HTTP, *_, OFFICIAL, OFFICIAL_TODAY = PLACES
# They load the same file into memory, and keep nothing.
HOTCOCO = Contender("hotcoco", "formats_hotcoco.py", "hotcoco", ("hotcoco",), whole=False)
PYCOCOTOOLS = Contender(
    "pycocotools", "formats_pycocotools.py", "pycocotools", ("pycocotools",), whole=False
)
ULTRAFAST = replace(
    PYCOCOTOOLS,
    name="ultrafast-pycocotools",
    script="formats_ultrafast_pycocotools.py",
    environment="ultrafast-pycocotools",
    packages=("ultrafast-pycocotools",),
)
OURS, PEERS = split(PLACES)


@contextmanager
def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up a copy of the lake, and a server if the contender works over HTTP."""
    file, items = str(setting.coco_file), setting.spec.annotations
    if contender not in PLACES:
        job = {"operation": "read", "source": file, "target": str(folder / "none")}
        yield RunSetup(job, items=items)
        return
    place = PLACES[contender]
    work: dict[str, object] = {"file": file}
    if setting.scale == "L" and contender in OURS:
        # The row of memory at L is for what need not return the ids of a million annotations.
        work["ids"] = False
    with at_place(setting, place, folder, work, made="base", counted=True, items=items) as setup:
        yield setup


IMPORT = Scenario(
    name="import",
    summary="import a COCO file: into a lake, over HTTP, and by the official client over HTTP",
    ours=OURS,
    peers=(*PEERS, HOTCOCO, PYCOCOTOOLS, ULTRAFAST),
    prepare=warm,
    set_up=set_up,
    measures=MEASURES,
)
