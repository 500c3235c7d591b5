"""The worker's side: it does one job, message by message, until nobody asks any more."""

from __future__ import annotations

import gc
import os
import pickle
import socket

from headrace.engine.convert.workers.channel import Channel
from headrace.engine.convert.workers.messages import Answer, Doing, Job
from headrace.errors import HeadraceError


def main() -> None:
    """Serve the socket that is this process's standard input, until it closes."""
    ours = socket.socket(fileno=os.dup(0))
    # Records hold no cycles, see formats.collector; what libraries leave behind is looked for now and then.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        serve(Channel(ours))
    except (EOFError, OSError):
        # Nobody is there any more: what was begun is theirs, or the next run's, to remove.
        os._exit(0)


def serve(channel: Channel) -> None:
    """Take a job, then answer every message. Raises EOFError when the other side is gone."""
    job: Job = channel.receive()
    doing: Doing | None = None
    noted = error = None
    try:
        doing = job.begin()
        noted = doing.noted()
    except Exception as failure:  # noqa: BLE001  raised where it belongs, in the other process
        error = _portable(failure)
    channel.send(Answer(noted=noted, error=error))
    while True:
        message = channel.receive()
        assert doing is not None
        made = error = None
        try:
            made = doing.do(message)
        except Exception as failure:  # noqa: BLE001
            error = _portable(failure)
        channel.send(Answer(made, doing.noted(), error))


def _portable(error: Exception) -> Exception:
    """An error as it can cross: one that cannot be pickled is told in words."""
    try:
        pickle.loads(pickle.dumps(error, 5))
    except Exception:  # noqa: BLE001  whatever its class does
        return HeadraceError(f"{type(error).__name__}: {error}")
    return error.with_traceback(None)
