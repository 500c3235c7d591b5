"""Remove from the version ``drawings/first``, or undo its removal, and die in the middle: in a process of its own.

``die`` says where: ``torn`` in the middle of writing the removal file, ``recorded`` when a part is on the disk and not yet
removed, ``restoring`` when a part has been put back and the next one is read. ``count`` is how often that is passed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import headrace
from headrace.platform.annotations import delete
from headrace.platform.assets import assets
from headrace.platform.removals import frames, parts
from tests.support.scripts.serve_lake import serve_lake

RANGE = 2


def remove_and_die(lake: Path, what: str, die: str, count: int) -> None:
    """Remove ``what``: annotations, assets, or by the import of a file."""
    prepare(die, count)
    asyncio.run(_remove(lake, what))


def undo_and_die(lake: Path, id: str, count: int) -> None:
    """Undo a removal."""
    prepare("restoring", count)
    asyncio.run(_undo(lake, id))


def serve_and_die(die: str, count: int, lake: Path, stop_seconds: float) -> None:
    """Serve a lake until a removal or an undo passes the place."""
    prepare(die, count)
    serve_lake(lake, stop_seconds)


async def _remove(lake: Path, what: str) -> None:
    async with headrace.connect(lake) as client:
        version = await client.version("drawings/first")
        if what == "annotations":
            await version.delete_all_annotations()
        elif what == "assets":
            await version.delete_assets(await version.list_assets())
        else:
            client.session.backend.limits = headrace_limits(client.session.backend.limits)
            await version.import_annotations(what)


async def _undo(lake: Path, id: str) -> None:
    async with headrace.connect(lake) as client:
        await (await client.get_removal(id)).undo()


def headrace_limits(limits: Any) -> Any:
    """The same limits with small chunks of imports."""
    from msgspec.structs import replace

    return replace(limits, import_assets=RANGE, concurrency=1)


def prepare(die: str, count: int) -> None:
    """Work in small ranges, and die when a place is passed for the last time."""
    delete.RANGE = assets.RANGE = RANGE
    passed = Countdown(count)
    if die == "restoring":
        parts.read_last_frame = passed.before(parts.read_last_frame)
    elif die == "recorded":
        parts.append = passed.after(parts.append)
    else:
        append = frames.append

        def torn(path: Path, offset: int, added: Sequence[frames.Frame]) -> int:
            size = append(path, offset, added)
            if passed.is_last():
                os.truncate(path, (offset + size) // 2)
                kill()
            return size

        parts.append = torn


class Countdown:
    """Counts how often a place is passed."""

    def __init__(self, count: int) -> None:
        self._left = count

    def is_last(self) -> bool:
        """Whether this is the last time."""
        self._left -= 1
        return self._left == 0

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which dies before its last call."""

        def call(*arguments: Any) -> Any:
            if self.is_last():
                kill()
            return function(*arguments)

        return call

    def after(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which dies after its last call."""

        def call(*arguments: Any) -> Any:
            result = function(*arguments)
            if self.is_last():
                kill()
            return result

        return call


def kill() -> None:
    """End this process without notice."""
    os.kill(os.getpid(), signal.SIGKILL)
