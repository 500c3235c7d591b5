"""A Dask cluster of real processes on this machine: a scheduler, and workers of one thread under nannies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
END_SECONDS = 30.0
"""A worker that is killed at once leaves semaphores in the shared memory of the machine."""


class DaskCluster:
    """A running cluster.

    Attributes:
        address: What headrace is given: ``dask://host:port``.
    """

    def __init__(self, address: str, scheduler: subprocess.Popen[bytes]) -> None:
        self.address = address
        self._scheduler = scheduler

    def kill_scheduler(self) -> None:
        """Kill the scheduler without a word."""
        self._scheduler.kill()
        self._scheduler.wait()


@contextmanager
def dask_cluster(workers: int, version: str | None = None) -> Iterator[DaskCluster]:
    """Start a cluster; its workers say that they have ``version`` of headrace, if it is given."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-dask-")))
        contact = folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
        scheduler = _started(
            stack, folder, "scheduler", *options, "--scheduler-file", str(contact), "--no-jupyter"
        )
        options = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
        if version is not None:
            preload = folder / "preload.py"
            preload.write_text(
                f"import headrace.engine.cluster.dask as dask\ndask.__version__ = {version!r}\n"
            )
            options += ["--preload", str(preload)]
        for _ in range(workers):
            _started(stack, folder, "worker", "--scheduler-file", str(contact), *options)
        address = _address(contact, scheduler)
        yield DaskCluster(f"dask://{address.partition('://')[2]}", scheduler)


def _started(stack: ExitStack, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
        "DASK_TEMPORARY_DIRECTORY": str(folder),
        # One death is told at once, and not after three more of other workers.
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    }
    log = stack.enter_context((folder / f"{len(os.listdir(folder))}-{arguments[0]}.log").open("wb"))
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let a process and those that it started end, and kill them where they do not."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _address(contact: Path, scheduler: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and scheduler.poll() is None:
        try:
            address: str = json.loads(contact.read_text())["address"]
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.05)
        else:
            return address
    logs = "\n".join(path.read_text() for path in contact.parent.glob("*.log"))
    raise AssertionError(f"the Dask scheduler did not start:\n{logs}")
