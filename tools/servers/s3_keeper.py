"""Keeps one S3 server (SeaweedFS) running for tests and benchmarks; a program of the standard library alone.

``python -S -m tools.servers.s3_keeper FOLDER WATCHED PROGRAM``: see :mod:`tools.servers.keeping`.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.servers.keeping import KeptServer, keep, write_private

BUCKET = "headrace"
ADMINISTRATOR = "TESTADMINISTRATOR"
READER = "TESTREADER"

_S3_PORT = "s3.port"
_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    _S3_PORT,
    "s3.port.grpc",
)


class S3Server(KeptServer):
    """The folder of an S3 server and its process."""

    ports_needed = len(_PORTS)
    start_seconds = 60.0
    # A polite end takes it 15 s.
    end_signal = signal.SIGKILL

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder)
        self._program = program
        self._secret = ""

    def described(self) -> dict[str, str | int]:
        """The address of the server, the account that may do everything, and the id of the server's process."""
        assert self.process is not None
        return {
            "endpoint": f"http://127.0.0.1:{self.ports[_PORTS.index(_S3_PORT)]}",
            "access_key": ADMINISTRATOR,
            "secret_key": self._secret,
            "pid": self.process.pid,
        }

    def create(self) -> None:
        """Write the accounts of a server: one that may do everything, and one that may only read."""
        self._secret = secrets.token_hex(20)
        (self.folder / "data").mkdir(mode=0o700)
        accounts = {
            "identities": [
                {
                    "name": name,
                    "credentials": [{"accessKey": name, "secretKey": self._secret}],
                    "actions": actions,
                }
                for name, actions in (
                    (ADMINISTRATOR, ["Admin", "Read", "Write", "List", "Tagging"]),
                    (READER, ["Read", "List"]),
                )
            ]
        }
        write_private(self.folder / "accounts.json", json.dumps(accounts))

    def _command(self, ports: list[int], settings: tuple[str, ...]) -> list[str]:
        return [
            *(str(self._program), "-logtostderr=true", "server"),
            *(f"-dir={self.folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-{name}={port}" for name, port in zip(_PORTS, ports, strict=True)),
            *("-volume.max=20", "-master.volumeSizeLimitMB=256", "-filer", "-s3"),
            *(f"-s3.config={self.folder / 'accounts.json'}", "-s3.autoCreateBucket=false"),
            # It tells its makers about itself, and listens on two fixed ports, unless it is told not to.
            *("-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *settings,
        ]

    def _process_options(self) -> dict[str, Any]:
        return {"cwd": self.folder, "env": {**os.environ, "GOMEMLIMIT": "400MiB", "GOGC": "50"}}

    def _accepts(self, process: subprocess.Popen[bytes], ports: list[int]) -> bool:
        return _answers(ports[_PORTS.index(_S3_PORT)])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    keep(S3Server(Path(sys.argv[1]), Path(sys.argv[3])), sys.argv[2])
