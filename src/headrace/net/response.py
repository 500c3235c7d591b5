"""HTTP responses: complete ones, and storage downloads whose body is still to be received."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple

from msgspec import Struct

from headrace.errors import TransferError

OnFile = Callable[[memoryview, dict[str, str]], bool]
"""Called on a thread with a complete file and its headers (names in lower case), valid until it returns.

Returns False to end the batch. It may block.
"""

WriteBlock = Callable[[memoryview], None]
"""Called with the next bytes, which are valid until it returns. It may block."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
STORAGE_SILENCE_SECONDS = 60.0


class StallPolicy(Struct, frozen=True, kw_only=True):
    """How slow a storage may be before a download fails.

    Attributes:
        silence: Seconds without a byte.
        speed: Fewest bytes per second, measured over ``silence`` seconds.
    """

    silence: float = STORAGE_SILENCE_SECONDS
    speed: int = 100


class StreamingResponse(ABC):
    """A response of a storage. Close it after use.

    Attributes:
        status: The HTTP status.
        headers: The headers; lookups ignore case.
        where: The origin of the host.
        whole: The body, if it has been received already; else None.
        write_to: Receives the body on a thread and passes each block to a function, in place of :meth:`chunks`. It raises
            the same errors, after all bytes received were passed on. None if unavailable.
        on_close: Called when the response is closed, with the error of the download.
    """

    status: int
    headers: Mapping[str, str]
    where: str
    whole: memoryview | None = None
    write_to: Callable[[WriteBlock], Awaitable[None]] | None = None
    on_close: Callable[[BaseException | None], None] | None = None

    @abstractmethod
    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """Yield the body as it is received. A memoryview is valid until the next one is requested.

        The time between two requests for a chunk does not count as silence. Raises :class:`TransferTimeoutError` if the
        host is too slow, and :class:`ConnectError` if the connection ends too early.
        """

    @abstractmethod
    def _release(self) -> None:
        """Return the connection; it is reused if the body was read to its end."""

    def close(self, error: BaseException | None = None) -> None:
        """Close the response. Idempotent. ``error`` is the error of the download."""
        on_close, self.on_close = self.on_close, None
        if on_close is not None:
            self._release()
            on_close(error)


class HttpResponse(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class BufferedResponse(StreamingResponse):
    """A response that has been received; ``error`` is the error that ended it early."""

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
        """Yield what was received, then raise the error."""
        yield self._body
        if self._error is not None:
            raise self._error

    def _release(self) -> None:
        """Do nothing: the connection has been returned already."""
