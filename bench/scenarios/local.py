"""Move files of 20 kB between a folder and the folder of a lake, on one disk."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.blobs import ensure_files, summarize, warm_page_cache
from bench.builds import build_of
from bench.lakes import VERSION, copy_lake
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.transfer_upload import LOADS, count_data
from bench.scenarios.versions import MEASURES, ours, split

PLACES = {each: place for each, place in ours("local_headrace.py").items() if not place.http}
COPIES = Contender("copies", "local_copies.py", whole=False)
OURS, PEERS = split(PLACES)


def prepare(setting: Setting) -> None:
    """Create the files, and read them into the page cache."""
    warm_page_cache(ensure_files(setting.cache, LOADS[setting.scale]))


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe the files, for the result."""
    load = LOADS[setting.scale]
    return {"files": load.files, "bytes_each": load.size}


@contextmanager
def set_up(
    setting: Setting, contender: Contender, folder: Path, operation: str
) -> Iterator[RunSetup]:
    """Set up an empty lake and a folder of files, or a lake with the files and a new folder."""
    load = LOADS[setting.scale]
    files, lake, new = ensure_files(setting.cache, load), folder / "lake", folder / "new"
    try:
        if contender == COPIES:
            yield RunSetup({"source": str(files), "target": str(new)}, items=load.files)
            return
        build = build_of(PLACES[contender].build, setting.cache)
        job = {"operation": operation, "target": str(lake), "version": VERSION}
        job["work_folder"] = str(folder)
        if operation == "push":
            copy_lake(build.empty_lake(setting.cache), lake)
            job["folder"] = str(files)
            yield RunSetup(job, verify=partial(count_data, lake), items=load.files)
        else:
            copy_lake(build.blob_lake(setting.cache, load), lake)
            job["folder"] = str(new)
            yield RunSetup(job, verify=partial(summarize, new), items=load.files)
    finally:
        # Of objects that are links only the names are deleted.
        for each in (lake, new):
            shutil.rmtree(each, ignore_errors=True)


def scenario(operation: str, summary: str) -> Scenario:
    """Return the scenario of one direction."""
    return Scenario(
        name=f"local/{operation}",
        summary=summary,
        ours=OURS,
        peers=(*PEERS, COPIES),
        prepare=prepare,
        set_up=partial(set_up, operation=operation),
        data=data,
        coco=False,
        measures=MEASURES,
    )


LOCAL = (
    scenario("push", "push files of 20 kB into a lake on the same disk"),
    scenario("pull", "pull files of 20 kB out of a lake on the same disk"),
)
