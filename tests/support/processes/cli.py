"""Run the command ``headrace``: in a quick fork by default, in a fresh interpreter where a test asks for that."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyio.from_thread import start_blocking_portal

from headrace.cli import main
from tests.support.alternating import alternating
from tests.support.lakes import servers
from tests.support.lakes.templates import copy_empty, finished
from tests.support.processes.forked import Forked
from tests.support.storage import kind, target_of

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
    for name in ("NO_COLOR", "FORCE_COLOR"):
        kept.pop(name, None)
    return kept | {"PYTHONUTF8": "1", "COLUMNS": "100"} | more


class RunningCommand:
    """A command in a fork of a process that has imported headrace already, and what it has written so far."""

    def __init__(
        self,
        folder: Path,
        *arguments: str | Path,
        cwd: Path | None = None,
        source: Path | None = None,
        **variables: str,
    ) -> None:
        self._out, self._err = folder / "out", folder / "err"
        for path in (self._out, self._err):
            path.touch()
        self.process = Forked(
            _main,
            [*map(str, arguments)],
            log=self._out,
            errors=self._err,
            source=source,
            environment=environment(**variables),
            cwd=cwd,
        )

    def first_line(self, *, errors: bool = False) -> str:
        """The first line of standard output, or of standard error; waits for it, and fails where none comes."""
        path = self._err if errors else self._out
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            ended = self.process.returncode is not None
            line, newline, _ = path.read_text(encoding="utf-8").partition("\n")
            if newline or ended:
                return line + newline
            time.sleep(0.002)
        raise AssertionError("the command wrote no line")

    def outcome(self) -> Outcome:
        """Wait for the end."""
        status = self.process.join(120)
        return Outcome(
            status, self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8")
        )


def _main(arguments: list[str]) -> None:
    sys.exit(main(arguments))


@contextmanager
def running(
    *arguments: str | Path,
    cwd: Path | None = None,
    source: Path | None = None,
    **variables: str,
) -> Iterator[RunningCommand]:
    """Start a command, with the file ``source`` as its input; it is killed at the end where it still runs."""
    with TemporaryDirectory() as folder:
        command = RunningCommand(Path(folder), *arguments, cwd=cwd, source=source, **variables)
        try:
            yield command
        finally:
            command.process.kill()


def headrace(
    *arguments: str | Path,
    cwd: Path | None = None,
    source: Path | None = None,
    **variables: str,
) -> Outcome:
    """Run a command to its end, with the file ``source`` as its input."""
    with running(*arguments, cwd=cwd, source=source, **variables) as command:
        return command.outcome()


def started(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Outcome:
    """Run a command to its end in a new interpreter, which imports what it needs."""
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


def on_terminal(*arguments: str | Path, columns: int = 80, **variables: str) -> str:
    """Run a command whose output and errors are a terminal, to its end; what the terminal was sent."""
    return _on_terminal(arguments, columns, "", variables).out


def answered(
    *arguments: str | Path, answer: str, question: str | None = None, **variables: str
) -> Outcome:
    """Run a command on a terminal, also for its input, and type ``answer`` when it asks; ``err`` is empty."""
    return _on_terminal(arguments, 200, answer, variables, question)


def _on_terminal(
    arguments: Sequence[str | Path],
    columns: int,
    answer: str,
    variables: dict[str, str],
    question: str | None = None,
) -> Outcome:
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    device = Path(os.ttyname(slave))
    process = Forked(
        _main,
        [*map(str, arguments)],
        log=device,
        errors=device,
        source=device if answer else None,
        environment=environment(**{"TERM": "xterm", "COLUMNS": ""} | variables),
    )
    questions = [b"[y/N] ", b" to continue: "] if question is None else [question.encode()]
    sent = b""
    try:
        while process.returncode is None or select.select([master], [], [], 0)[0]:
            if select.select([master], [], [], 0.01)[0]:
                sent += os.read(master, 65_536)
            if answer and any(each in sent for each in questions):
                os.write(master, answer.encode())
                answer = ""
    finally:
        process.kill()
        os.close(slave)
        os.close(master)
    return Outcome(process.join(10), sent.decode().replace("\r\n", "\n"), "")


def interrupted(
    *arguments: str | Path, how: signal.Signals = signal.SIGINT, **variables: str
) -> Outcome:
    """Run a command until its first line of progress, then interrupt it."""
    with running(*arguments, "--progress", **variables) as command:
        first = command.first_line(errors=True)
        command.process.send_signal(how)
        outcome = command.outcome()
    assert first.startswith("▸ "), outcome
    return outcome


def assert_interrupted(outcome: Outcome) -> None:
    """It ended with one line that says how to continue."""
    assert outcome.status == 130, outcome
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    last = outcome.err.splitlines()[-1]
    assert last.startswith("interrupted: ")
    assert last.endswith("Run the same command to continue")


@dataclass(frozen=True)
class Place:
    """Where a command works: TARGET, the lake behind it, and the variables to call with."""

    target: str
    lake: Path
    variables: dict[str, str]
    fresh: bool = False
    """Whether each command starts a new interpreter, as it does for a person."""

    def run(self, command: str, *arguments: str | Path) -> Outcome:
        """``headrace COMMAND TARGET ARGUMENTS…``; the command may have two words."""
        call = started if self.fresh else headrace
        return call(*command.split(), self.target, *arguments, **self.variables)

    def done(self, command: str, *arguments: str | Path) -> dict[str, Any]:
        """The same with ``--json``; the object, where the command succeeded."""
        outcome = self.run(command, *arguments, "--json")
        assert outcome.status == 0, outcome
        return outcome.json()


def new_lake(path: Path) -> Place:
    """A new lake, reached by its folder, or by the database that stands for it."""
    copy_empty(path)
    return administered(path)


def administered(path: Path) -> Place:
    """A platform as its administrator reaches it: by its folder, or by the database that stands for it."""
    target = target_of(path)
    if target is None:
        return Place(str(path), path, {})
    variables = {
        "HEADRACE_DATABASE": target.dsn,
        "HEADRACE_OBJECTS": target.objects or "",
        "HEADRACE_SCRATCH": str(path),
    }
    return Place("postgresql://", path, variables)


@contextmanager
def served(path: Path) -> Iterator[Place]:
    """A new lake behind ``headrace serve``, with a token; behind two that take turns where platforms are ``two``."""
    _, token = finished(servers.new_lake(path, "token"))
    variables = {"HEADRACE_TOKEN": token}
    with _serving(path) as address:
        if kind() != "two":
            yield Place(address, path, variables)
            return
        with (
            _serving(path) as other,
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(alternating(address, other)) as front,
        ):
            yield Place(front.address, path, variables)


@contextmanager
def _serving(path: Path) -> Iterator[str]:
    place = administered(path)
    with running("serve", place.target, "--port", "0", "--json", **place.variables) as command:
        yield json.loads(command.first_line())["url"]
        command.process.send_signal(signal.SIGINT)
        outcome = command.outcome()
        assert outcome.status == 0, outcome


def fed(
    content: bytes, *arguments: str | Path, cwd: Path | None = None, **variables: str
) -> Outcome:
    """Run a command to its end in a new interpreter, with a pipe for its standard input."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        input=content,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
