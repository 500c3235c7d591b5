"""Lakes, tokens and servers for tests: in this process or in one of their own."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.server.serve import serving
from headrace.server.settings import ServerSettings
from tests.support.alternating import alternating
from tests.support.lakes.templates import copy_empty, copy_with_token
from tests.support.processes.forked import Forked
from tests.support.processes.waiting import until
from tests.support.scripts.serve_lake import serve_lake
from tests.support.storage import kind, second_platform, target_of

_ADDRESS = re.compile(r"^serving (http://\S+)$", re.MULTILINE)


class Running(Struct):
    """A server in this process, with the platform behind it."""

    address: str
    token: str
    platform: Platform

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class ServerProcess(Struct):
    """A server in a process of its own; ``output`` is all that it has written."""

    address: str
    process: Forked
    log: Path

    @property
    def output(self) -> bytes:
        return self.log.read_bytes()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return await self.process.wait()


async def new_lake(path: Path, name: str = "test") -> tuple[Path, str]:
    """A new lake and a token for it, of that name."""
    if name == "test":
        return path, copy_with_token(path)
    copy_empty(path)
    async with await Platform.open(path) as platform:
        token, _ = await create_token(platform.context, name=name)
    return path, token


@asynccontextmanager
async def running(path: Path, settings: ServerSettings | None = None) -> AsyncIterator[Running]:
    """A new lake, served in this process."""
    lake, token = await new_lake(path)
    async with served(lake, settings) as (address, platform):
        yield Running(address, token, platform)


@asynccontextmanager
async def served(
    lake: Path, settings: ServerSettings | None = None
) -> AsyncIterator[tuple[str, Platform]]:
    """A lake, served in this process: its address, and the platform behind it.

    Where platforms are stored as ``two``, two servers take turns behind the address.
    """
    async with (
        await Platform.open(lake) as platform,
        serving(platform, settings=settings) as address,
        second_platform(lake) as second,
    ):
        if second is None:
            yield address, platform
            return
        async with (
            serving(second, settings=settings) as other,
            alternating(address, other) as front,
        ):
            yield front.address, platform


@asynccontextmanager
async def server_process(
    lake: Path,
    *,
    stop_seconds: float = 10.0,
    serve: Callable[[str | Path, float], None] = serve_lake,
    log: str = ".log",
) -> AsyncIterator[ServerProcess]:
    """A lake, served by a process of its own; killed at the end where it still runs.

    ``log`` is the ending of the name of its log.
    """
    async with _one_process(lake, stop_seconds, serve, lake.with_name(lake.name + log)) as server:
        yield server


@asynccontextmanager
async def server_processes(lake: Path) -> AsyncIterator[ServerProcess | TwoProcesses]:
    """A lake, served by a process of its own; by two that take turns where platforms are stored as ``two``."""
    async with server_process(lake) as first:
        if kind() != "two":
            yield first
            return
        async with (
            server_process(lake, log=".second.log") as second,
            alternating(first.address, second.address) as front,
        ):
            yield TwoProcesses(front.address, [first, second])


class TwoProcesses(Struct):
    """Two servers of a platform that take turns behind one address."""

    address: str
    servers: list[ServerProcess]

    async def stop(self) -> int:
        """End both; 0 unless something went wrong."""
        return max([abs(await server.stop()) for server in self.servers])


@asynccontextmanager
async def _one_process(
    lake: Path, stop_seconds: float, serve: Callable[[str | Path, float], None], log: Path
) -> AsyncIterator[ServerProcess]:
    log.write_bytes(b"")
    target = target_of(lake)
    if target is None:
        process = Forked(serve, lake, stop_seconds, log=log)
    else:
        variables = {"HEADRACE_OBJECTS": target.objects or "", "HEADRACE_SCRATCH": str(lake)}
        process = Forked(
            serve, target.dsn, stop_seconds, log=log, environment={**os.environ, **variables}
        )
    try:
        yield ServerProcess(await _address(process, log), process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _address(process: Forked, log: Path) -> str:
    async def told() -> bool:
        return process.returncode is not None or bool(_ADDRESS.findall(log.read_text()))

    await until(told, 30)
    if process.returncode is not None:
        raise RuntimeError(log.read_text())
    return _ADDRESS.findall(log.read_text())[-1]
