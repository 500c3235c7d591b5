"""The cost of a million files in the transfer engine itself: its memory, and the time of a run with nothing to do."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.environments import clean_environment
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.transfer import MEMORY

FILES = {"T": 2_000, "S": 20_000, "M": 1_000_000}
SIZE = 100

ENGINE = Contender("headrace", "transfer_many.py", packages=("headrace", "uvloop"))


def prepare(setting: Setting) -> None:
    """Do nothing: the runs share no data."""
    del setting


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe the files, for the result."""
    return {"files": FILES[setting.scale], "bytes_each": SIZE}


def complete(target: Path) -> dict[str, int]:
    """Count the files in a folder."""
    with os.scandir(target) as entries:
        return {"files": sum(1 for each in entries if each.is_file())}


def link(folder: Path, files: int) -> None:
    """Create hard links to one file."""
    first = folder / f"{0:07}.bin"
    first.write_bytes(bytes(SIZE))
    for number in range(1, files):
        os.link(first, folder / f"{number:07}.bin")


@contextmanager
def set_up(done: bool, setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up an empty folder, or one where all files are complete and recorded by an earlier run."""
    target = folder / "files"
    target.mkdir()
    arguments = {"target": str(target), "files": FILES[setting.scale], "size": SIZE}
    try:
        if done:
            link(target, FILES[setting.scale])
            script = Path(__file__).parents[1] / "contenders" / contender.script
            command = [sys.executable, str(script), json.dumps(arguments)]
            environment = clean_environment(folder)
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield RunSetup(arguments, verify=partial(complete, target), files=FILES[setting.scale])
    finally:
        shutil.rmtree(target)


def scenario(name: str, summary: str, *, done: bool) -> Scenario:
    """Return the scenario of a first run, or of a second one with nothing to do (`done`)."""
    return Scenario(
        name=name,
        summary=summary,
        ours=(ENGINE,),
        peers=(),
        prepare=prepare,
        set_up=partial(set_up, done),
        data=data,
        coco=False,
        work=MEMORY / "headrace-bench" if MEMORY.is_dir() else None,
    )


MOVED = scenario("many/moved", "transfer very many synthetic files of 100 bytes", done=False)
AGAIN = scenario("many/again", "a second run with nothing to do", done=True)

MANY = (MOVED, AGAIN)
