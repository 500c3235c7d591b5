"""A headrace server for a lake, started with the command line as a user does."""

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.builds import TODAY, Build
from bench.environments import clean_environment
from bench.scenario import RunError

START_SECONDS = 60.0
STOP_SECONDS = 60.0


class ServerError(RunError):
    """A headrace command failed; the message has its output."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str
    token: str
    pid: int


@contextmanager
def serve(
    lake: Path | str,
    folder: Path,
    build: Build = TODAY,
    options: Sequence[str] = (),
    program: Sequence[str] | None = None,
    variables: Mapping[str, str] | None = None,
    log_name: str = "server.log",
) -> Iterator[Server]:
    """Serve a lake, or the database that `variables` name, inside the block, with the log in the folder.

    `program` is run in place of the build's command line.

    Raises ServerError if the server does not start, or ends with an error.
    """
    environment = clean_environment(folder) | dict(variables or {})
    token = headrace(["token", "create", str(lake)], environment, build).strip()
    command = [*(program or command_line(build)), "serve", str(lake)]
    command += ["--port", "0", "--json", *options]
    log = folder / log_name
    with log.open("wb") as err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )
    with process:
        try:
            yield Server(read_address(process, log), token, process.pid)
            status = stop(process)
        finally:
            process.kill()
    if status:
        raise ServerError(f"the server ended with {status}: {log_tail(log)}")


def command_line(build: Build) -> list[str]:
    """Return the command line of a build, to which the arguments are added."""
    return [build.python, "-m", "headrace.cli"]


def headrace(
    arguments: Sequence[str], environment: dict[str, str] | None = None, build: Build = TODAY
) -> str:
    """Run a headrace command and return its output."""
    done = subprocess.run(
        [*command_line(build), *arguments],
        env=environment or dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"headrace {' '.join(arguments[:2])}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def read_address(process: subprocess.Popen[str], log: Path) -> str:
    """Wait for the line in which the server prints its address, and return it."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdout is not None
    threading.Thread(target=lambda out: lines.put(out.readline()), args=[process.stdout]).start()
    try:
        line = lines.get(timeout=START_SECONDS)
        found: str = json.loads(line)["url"]
    except (queue.Empty, ValueError, KeyError):
        process.kill()
        process.wait()
        raise ServerError(f"the server did not start: {log_tail(log)}") from None
    return found


def stop(process: subprocess.Popen[str]) -> int:
    """Ask the server to end, wait for it, and return its exit status."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL


def log_tail(log: Path) -> str:
    """Return the end of the server's log."""
    return log.read_text(errors="replace").strip()[-2000:]
