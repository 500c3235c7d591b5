"""Whether processes are gone that nobody holds a handle of."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.processes.waiting import until


def is_running(pid: int) -> bool:
    """Whether there is such a process, one that is dead but not yet collected aside."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


async def numbers_in(path: Path, count: int) -> list[int]:
    """The process numbers that a program writes into a file, once there are ``count``."""

    def written() -> bool:
        return path.exists() and len(path.read_text().split()) >= count

    await until(written)
    return [int(word) for word in path.read_text().split()]


async def all_gone(pids: list[int]) -> None:
    """Wait until none of them runs; fails after a while."""
    await until(lambda: not any(map(is_running, pids)))
