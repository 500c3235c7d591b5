"""Supervise one program: end it, and every process that it started, when the host process is gone.

Run as a script in a new session, with the command line of the program as arguments. Standard input is a pipe that the
host holds open; its end is the order to stop. When the supervisor ends, nothing of the program is left: neither its
process group nor, on Linux, the processes that it started outside of that group. The exit status is the program's, or
128 plus the signal's number. Only the standard library is imported, so that a start is cheap.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

GRACE_SECONDS = 3.0
"""Time between SIGTERM and SIGKILL."""

NOT_FOUND, NOT_RUN = 127, 126

_POLL_SECONDS = 0.02
_HOST_POLL_SECONDS = 1.0
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36


def main(command: list[str]) -> int:
    """Run the command to its end, or until the host closes the pipe."""
    # Handlers, not SIG_IGN: the program would inherit ignored signals.
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: None)
    prctl = _load_prctl()
    if prctl is not None:
        prctl(_SET_CHILD_SUBREAPER, 1)
    try:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent(prctl, os.getpid())
        )
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
    if not _wait_for_program(program, os.getppid()):
        with suppress(OSError):
            os.killpg(0, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            program.wait(GRACE_SECONDS)
        program.kill()
    status = program.wait()
    _kill_remaining()
    return 128 - status if status < 0 else status


def _wait_for_program(program: subprocess.Popen[bytes], host: int) -> bool:
    """Wait for the program to end; False where the host goes first."""
    with suppress(AttributeError, OSError):
        pidfd = os.pidfd_open(program.pid)
        try:
            return _wait_for_pidfd(pidfd, host)
        finally:
            os.close(pidfd)
    while program.poll() is None:
        if select.select([0], [], [], _POLL_SECONDS)[0] or os.getppid() != host:
            return False
    return True


def _wait_for_pidfd(pidfd: int, host: int) -> bool:
    while True:
        ready = select.select([0, pidfd], [], [], _HOST_POLL_SECONDS)[0]
        if pidfd in ready:
            return True
        # A fork of the host may hold the pipe open, but the parent process id still shows that the host is gone.
        if ready or os.getppid() != host:
            return False


def _kill_remaining() -> None:
    """Kill all children, then theirs: orphans are re-parented to this process."""
    while left := _children():
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _children() -> list[int]:
    mine, found = str(os.getpid()), []
    try:
        entries = os.listdir("/proc")
    except OSError:
        return []
    for entry in entries:
        if not entry.isdigit():
            continue
        with (
            suppress(OSError, IndexError),
            open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file,
        ):
            # The name in parentheses may hold any text; the parent is the second field after it.
            if file.read().rpartition(")")[2].split()[1] == mine:
                found.append(int(entry))
    return found


def _load_prctl() -> Callable[[int, int], object] | None:
    if sys.platform != "linux":
        return None
    with suppress(OSError, AttributeError):
        function = ctypes.CDLL(None).prctl
        return lambda option, value: function(option, value, 0, 0, 0)
    return None


def _die_with_parent(
    prctl: Callable[[int, int], object] | None, supervisor: int
) -> Callable[[], None] | None:
    """Return a hook, run before the program starts, that kills the program when the supervisor dies."""
    if prctl is None:
        return None

    def set_death_signal() -> None:
        prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(NOT_RUN)

    return set_death_signal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
