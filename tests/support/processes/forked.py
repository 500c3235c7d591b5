"""Test processes that start in milliseconds: forks of a fork server that has imported headrace and done nothing else."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

_END_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of prctl."""
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["uvloop", "tests.support.processes.preload"])


class Forked:
    """A running process.

    Its standard output goes to the file ``log``, its standard error to ``errors`` (by default the same file), and its
    standard input comes from ``source`` if that is given. It runs in the folder ``cwd`` with the variables
    ``environment``, by default those of this process.
    """

    def __init__(
        self,
        function: Callable[..., None],
        *arguments: Any,
        log: Path,
        errors: Path | None = None,
        source: Path | None = None,
        environment: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        variables = dict(os.environ) if environment is None else environment
        self._process = _CONTEXT.Process(
            target=_run,
            args=(function, arguments, log, errors, source, variables, cwd or Path.cwd()),
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended: its exit status, or less 0 the signal; None while it runs."""
        return self._process.exitcode

    def send_signal(self, how: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, how)

    def kill(self) -> None:
        """End it for certain."""
        self.send_signal(signal.SIGKILL)

    def join(self, seconds: float) -> int:
        """Wait for its end, blocking; how it ended. AssertionError where it does not end in time."""
        self._process.join(seconds)
        assert self.returncode is not None
        return self.returncode

    async def wait(self) -> int:
        """Wait for its end; how it ended."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        assert self.returncode is not None
        return self.returncode


def _run(
    function: Callable[..., None],
    arguments: tuple[Any, ...],
    log: Path,
    errors: Path | None,
    source: Path | None,
    environment: dict[str, str],
    folder: Path,
) -> None:
    _end_with_tests()
    for path, descriptor in ((log, 1), (errors or log, 2)):
        with path.open("ab") as output:
            os.dup2(output.fileno(), descriptor)
    if source is not None:
        with source.open("rb", buffering=0) as given:
            os.dup2(given.fileno(), 0)
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    # Fresh streams, as a new interpreter has them; the fork server's may be buffered in another way.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        function(*arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _end_with_tests() -> None:
    """End this process with that of the tests, also where one of them is killed, or this one is stopped by a signal.

    The fork server ends when the tests do and no process that it made keeps it up; the system then kills this one.
    """
    if sys.platform != "linux":
        return
    server = forkserver._forkserver  # type: ignore[attr-defined]
    if server._forkserver_alive_fd is not None:
        os.close(server._forkserver_alive_fd)
        server._forkserver_alive_fd = None
    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
