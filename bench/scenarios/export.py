"""Export the annotations of a version: built in memory, and written as COCO, YOLO and VOC."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.outcomes import count_objects
from bench.process import on_tmpfs
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import (
    MEASURES,
    PACKAGES,
    Place,
    at_place,
    official,
    ours,
    reading,
    split,
    warm,
)
from bench.trees import ensure_trees

OURS = ours("version_headrace.py")
OFFICIAL = official("version_picsellia.py")
# It builds the file itself and writes it; as `picsellia` it lets its server do that.
BUILDS = {
    replace(each, name="picsellia-build"): place
    for each, place in OFFICIAL.items()
    if each.name == "picsellia"
}
# The same work from the file instead of the lake: how fast the format itself is written.
CONVERT = Contender("convert", "formats_headrace.py", packages=PACKAGES, whole=False)
HOTCOCO = Contender("hotcoco", "formats_hotcoco.py", "hotcoco", ("hotcoco",), whole=False)
DATUMARO = replace(
    HOTCOCO, name="datumaro", script="formats_datumaro.py", environment="datumaro",
    packages=("datumaro",), up_to="S",
)  # fmt: skip


@contextmanager
def set_up(
    setting: Setting,
    contender: Contender,
    folder: Path,
    kind: str,
    contenders: Mapping[Contender, Place],
) -> Iterator[RunSetup]:
    """Set up a copy of the annotated lake and its server, or a conversion of the COCO file."""
    output = folder / ("out.json" if kind == "coco" else "out")
    with ExitStack() as stack:
        if contender in contenders:
            operation = f"build-{kind}" if contender in BUILDS else f"export-{kind}"
            job = {"operation": operation, "output": str(output)}
            place, items = contenders[contender], setting.spec.annotations
            setup = stack.enter_context(at_place(setting, place, folder, job, items=items))
        else:
            # datumaro expects the folder of the file.
            source = ensure_trees(setting) / "coco" if contender == DATUMARO else setting.coco_file
            job = {"operation": f"coco-{kind}", "source": str(source), "target": str(output)}
            if contender == CONVERT:
                job["task"] = "auto"
            setup = RunSetup(job, items=setting.spec.annotations)
        yield replace(setup, verify=partial(count_objects, output, kind))
    if output.is_file():
        output.unlink()
    elif on_tmpfs(folder):
        # On a disk it is kept: creating files is slow for minutes after many were deleted.
        shutil.rmtree(output, ignore_errors=True)


def scenario(
    kind: str, contenders: Mapping[Contender, Place], anchors: tuple[Contender, ...]
) -> Scenario:
    """Return the scenario of one format."""
    mine, peers = split(contenders)
    return Scenario(
        name=f"export/{kind}",
        summary=f"export the annotations of a version as {kind.upper()}",
        ours=mine,
        peers=(*peers, *anchors),
        prepare=warm,
        set_up=partial(set_up, kind=kind, contenders=contenders),
        measures=MEASURES,
        many_files=kind != "coco",
    )


EXPORT = (
    reading("export/build", "build_coco_file_locally", OURS | OFFICIAL, "build"),
    scenario("coco", OURS | OFFICIAL | BUILDS, (CONVERT, HOTCOCO, DATUMARO)),
    scenario("yolo", OURS, (CONVERT,)),
    scenario("voc", OURS, (CONVERT,)),
)
