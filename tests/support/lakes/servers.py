"""Lakes, tokens and servers for tests: in this process or in one of their own."""

from __future__ import annotations

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
from tests.support.lakes.templates import copy_empty, copy_with_token
from tests.support.processes.forked import Forked
from tests.support.processes.waiting import until
from tests.support.scripts.serve_lake import serve_lake

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
    async with (
        await Platform.open(lake) as platform,
        serving(platform, settings=settings) as address,
    ):
        yield Running(address, token, platform)


@asynccontextmanager
async def server_process(
    lake: Path, *, stop_seconds: float = 10.0, serve: Callable[[Path, float], None] = serve_lake
) -> AsyncIterator[ServerProcess]:
    """A lake, served by a process of its own; killed at the end where it still runs."""
    log = lake.with_name(lake.name + ".log")
    log.write_bytes(b"")
    process = Forked(serve, lake, stop_seconds, log=log)
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
