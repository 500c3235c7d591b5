"""Lakes, tokens and servers for tests: in this process or in one of their own."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from headrace.platform.platform import Platform
from headrace.platform.tokens import create_token
from headrace.server.serve import serving
from headrace.server.settings import ServerSettings

SCRIPT = Path(__file__).with_name("serve_lake.py")


class Running(Struct):
    """A server in this process, with the platform behind it."""

    address: str
    token: str
    platform: Platform

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class ServerProcess(Struct):
    """A server in a process of its own; ``output`` is all that it wrote, once it has stopped."""

    address: str
    process: asyncio.subprocess.Process
    output: bytes = b""

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(how)
        out, err = await self.process.communicate()
        self.output += out + err
        assert self.process.returncode is not None
        return self.process.returncode


async def new_lake(path: Path) -> tuple[Path, str]:
    """A new lake and a token for it."""
    await Platform.create(path)
    async with await Platform.open(path) as platform:
        token, _ = await create_token(platform, name="test")
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
async def server_process(lake: Path, *, stop_seconds: float = 10.0) -> AsyncIterator[ServerProcess]:
    """A lake, served by a process of its own; killed at the end where it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        str(lake),
        str(stop_seconds),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().strip()
        if not address:
            _, err = await process.communicate()
            raise RuntimeError(err.decode())
        yield ServerProcess(address, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
