"""Processes of their own that need not import headrace first: forked from one that did that and nothing else."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["uvloop", "headrace.server.serve", "headrace.sdk.client.client"])


class Forked:
    """A running process; it has the environment of this one, and writes what it says into a file."""

    def __init__(self, function: Callable[..., None], *arguments: Any, log: Path) -> None:
        self._process = _CONTEXT.Process(
            target=_run, args=(function, arguments, log, dict(os.environ), Path.cwd())
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
    environment: dict[str, str],
    folder: Path,
) -> None:
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        function(*arguments)
    finally:
        sys.stdout.flush()
