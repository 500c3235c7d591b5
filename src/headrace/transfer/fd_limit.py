"""How many files may be under way with the handles that the system gives a process."""

from __future__ import annotations

import os

from headrace.transfer.report import TransferReport

PER_WORKER = 4
"""A connection for small files, one for others, the part, and a file that is read or synced."""

SPARED = 16
"""What the rest of the process may open meanwhile."""


def bounded_by_handles(workers: int, report: TransferReport) -> int:
    """``workers``, or as many as the limit on open files allows; the report then says so."""
    free = _free_handles()
    if free is None:
        return workers
    most = max(1, (free - SPARED) // PER_WORKER)
    if workers <= most:
        return workers
    report.notes.append(
        f"{most} files at a time in place of {workers}: this process may open {free} more files"
        " (ulimit -n raises that)"
    )
    return most


def _free_handles() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    return max(0, limit - _open_handles())


def _open_handles() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(folder))
        except OSError:
            continue
    return 0
