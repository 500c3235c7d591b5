"""nginx with the configuration that headrace deploys, for tests on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.faults.certificates import signed_by_itself
from tests.support.processes.serving import asked, wait_for

DEPLOYED = Path(__file__).resolve().parents[3] / "deploy" / "nginx.conf"

_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def program() -> str:
    """Return the path of nginx; skips the test where it is not installed."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("needs nginx")
    return found


def configured(folder: Path, upstreams: Sequence[int] = (), port: int | None = None) -> Path:
    """Write the deployed configuration for this machine into a folder.

    Args:
        folder: Where its certificate, logs and temporary files are too.
        upstreams: The ports of the two servers in place of the deployed addresses.
        port: Where it listens without TLS. Default: as deployed, with TLS.
    """
    ports = iter(upstreams)
    text = re.sub(
        r"server [\w-]+:(\d+)",
        lambda found: f"server 127.0.0.1:{next(ports, int(found[1]))}",
        DEPLOYED.read_text(encoding="utf-8"),
    )
    if port is None:
        made = signed_by_itself(folder)
        text = text.replace("/etc/nginx/tls/fullchain.pem", str(made.path))
        text = text.replace("/etc/nginx/tls/privkey.pem", str(made.key))
    else:
        text = re.sub(r"^ *ssl_certificate.*$", "", text, flags=re.MULTILINE)
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    temporary = "".join(f"{name}_temp_path {folder}/{name}; " for name in _FOLDERS)
    text = text.replace("http {", f"http {{ {temporary}", 1)
    conf = folder / "nginx.conf"
    conf.write_text(f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n{text}")
    return conf


@contextmanager
def proxy(folder: Path, upstreams: Sequence[int], port: int) -> Iterator[str]:
    """Run nginx in front of two servers inside the block; yields its address."""
    conf = configured(folder, upstreams, port)
    with subprocess.Popen([program(), "-c", str(conf), "-p", str(folder)]) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(lambda: _answers(address) or process.poll() is not None)
            yield address
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return asked(address, "GET", "/healthz", Host="data.example.com")[0] > 0
    except OSError:
        return False
