"""Worker processes: fresh interpreters that a socket joins to this process."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence


def start_interpreter(
    module: str, *, keep: Sequence[int] = ()
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a process that calls ``main()`` of a module, with the other end of the socket as its standard input.

    It is no fork: it runs nothing of the caller's program, and inherits only the file descriptors ``keep``. Ctrl-C goes to
    this process only.

    Args:
        module: The module of headrace.
        keep: The file descriptors.

    Returns:
        This process's end of the socket, and the process. It should end when the socket closes.

    Raises:
        OSError: The process cannot be started.
    """
    ours, theirs = socket.socketpair()
    code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; main()"
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            pass_fds=keep,
            process_group=0,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, process


def how_it_ended(status: int | None) -> str:
    """Return the words for the exit status of a process: ``status 1``, or ``signal 9``."""
    return f"signal {-status}" if status is not None and status < 0 else f"status {status}"
