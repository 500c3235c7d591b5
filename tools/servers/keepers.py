"""Start the keeper of a server, and give it commands: for tests, the demo and the benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from tools.servers.keeping import READY, SERVER_LOG

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 90.0
_TAIL = 3000

Keeper = subprocess.Popen[str]

_asking = threading.Lock()


class ServerStartError(RuntimeError):
    """A server did not start; the message ends with what it and its keeper said."""


def start_keeper(
    program: str, folder: Path, watched: str, *arguments: str, keep: bool = False
) -> Keeper:
    """Start a keeper and wait until its server accepts connections.

    Args:
        program: The module of this folder that keeps the server.
        folder: The folder of the server.
        watched: The id of a process with whose end the server ends; or ``stdin``, which ends it when it is closed
            (:meth:`subprocess.Popen.communicate`).
        arguments: Further arguments of the program.
        keep: Whether the server's files stay in the folder, and are used again.

    Raises:
        ServerStartError: The server does not start.
    """
    at = folder.resolve()
    ready, log = at / READY, at / "keeper.log"
    commanded = watched == "stdin"
    with log.open("w", encoding="utf-8") as errors:
        # A session apart: Ctrl-C reaches the caller first, and the keeper ends with it.
        keeper = subprocess.Popen(
            [sys.executable, "-S", "-m", f"tools.servers.{program}", str(at), watched, *arguments],
            cwd=_ROOT,
            env=os.environ | {"HEADRACE_SERVER_KEEP": "1" if keep else "0"},
            stdin=subprocess.PIPE if commanded else subprocess.DEVNULL,
            stdout=subprocess.PIPE if commanded else subprocess.DEVNULL,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not ready.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.kill()
            keeper.communicate()
            said = [_tail(log), _tail(at / SERVER_LOG)]
            if not keep:
                shutil.rmtree(at, ignore_errors=True)
            raise ServerStartError("\n".join([f"{program} started no server:", *said]))
        time.sleep(0.01)
    if not commanded:
        keeper.returncode = 0  # it outlives this process on purpose, so it is not waited for
    return keeper


def ask(keeper: Keeper, command: str) -> None:
    """Give a keeper a command, and wait until it is done.

    Args:
        keeper: A keeper that was started with ``stdin``.
        command: ``kill``, ``stop``, ``pause``, ``resume``, or ``start`` with settings as ``NAME=VALUE``.
    """
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    # Two threads that read at once would lose answers.
    with _asking:
        keeper.stdin.write(command + "\n")
        keeper.stdin.flush()
        answer = keeper.stdout.readline().strip()
    assert answer == "done", answer or "the keeper of the server ended"


def _tail(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-_TAIL:] if path.exists() else ""
