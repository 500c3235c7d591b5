"""A server under a steady load of many clients for a minute: as it is, and with a storage that fails and clients that vanish."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.blobs import FileSet, ensure_files
from bench.builds import TODAY
from bench.environments import ROOT
from bench.lakes import VERSION, copy_lake
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import PACKAGES
from bench.server import headrace, serve

FILES = FileSet(2_000, 20_000)
PUSHED = FileSet(400, 20_000)
SECONDS = 60
CONNECTIONS = 200
# Of the rate at which a closed loop saturates the server.
SHARE = 0.6
FAULTS = 0.05
FAULTY = ROOT / "bench" / "contenders" / "faulty_server.py"
MEASURES = ("reads_p99_by_alone", "ping_p99_ms", "peak_mib", "server_peak_mib")

ONE = Contender("headrace-http", "soak.py", packages=PACKAGES)
TWO = Contender("headrace-http-2", "soak.py", packages=PACKAGES)
OPTIONS = {ONE: (), TWO: ("--processes", "2")}


@dataclass(frozen=True)
class Load:
    """What makes the load harder: the share of the storage's calls that fail, and of the clients that vanish."""

    faults: float = 0.0

    def prepare(self, setting: Setting) -> None:
        """Create the lake and the files to push."""
        TODAY.blob_lake(setting.cache, FILES)
        if self.faults:
            ensure_files(setting.cache, PUSHED)

    @contextmanager
    def set_up(self, setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
        """Serve a copy of the lake; afterwards it is cleaned and checked while it is served."""
        lake = copy_lake(TODAY.blob_lake(setting.cache, FILES), folder / "lake")
        program = [TODAY.python, str(FAULTY), str(self.faults)] if self.faults else None
        try:
            with serve(lake, folder, options=OPTIONS[contender], program=program) as server:
                job: dict[str, Any] = {
                    "target": server.address,
                    "token": server.token,
                    "server_pid": server.pid,
                    "version": VERSION,
                    "seconds": SECONDS,
                    "share": SHARE,
                    "connections": CONNECTIONS,
                    "vanish": self.faults,
                }
                if self.faults:
                    job["pushed"] = str(ensure_files(setting.cache, PUSHED))
                yield RunSetup(job, server_pid=server.pid, verify=partial(look_after, lake))
        finally:
            shutil.rmtree(lake, ignore_errors=True)


def look_after(lake: Path) -> dict[str, int]:
    """Delete what belongs to no data, as if two hours had passed, then check the lake with all its files.

    Raises ServerError if the check finds anything wrong.
    """
    earlier = time.time() - 7200
    for path in (lake / "objects").rglob("*"):
        os.utime(path, (earlier, earlier))
    headrace(["gc", str(lake), "--older-than", "1h", "--json"])
    found = json.loads(headrace(["check", str(lake), "--read-data", "--json"]))
    return {"faults": len(found["faults"]), "notes": len(found["notes"])}


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe the load, for the result."""
    del setting
    return {
        "files": FILES.files,
        "bytes_each": FILES.size,
        "seconds": SECONDS,
        "connections": CONNECTIONS,
        "share": SHARE,
    }


def soak(name: str, summary: str, load: Load) -> Scenario:
    """Return the scenario of one load."""
    return Scenario(
        f"soak/{name}",
        summary,
        (ONE, TWO),
        (),
        load.prepare,
        load.set_up,
        data=data,
        coco=False,
        measures=MEASURES,
    )


SOAK = (
    soak("steady", f"{CONNECTIONS} connections ask a server for {SECONDS} seconds", Load()),
    soak("faults", "the same with a storage that fails and clients that vanish", Load(FAULTS)),
)
