"""Where the servers of a test run are, which its workers share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.servers.keeping import READY

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"pid{os.getpid()}"
_RUN_PROCESS = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def run_folder(base: Path, kind: str, mode: int, start: Callable[[Path, str], None]) -> Path:
    """Return the folder of a server of this test run.

    Args:
        base: The folder to make it in.
        kind: What kind of server it is.
        mode: Who may enter the folder.
        start: Called for the first one of the run, with the folder and the id of the process whose end ends the run.
    """
    folder = base / f"headrace-{kind}-{os.getuid()}-{_RUN}"
    folder.mkdir(mode=mode, exist_ok=True)
    with locked(folder / "start.lock"):
        if not (folder / READY).exists():
            start(folder, str(_RUN_PROCESS))
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file for a block; other processes wait."""
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
