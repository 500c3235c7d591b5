"""A job of the SDK in a process of its own that is killed, as by ``kill -9``, in the middle of its work.

The process kills itself when the operation that the job turns on was called so many times; a negative number kills
while that call is under way, 0 never. Chunks are small, so that little data has many of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from msgspec.structs import replace

import headrace
from headrace.backend import local
from headrace.backend.local import LocalBackend

TURNS_ON = {
    "import": "import_packed",
    "push": "register_many_data",
    "add": "add_data",
}


def die_after(calls: int, operation_name: str) -> None:
    original = LocalBackend.call
    count = 0

    async def call(self: LocalBackend, operation: Any, request: Any) -> Any:
        nonlocal count
        if operation.name != operation_name:
            return await original(self, operation, request)
        count += 1
        mine = count
        if mine == -calls:
            asyncio.get_running_loop().call_later(0.002, os.kill, os.getpid(), signal.SIGKILL)
        answer = await original(self, operation, request)
        if mine == calls:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    LocalBackend.call = call  # type: ignore[method-assign]


def die_in_download(calls: int) -> None:
    from headrace.transfer.state import copier

    original = copier.rename_into_place
    count = 0

    def rename(path: str, name: str, parts: Any, target: Any, *, durable: bool) -> None:
        nonlocal count
        count += 1
        if count == calls:
            half = parts.full(path)
            os.truncate(half, os.path.getsize(half) // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        original(path, name, parts, target, durable=durable)

    copier.rename_into_place = rename  # type: ignore[assignment]


async def run(lake: str, job: str, arguments: list[str]) -> None:
    async with headrace.connect(lake) as client:
        if job == "import":
            version = await client.version(arguments[0])
            report = await version.import_annotations(arguments[1], mode=arguments[2])
            print(report.resumed)
        elif job in ("push", "add"):
            await client.push(arguments[0], arguments[1])
        else:
            version = await client.version(arguments[0])
            await version.download(arguments[1])


def work(lake: str, job: str, calls: int, arguments: list[str]) -> None:
    """Do the job, to its end or to that of this process."""
    local.LOCAL_LIMITS = replace(local.LOCAL_LIMITS, import_assets=4, uploads=2)
    if job == "download":
        die_in_download(calls)
    elif calls:
        die_after(calls, TURNS_ON[job])
    asyncio.run(run(lake, job, arguments))
