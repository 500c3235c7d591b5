"""Messages between a conversion and its workers: their types, and their frames on a socket (length, then content).

The job is the first message to a worker. The worker replies to every message, in order.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from headrace.engine.convert.workers.pickles import dumps, loads

if TYPE_CHECKING:  # workers that only create files start faster without formats and msgspec
    from headrace.formats.findings.collect import PassDelta

_LENGTH: Final = Struct("<Q")
_PIECE: Final = 1024 * 1024


class RunningJob(Protocol):
    """A job that a worker has started."""

    def do(self, message: Any) -> Any:
        """Process a message and return the ``result`` of the reply."""

    def noted(self) -> PassDelta | None:
        """Return the findings since the last call."""


class WorkerJob(Protocol):
    """A worker's job; it is pickled and sent to the worker."""

    def begin(self) -> RunningJob:
        """Start the job, in the worker."""


class WorkerReply(NamedTuple):
    """The reply to a message: its result, the findings so far, and the error if it failed."""

    result: Any = None
    noted: PassDelta | None = None
    error: Exception | None = None


def encode_message(message: Any) -> bytes:
    """Encode a message for the socket."""
    content = dumps(message)
    return _LENGTH.pack(len(content)) + content


class MessageDecoder:
    """Decodes messages from the bytes of a socket."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, data: bytes) -> list[Any]:
        """Add received bytes and return the messages that are now complete."""
        held, messages = self._held, []
        held += data
        while len(held) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(held)
            end = _LENGTH.size + size
            if len(held) < end:
                break
            messages.append(loads(memoryview(held)[_LENGTH.size : end].tobytes()))
            del held[:end]
        return messages
