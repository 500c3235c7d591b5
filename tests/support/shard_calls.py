"""What workers run in tests, and their processes."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from msgspec import Struct

from headrace.engine.cluster.calls import shard_call
from headrace.errors import NotFoundError
from tests.support.processes.serving import children


class Work(Struct):
    """What a worker does: write ``number`` to a file of its own in ``folder``, and what else is asked for.

    Attributes:
        die: So many workers die of it, before they write.
        seconds: How long it takes.
        fail: Whether it raises.
    """

    number: int
    folder: str = ""
    die: int = 0
    seconds: float = 0.0
    fail: bool = False


class Done(Struct):
    """The number, and which process did it."""

    number: int
    process: int


@shard_call
async def do_work(work: Work) -> Done:
    """Do some work. Each run leaves a file, named by the number and how often it began."""
    if work.fail:
        raise NotFoundError(f"nothing has the number {work.number}", hint="take another one")
    if work.folder:
        folder = Path(work.folder)
        begun = len([*folder.glob(f"begun-{work.number}-*")])
        (folder / f"begun-{work.number}-{begun}").touch()
        if begun < work.die:
            os.kill(os.getpid(), signal.SIGKILL)
    try:
        await asyncio.sleep(work.seconds)
    except asyncio.CancelledError:
        if work.folder:
            (Path(work.folder) / f"cancelled-{work.number}").touch()
        raise
    if work.folder:
        (Path(work.folder) / f"done-{work.number}").touch()
    return Done(work.number, os.getpid())


def workers() -> list[int]:
    """The worker processes of the executors that this process has opened."""
    return children(os.getpid(), b"engine.cluster.child")
