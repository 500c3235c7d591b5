"""What the programs share that keep a server running for tests and benchmarks; of the standard library alone.

Such a program is run as ``python -S -m tools.servers.NAME FOLDER WATCHED …`` in the folder of the repository; see
:mod:`tools.servers.keepers`. WATCHED is the id of a process, with whose end the server ends, or ``stdin``: then the
server ends with standard input, and each line there is a command that is answered by a line on standard output.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

READY = "ready.json"
"""The file in a server's folder that says what its clients must know; it is there when the server accepts connections."""

SERVER_LOG = "server.log"

KEEP = os.environ.get("HEADRACE_SERVER_KEEP") == "1"
"""Whether the files of the server stay, and are used again."""

_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.2


class KeptServer(ABC):
    """The folder of a server and its process.

    Class attributes:
        ports_needed: How many ports it listens on.
        start_seconds: How long it may take to start.
        end_signal: The signal that ends it at once.
    """

    ports_needed: ClassVar[int]
    start_seconds: ClassVar[float]
    end_signal: ClassVar[int]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: list[int] = []
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def create(self) -> None:
        """Make the files of the server."""

    @abstractmethod
    def described(self) -> dict[str, str | int]:
        """What clients of the server must know."""

    @abstractmethod
    def _command(self, ports: list[int], settings: tuple[str, ...]) -> list[str]:
        """Return the command that runs the server on these ports."""

    @abstractmethod
    def _accepts(self, process: subprocess.Popen[bytes], ports: list[int]) -> bool:
        """Whether the server accepts connections."""

    @abstractmethod
    def _process_options(self) -> dict[str, Any]:
        """Return further arguments for its process, as :class:`subprocess.Popen` takes them."""

    def start(self, *settings: str) -> None:
        """Start the server on free ports, or on those of last time, and wait until it accepts connections."""
        deadline = time.monotonic() + self.start_seconds
        while True:
            ports = self.ports or free_ports(self.ports_needed)
            with (self.folder / SERVER_LOG).open("ab") as log:
                process = subprocess.Popen(
                    self._command(ports, settings),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=self._end_with_keeper,
                    **self._process_options(),
                )
            self.process = process
            while process.poll() is None:
                if self._accepts(process, ports):
                    self.ports = ports
                    return
                if time.monotonic() > deadline:
                    self.kill()
                    raise SystemExit("the server accepts no connection")
                time.sleep(0.02)
            # A port was taken meanwhile, or processes of a killed server have not ended yet.
            if time.monotonic() > deadline:
                raise SystemExit("the server does not start")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server and its processes."""
        if self.process is None:
            return
        children = _children(self.process.pid)
        # The parent first: it would start others in place of those that die.
        self._end(signal.SIGKILL)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def stop(self) -> None:
        """Stop the server; it keeps what was written."""
        self._end(signal.SIGINT)

    def pause(self) -> None:
        """Stop the processes of the server until :meth:`resume`: it accepts connections and answers nothing."""
        self._signal_all(signal.SIGSTOP)
        if self.process is not None:
            # A thread that has not seen the signal yet would still answer.
            for each in (self.process.pid, *_children(self.process.pid)):
                while _runs(each):
                    time.sleep(0.005)

    def resume(self) -> None:
        """Let the server continue."""
        self._signal_all(signal.SIGCONT)

    def quit(self) -> None:
        """End the server for ever, or in good order where its files stay."""
        self._end(signal.SIGINT if KEEP else self.end_signal)

    def _end(self, number: int) -> None:
        if self.process is None:
            return
        # One that is paused would not see it.
        self.resume()
        self.process.send_signal(number)
        self.process.wait()
        self.process = None

    def _signal_all(self, number: int) -> None:
        if self.process is not None:
            # The first of them starts the others.
            self.process.send_signal(number)
            for child in _children(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, number)

    def _end_with_keeper(self) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SET_PDEATHSIG, self.end_signal)


def keep(server: KeptServer, watched: str) -> None:
    """Run a server until what is watched has ended, then remove its folder."""
    ready = server.folder / READY
    try:
        server.create()
        server.start()
        try:
            write_private(ready, json.dumps(server.described()))
            if watched == "stdin":
                _serve_commands(server)
            else:
                _wait_for_end(int(watched))
        finally:
            server.quit()
    finally:
        if KEEP:
            ready.unlink(missing_ok=True)
        elif ready.exists():
            shutil.rmtree(server.folder, ignore_errors=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; it is there when it is whole."""
    pending = path.with_name(f"{path.name}.new")
    pending.touch(mode=0o600)
    pending.write_text(text, encoding="utf-8")
    pending.replace(path)


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _serve_commands(server: KeptServer) -> None:
    commands = {
        "kill": server.kill,
        "stop": server.stop,
        "pause": server.pause,
        "resume": server.resume,
        "start": server.start,
    }
    for line in sys.stdin:
        command, *settings = line.split()
        commands[command](*settings)
        print("done", flush=True)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(each) for each in text.split()]
    return []


def _runs(pid: int) -> bool:
    """Whether a thread of a process is neither stopped nor ended."""
    for status in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            if status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "TtZX":
                return True
    return False


def _wait_for_end(pid: int) -> None:
    """Wait until a process has ended."""
    if hasattr(os, "pidfd_open"):
        with suppress(ProcessLookupError):
            select.select([os.pidfd_open(pid)], [], [])
        return
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(_POLL_SECONDS)
