"""Two servers over one PostgreSQL behind the nginx that headrace deploys: they are restarted one by one, and work goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

import headrace
from tests.support.data.images import draw_images
from tests.support.postgres_server import fresh_database
from tests.support.processes import nginx
from tests.support.processes.cli import environment, running, started
from tests.support.processes.serving import asked, free_port, wait_for

pytestmark = pytest.mark.slow

ASSETS = 40
DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


class Server:
    """A server at a port behind the proxy."""

    def __init__(self, port: int, address: str, variables: dict[str, str]) -> None:
        self.port = port
        self._options = ("--port", str(port), "--public-url", address, "--proxies", "1")
        self._variables = variables
        self._stack = ExitStack()

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self._command = self._stack.enter_context(
            running("serve", "postgresql://", *self._options, **self._variables)
        )
        wait_for(lambda: ready(self.port) or self._command.process.returncode is not None)

    def stop(self) -> None:
        """Stop it in good order."""
        self._command.process.send_signal(signal.SIGTERM)
        outcome = self._command.outcome()
        assert outcome.status == 0, outcome.err

    def kill(self) -> None:
        """End it where it still runs."""
        self._stack.close()


@contextmanager
def platform(folder: Path) -> Iterator[tuple[dict[str, str], str]]:
    """An empty platform in PostgreSQL: the variables that name it, and a token."""
    with fresh_database("template0") as dsn:
        variables = {"HEADRACE_DATABASE": dsn, "HEADRACE_OBJECTS": str(folder / "objects")}
        made = started("init", "postgresql://", **variables)
        assert made.status == 0, made.err
        created = started("token", "create", "postgresql://", **variables)
        yield variables, created.out.strip()


def ready(port: int) -> bool:
    try:
        return asked(f"http://127.0.0.1:{port}", "GET", "/readyz")[0] == 200
    except OSError:
        return False


async def test_work_goes_on_while_servers_are_restarted_one_by_one(tmp_path: Path) -> None:
    nginx.program()
    ports, front = (free_port(), free_port()), free_port()
    address = f"http://127.0.0.1:{front}"
    draw_images(tmp_path / "images", ASSETS)
    with (
        platform(tmp_path) as (variables, token),
        nginx.proxy(tmp_path, ports, front),
        ExitStack() as stack,
    ):
        servers = [Server(port, address, variables) for port in ports]
        for each in servers:
            stack.callback(each.kill)
            each.start()
        async with headrace.connect(address, api_token=token) as client:
            await client.push("d/v", tmp_path / "images")
            version = await client.version("d/v")
            stopped = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                work = group.create_task(work_on(version, stopped))
                reads = group.create_task(read(address, token, stopped))
                for each in servers:
                    await asyncio.to_thread(each.stop)
                    await asyncio.to_thread(each.start)
                stopped.set()
            found = [each.name for each in await version.list_labels()]
            assert sorted(found) == sorted(work.result())
            assert set(reads.result()) == {200}


def test_the_platform_of_compose_is_made_once(tmp_path: Path) -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with fresh_database("template0") as dsn:
        variables = {"HEADRACE_DATABASE": dsn, "HEADRACE_OBJECTS": str(tmp_path / "objects")}
        outputs = [
            subprocess.run(
                services["init"]["entrypoint"],
                env=environment(PATH=path, **variables),
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for _ in range(2)
        ]
        assert "Platform created" in outputs[0]
        assert "Platform created" not in outputs[1]
        assert started("token", "create", "postgresql://", **variables).status == 0


async def work_on(version: headrace.DatasetVersion, stopped: asyncio.Event) -> list[str]:
    """Create labels, list, and load (an XGET) until it is stopped, at least twenty times; returns the labels."""
    made: list[str] = []
    while len(made) < 20 or not stopped.is_set():
        label = await version.create_label(f"label {len(made)}")
        made.append(label.name)
        assert len(await version.list_assets()) == ASSETS
        await version.load_annotations()
    return made


async def read(address: str, token: str, stopped: asyncio.Event) -> list[int]:
    """Ask who calls until it is stopped, as a client that repeats nothing; returns the statuses."""
    statuses: list[int] = []
    while not stopped.is_set():
        status, _ = await asyncio.to_thread(
            asked, address, "GET", "/api/home/ping", Authorization=f"Bearer {token}"
        )
        statuses.append(status)
        await asyncio.sleep(0.01)
    return statuses
