"""The command ``headrace`` as a real process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from headrace.platform.platform import Platform
from tests.support import servers

T = TypeVar("T")

COMMAND = [sys.executable, "-m", "headrace.cli"]


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails where there is anything else."""
        (line,) = self.out.splitlines()
        found = json.loads(line)
        assert isinstance(found, dict)
        return found


def environment(**more: str) -> dict[str, str]:
    """This process' environment without anything that would tell a command what to do."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    return kept | {"PYTHONUTF8": "1", "COLUMNS": "100"} | more


def headrace(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Outcome:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        encoding="utf-8",
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def interrupted(
    *arguments: str | Path, how: signal.Signals = signal.SIGINT, **variables: str
) -> Outcome:
    """Run a command until its first line of progress, then interrupt it."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments), "--progress"],
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert first.startswith("▸ "), first + err
    return Outcome(process.returncode, out, first + err)


def assert_interrupted(outcome: Outcome) -> None:
    """It ended with one line that says how to go on."""
    assert outcome.status == 130, outcome
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    last = outcome.err.splitlines()[-1]
    assert last.startswith("interrupted: ")
    assert last.endswith("Run the same command to go on")


@dataclass(frozen=True)
class Place:
    """Where a command works: TARGET, the lake behind it, and the variables to call with."""

    target: str
    lake: Path
    variables: dict[str, str]

    def run(self, command: str, *arguments: str | Path) -> Outcome:
        """``headrace COMMAND TARGET ARGUMENTS…``."""
        return headrace(command, self.target, *arguments, **self.variables)

    def done(self, command: str, *arguments: str | Path) -> dict[str, Any]:
        """The same with ``--json``; the object, where the command succeeded."""
        outcome = self.run(command, *arguments, "--json")
        assert outcome.status == 0, outcome
        return outcome.json()


def new_lake(path: Path) -> Place:
    """A new lake, reached by its folder."""
    _done(Platform.create(path))
    return Place(str(path), path, {})


@contextmanager
def served(path: Path) -> Iterator[Place]:
    """A new lake behind ``headrace serve``, with a token."""
    _, token = _done(servers.new_lake(path, "token"))
    process = subprocess.Popen(
        [*COMMAND, "serve", str(path), "--port", "0", "--json"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        yield Place(url, path, {"HEADRACE_TOKEN": token})
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err


def _done(work: Coroutine[Any, Any, T]) -> T:
    """What comes of some work, in a loop of its own, also where one is running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
