"""The process that holds the lease of a job: its name, and whether it is known to have ended.

The lease alone decides who may write. That a process has ended is only known on its own machine; then its jobs need not
wait for the end of the lease. Process numbers repeat, those of containers above all, so a name holds the start of the
system, the process namespace and the start of the process as well.
"""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = "/proc/self/ns/pid"
_START = 19
"""The start of a process among the fields of its ``stat`` that follow its name."""


def new_owner() -> str:
    """Return a new name for this process: ``host/boot/namespace:pid:start.random``."""
    pid = os.getpid()
    return f"{_place()}:{pid}:{_start_of(pid)}.{secrets.token_hex(8)}"


def is_gone(owner: str) -> bool:
    """Whether the owner is known to have ended. Only a hint: the lease decides."""
    place, pid, token = owner.rsplit(":", 2)
    if place not in (_place(), socket.gethostname()) or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it lives, and belongs to another user
    start, point, _ = token.partition(".")
    # Names that an earlier headrace wrote have no start.
    return bool(point and start) and start != _start_of(int(pid))


@cache
def _place() -> str:
    try:
        boot, namespace = _BOOT.read_text().strip(), os.stat(_NAMESPACE).st_ino
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{boot}/{namespace}"


def _start_of(pid: int) -> str:
    """Return when a process started, in ticks since the start of the system; empty where it is not known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return fields[_START] if len(fields) > _START else ""
