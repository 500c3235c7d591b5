"""A download in a process of its own, from a fault server: ``puller.py ADDRESS FOLDER KILL_AT NAME=SIZE:SHA256 …``.

With KILL_AT n it kills itself at the n-th turn of the things a kill may fall between: bytes written, files renamed,
files synced, the journal written. Half of the time before the thing, half of the time after. Prints the report.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec

from headrace.backend.remote_file import RemoteFile
from headrace.net.storage_session import StorageSession
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress
from headrace.transfer.source import Item
from headrace.transfer.state.part import Part

turn = 0


def deadly(function: Callable[..., Any], kill_at: int) -> Callable[..., Any]:
    def wrapped(*given: Any, **named: Any) -> Any:
        global turn
        turn += 1
        mine = turn
        if mine == kill_at and mine % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = function(*given, **named)
        if mine == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return wrapped


async def main(address: str, folder: str, *names: str) -> None:
    session = StorageSession(user_agent="test")

    async def renew() -> str:
        raise AssertionError("nothing expires here")

    def item(text: str) -> Item:
        name, _, known = text.partition("=")
        size, _, sha256 = known.partition(":")
        return Item(
            name=name,
            source=RemoteFile(session, f"{address}/{name}", renew=renew, what=name),
            size=int(size) if size else None,
            sha256=sha256 or None,
        )

    async def batches() -> AsyncIterator[list[Item]]:
        for start in range(0, len(names), 50):
            yield [item(name) for name in names[start : start + 50]]

    with Progress("pull", "files", None) as progress:
        report = await run(batches(), Path(folder), max_workers=8, progress=progress)
    await session.aclose()
    print(msgspec.json.encode(report).decode())


if __name__ == "__main__":
    kill_at = int(sys.argv[3])
    if kill_at:
        for name in ("replace", "fsync", "write", "unlink"):
            setattr(os, name, deadly(getattr(os, name), kill_at))
        for name in ("write", "put", "publish", "_write_info"):
            setattr(Part, name, deadly(getattr(Part, name), kill_at))
    logging.basicConfig()  # the library prints nothing of its own accord
    asyncio.run(main(sys.argv[1], sys.argv[2], *sys.argv[4:]))
