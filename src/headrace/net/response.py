"""An answer of a storage whose body is still to come, by whichever way it was asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple

from msgspec import Struct

from headrace.errors import TransferError

OnFile = Callable[[memoryview, dict[str, str]], bool]
"""Called on a thread with a complete file and the fields of its head (names in lower case), valid until it returns.

Returns False to end the batch. It may block.
"""

WriteBlock = Callable[[memoryview], None]
"""Takes the next bytes, which are good until it returns. It may block."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
STORAGE_SILENCE_SECONDS = 60.0


class StallPolicy(Struct, frozen=True, kw_only=True):
    """How slow a storage may be: ``silence`` seconds without a byte, or fewer than ``speed`` bytes a second in them."""

    silence: float = STORAGE_SILENCE_SECONDS
    speed: int = 100


class StreamingResponse(ABC):
    """``status`` and ``headers`` are here, ``where`` is the origin; ``whole`` is the body where it came at once.

    ``write_to`` is there where the body can be written on a thread as it comes: in place of :meth:`chunks`, with the same
    errors, once all that came has been written. Whoever has it closes it.
    """

    status: int
    headers: Mapping[str, str]
    where: str
    whole: memoryview | None = None
    write_to: Callable[[WriteBlock], Awaitable[None]] | None = None
    on_close: Callable[[BaseException | None], None] | None = None

    @abstractmethod
    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The body as it comes; a view of memory is good until the next one is asked for.

        Only the time that the other side takes counts.

        Raises :class:`TransferTimeoutError` where too little comes, :class:`ConnectError` where the end comes too
        early.
        """

    @abstractmethod
    def _release(self) -> None:
        """Let go of the connection: it goes on where the body was read to its end."""

    def close(self, error: BaseException | None = None) -> None:
        """End with it, as often as anybody likes; ``error`` is what went wrong with it meanwhile."""
        on_close, self.on_close = self.on_close, None
        if on_close is not None:
            self._release()
            on_close(error)


class HttpResponse(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class BufferedResponse(StreamingResponse):
    """An answer that has come already, as far as it did: ``error`` is what it broke off with."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        where: str,
        body: memoryview,
        error: TransferError | None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.where = where
        self._body = body
        self._error = error
        if error is None:
            self.whole = self._body

    async def chunks(self) -> AsyncIterator[memoryview]:
        """What came, then the error."""
        yield self._body
        if self._error is not None:
            raise self._error

    def _release(self) -> None:
        """There is no connection any more."""
