"""Keeps one S3 server (SeaweedFS) running for tests; a program of the standard library alone.

``s3_keeper.py FOLDER WATCHED PROGRAM``. WATCHED is the id of a process, with whose end the server ends, or ``stdin``:
then the server ends with standard input, and each line there is a command (``kill``, ``start``, ``pause``, ``resume``)
that is answered by a line on standard output.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

READY = "ready.json"
BUCKET = "headrace"
ADMINISTRATOR = "TESTADMINISTRATOR"
READER = "TESTREADER"

_SET_PDEATHSIG = 1
_START_SECONDS = 60.0
_POLL_SECONDS = 0.2
_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)


class Keeper:
    """The folder of a server and its process."""

    def __init__(self, folder: Path, program: Path) -> None:
        self._folder = folder
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}
        self.secret = ""

    def described(self) -> dict[str, str | int]:
        """What clients of the server must know, and the id of its process."""
        assert self._process is not None
        return {
            "endpoint": f"http://127.0.0.1:{self._ports['s3.port']}",
            "access_key": ADMINISTRATOR,
            "secret_key": self.secret,
            "pid": self._process.pid,
        }

    def create(self) -> None:
        """Write the accounts of a server: one that may do everything, and one that may only read."""
        self.secret = secrets.token_hex(20)
        (self._folder / "data").mkdir(mode=0o700)
        accounts = {
            "identities": [
                {
                    "name": name,
                    "credentials": [{"accessKey": name, "secretKey": self.secret}],
                    "actions": actions,
                }
                for name, actions in (
                    (ADMINISTRATOR, ["Admin", "Read", "Write", "List", "Tagging"]),
                    (READER, ["Read", "List"]),
                )
            ]
        }
        path = self._folder / "accounts.json"
        path.write_text(json.dumps(accounts), encoding="utf-8")
        path.chmod(0o600)

    def start(self) -> None:
        """Start the server on free ports, or on those of last time, and wait until it answers."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            ports = self._ports or dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
            with (self._folder / "server.log").open("ab") as log:
                process = subprocess.Popen(
                    self._command(ports),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env={**os.environ, "GOMEMLIMIT": "400MiB", "GOGC": "50"},
                    preexec_fn=_end_with_parent,
                )
            self._process = process
            while process.poll() is None:
                if _answers(ports["s3.port"]):
                    self._ports = ports
                    return
                if time.monotonic() > deadline:
                    self.kill()
                    raise SystemExit("the server does not answer")
                time.sleep(0.05)
            # A port was taken meanwhile.
            if time.monotonic() > deadline:
                raise SystemExit("the server does not start")

    def kill(self) -> None:
        """Kill the server: a polite stop takes it 15 s."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send the server a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def _command(self, ports: dict[str, int]) -> list[str]:
        return [
            *(str(self._program), "-logtostderr=true", "server"),
            *(f"-dir={self._folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-{name}={port}" for name, port in ports.items()),
            *("-volume.max=20", "-master.volumeSizeLimitMB=256", "-filer", "-s3"),
            *(f"-s3.config={self._folder / 'accounts.json'}", "-s3.autoCreateBucket=false"),
            # It tells its makers about itself, and listens on two fixed ports, unless it is told not to.
            *("-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        ]


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)


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


def _serve_commands(keeper: Keeper) -> None:
    for line in sys.stdin:
        match line.strip():
            case "kill":
                keeper.kill()
            case "start":
                keeper.start()
            case "pause":
                keeper.signal(signal.SIGSTOP)
            case "resume":
                keeper.signal(signal.SIGCONT)
        print("done", flush=True)


def main(folder: Path, watched: str, program: Path) -> None:
    """Run a server until what is watched has ended, then remove its folder."""
    try:
        keeper = Keeper(folder, program)
        keeper.create()
        keeper.start()
        try:
            pending = folder / f"{READY}.new"
            pending.touch(mode=0o600)
            pending.write_text(json.dumps(keeper.described()), encoding="utf-8")
            pending.replace(folder / READY)
            if watched == "stdin":
                _serve_commands(keeper)
            else:
                _wait_for_end(int(watched))
        finally:
            keeper.kill()
    finally:
        if (folder / READY).exists():
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
