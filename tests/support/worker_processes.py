"""The worker processes of an executor that this process has opened."""

from __future__ import annotations

import os
from pathlib import Path


def children() -> list[int]:
    """Their process ids."""
    found: list[int] = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return [each for each in found if _is_worker(each)]


def _is_worker(process: int) -> bool:
    try:
        return b"engine.cluster.child" in Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
