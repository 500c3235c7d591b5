"""The process between a host and a program: it ends the program when the host is gone, however the host went.

Run as a script with the program's words as arguments, in a session of its own. Its standard input is a pipe that the
host holds open; the end of that pipe is the word to stop. Nothing of the program is left when it ends: neither its
process group nor what it started outside of it (where the system tells, as Linux does). Exits as the program did,
with 128 and the signal's number where a signal ended it. Only the standard library is loaded, so that a start costs
little.
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
"""From the polite word to stop to the one that cannot be refused."""

NOT_FOUND, NOT_RUN = 127, 126

_LOOK_SECONDS = 0.02
_HOST_LOOK_SECONDS = 1.0
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36


def main(command: list[str]) -> int:
    """Run the command to its end, or until the host lets go of the pipe."""
    # Handlers, not SIG_IGN: the program must not inherit that it is deaf.
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: None)
    control = _prctl()
    if control is not None:
        control(_SET_CHILD_SUBREAPER, 1)
    try:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, preexec_fn=_tied(control, os.getpid())
        )
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUN
    if not _ended(program, os.getppid()):
        with suppress(OSError):
            os.killpg(0, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            program.wait(GRACE_SECONDS)
        program.kill()
    status = program.wait()
    _sweep()
    return 128 - status if status < 0 else status


def _ended(program: subprocess.Popen[bytes], host: int) -> bool:
    """Wait for the program's end; False where the host was quicker to go."""
    with suppress(AttributeError, OSError):
        bell = os.pidfd_open(program.pid)
        try:
            return _rung(bell, host)
        finally:
            os.close(bell)
    while program.poll() is None:
        if select.select([0], [], [], _LOOK_SECONDS)[0] or os.getppid() != host:
            return False
    return True


def _rung(bell: int, host: int) -> bool:
    while True:
        ready = select.select([0, bell], [], [], _HOST_LOOK_SECONDS)[0]
        if bell in ready:
            return True
        # A fork of the host may hold the pipe open; that the host is gone shows in the parent.
        if ready or os.getppid() != host:
            return False


def _sweep() -> None:
    """Kill what is left: children, and theirs, which become ours as their parents go."""
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
            # The name in parentheses may hold anything; the parent is the second word behind it.
            if file.read().rpartition(")")[2].split()[1] == mine:
                found.append(int(entry))
    return found


def _prctl() -> Callable[[int, int], object] | None:
    if sys.platform != "linux":
        return None
    with suppress(OSError, AttributeError):
        function = ctypes.CDLL(None).prctl
        return lambda option, value: function(option, value, 0, 0, 0)
    return None


def _tied(control: Callable[[int, int], object] | None, keeper: int) -> Callable[[], None] | None:
    """Before the program runs: it dies with the keeper, should that one be killed."""
    if control is None:
        return None

    def tie() -> None:
        control(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(NOT_RUN)

    return tie


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
