"""Whole messages over a socket: their length, then the message."""

from __future__ import annotations

import pickle
import socket
from struct import Struct
from typing import Any, Final

_LENGTH: Final = Struct("<Q")
_PIECE: Final = 1024 * 1024


def framed(message: Any) -> bytes:
    """A message as it goes over the socket. Both ends are this same program, so it may be pickled."""
    content = pickle.dumps(message, 5)
    return _LENGTH.pack(len(content)) + content


class Inbox:
    """Makes messages of the bytes that come in."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, data: bytes) -> list[Any]:
        """Take in some bytes; returns the messages that are whole now."""
        held, messages = self._held, []
        held += data
        while len(held) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(held)
            end = _LENGTH.size + size
            if len(held) < end:
                break
            messages.append(pickle.loads(memoryview(held)[_LENGTH.size : end].tobytes()))
            del held[:end]
        return messages


class Channel:
    """The worker's end: it waits for each message and answers it."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._inbox = Inbox()
        self._waiting: list[Any] = []

    def receive(self) -> Any:
        """The next message. Raises EOFError when the other side is gone."""
        while not self._waiting:
            data = self._socket.recv(_PIECE)
            if not data:
                raise EOFError
            self._waiting = self._inbox.add(data)
        return self._waiting.pop(0)

    def send(self, message: Any) -> None:
        """Send a message; waits until it is on its way."""
        self._socket.sendall(framed(message))
