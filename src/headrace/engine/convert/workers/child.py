"""Main loop of a worker process: run one job, message by message, until the socket closes."""

from __future__ import annotations

import gc
import os
import socket
from typing import Any, Final

from headrace.engine.convert.workers.messages import (
    MessageDecoder,
    RunningJob,
    WorkerJob,
    WorkerReply,
    encode_message,
)
from headrace.engine.convert.workers.pickles import dumps, loads
from headrace.errors import HeadraceError

_PIECE: Final = 1024 * 1024


class Channel:
    """The worker's end of the socket; receiving and sending block."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._decoder = MessageDecoder()
        self._waiting: list[Any] = []

    def receive(self) -> Any:
        """Wait for the next message. Raises EOFError when the other side is gone."""
        while not self._waiting:
            data = self._socket.recv(_PIECE)
            if not data:
                raise EOFError
            self._waiting = self._decoder.add(data)
        return self._waiting.pop(0)

    def send(self, message: Any) -> None:
        """Send a message."""
        self._socket.sendall(encode_message(message))


def main() -> None:
    """Serve the socket that is this process's standard input, until it closes."""
    connection = socket.socket(fileno=os.dup(0))
    # Records hold no reference cycles (see headrace.garbage); a rare collection is enough for those of libraries.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        serve(Channel(connection))
    except (EOFError, OSError):
        # The main process is gone; it, or the next run, removes what was begun.
        os._exit(0)


def serve(channel: Channel) -> None:
    """Receive a job, then reply to every message. Raises EOFError when the other side is gone."""
    job: WorkerJob = channel.receive()
    running: RunningJob | None = None
    noted = error = None
    try:
        running = job.begin()
        noted = running.noted()
    except Exception as failure:  # noqa: BLE001  raised in the main process
        error = _portable(failure)
    channel.send(WorkerReply(noted=noted, error=error))
    while True:
        message = channel.receive()
        assert running is not None
        result = error = None
        try:
            result = running.do(message)
        except Exception as failure:  # noqa: BLE001
            error = _portable(failure)
        channel.send(WorkerReply(result, running.noted(), error))


def _portable(error: Exception) -> Exception:
    """Return an error that can be pickled: itself, or one with the same text."""
    try:
        loads(dumps(error))
    except Exception:  # noqa: BLE001  its class may raise anything
        return HeadraceError(f"{type(error).__name__}: {error}")
    return error.with_traceback(None)
