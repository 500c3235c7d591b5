"""A web server for a folder of files: nginx if it is installed (Debian: nginx-light), else aiohttp's."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.environments import clean_environment
from bench.scenario import RunError

START_SECONDS = 20.0

CONFIG = """
daemon off;
worker_processes 1;
worker_cpu_affinity {mask};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    autoindex on;
  }}
}}
"""


@dataclass(frozen=True)
class WebServer:
    """A running web server; ``pid`` leads its processes."""

    address: str
    pid: int


@contextmanager
def web_server(root: Path, folder: Path) -> Iterator[WebServer]:
    """Serve a folder inside the block, on the first processor that this process may use."""
    nginx = find_nginx()
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    if nginx:
        config = folder / "nginx.conf"
        first = min(os.sched_getaffinity(0))
        config.write_text(
            CONFIG.format(
                folder=folder,
                root=root,
                port=port,
                mask=format(1 << first, "b"),
                user="user root;" if os.geteuid() == 0 else "",
            )
        )
        command = [nginx, "-c", str(config), "-p", str(folder)]
    else:
        script = Path(__file__).with_name("static_server.py")
        command = [sys.executable, str(script), str(root), str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=clean_environment(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    with process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(address, process, folder)
            yield WebServer(address, process.pid)
        finally:
            process.terminate()


def find_nginx() -> str | None:
    """Return the path of nginx, None if it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def version() -> str:
    """Return the name and version of the server, for the result."""
    nginx = find_nginx()
    if nginx is None:
        return "aiohttp"
    done = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=False)
    return done.stderr.strip().removeprefix("nginx version: ")


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(address: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until the server responds."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address + "/nothing-here", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
    output = (folder / "server.log").read_text(errors="replace")[-2000:]
    raise RunError(f"the web server did not start: {output}")
