"""Scripts of the official client, each in a process of its own: it takes a second to import and rewrites the root logger.

The same script runs on headrace's blocking API after ``picsellia`` was replaced in its import lines, against a server and
with the folder of a lake as its host.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from msgspec import Struct

from tests.support import methods
from tests.support.lakes.servers import server_processes
from tests.support.storage import kind

OFFICIAL = "picsellia"
OURS = "headrace.blocking"
ON_A_LAKE = f"{OURS} on a lake"
CLIENTS = (OFFICIAL, OURS, ON_A_LAKE)
"""The official client against a server; headrace's against a server, and against the folder of a lake."""


def clients() -> tuple[str, ...]:
    """Return those that reach the platform of the running test: the folder of a lake is one only there."""
    return CLIENTS if kind() == "lake" else (OFFICIAL, OURS)


_IMPORT = re.compile(r"^(\s*)(from|import) picsellia\b", re.MULTILINE)
_ROOT = Path(__file__).resolve().parents[3]


class Host(Protocol):
    """What a script connects to."""

    @property
    def address(self) -> str:
        """The host that it is given."""
        ...

    async def stop(self) -> int:
        """End it; 0 unless something went wrong."""
        ...


class _Folder(Struct):
    address: str

    async def stop(self) -> int:
        return 0


@asynccontextmanager
async def hosted(client: str, lake: Path) -> AsyncIterator[Host]:
    """A lake as one of ``CLIENTS`` reaches it: behind a server, but for the one that opens the folder itself."""
    if client == ON_A_LAKE:
        if kind() != "lake":
            pytest.skip("there is no folder of a lake")
        yield _Folder(str(lake))
    else:
        async with server_processes(lake) as server:
            yield server


def moved(script: Path, folder: Path) -> Path:
    """A copy of a script whose import lines name headrace, and in which nothing else is changed."""
    text = script.read_text(encoding="utf-8")
    copy = folder / f"moved_{script.name}"
    copy.write_text(_IMPORT.sub(rf"\1\2 {OURS}", text), encoding="utf-8")
    return copy


async def drive(
    script: Path, host: str, token: str, folder: Path, *more: str, client: str = OFFICIAL
) -> dict[str, Any]:
    """What a script saw through one of the two clients: the JSON object that its last line is."""
    if client != OFFICIAL:
        script = moved(script, folder.parent)
    # While methods are recorded, the child tells what it called.
    calls = None if methods.folder() is None else folder.parent / f"calls_{client}.json"
    runner = [] if calls is None else ["-m", "tests.support.scripts.recorded", str(calls)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *runner,
        str(script),
        host,
        token,
        str(folder),
        *more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder.parent,
        env={
            **os.environ,
            "PICSELLIA_SDK_CUSTOM_LOGGING": "1",
            "NO_PROXY": "*",
            "PYTHONPATH": str(_ROOT),
        },
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    if calls is not None:
        for name, door in json.loads(calls.read_text(encoding="utf-8")):
            methods.CALLS.add(name, door)
    found: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
    return found
