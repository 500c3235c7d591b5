"""What the transfer asks of wherever the bytes come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct


class Stream(Protocol):
    """An open file on its way here, from byte ``start`` on.

    ``length`` is the number of bytes still to come and ``total`` that of the whole file, None where nobody says;
    ``validator`` names this very content, ``digests`` are of the whole file (hexadecimal, by algorithm).
    ``local_path`` is where it lies as a plain file, ``whole`` all bytes still to come where they are here already;
    where there is ``write_to``, the bytes may be had from it in place of :meth:`chunks`: it calls for each block, on a
    thread, and raises what goes wrong once all that came was handed over.
    """

    start: int
    length: int | None
    total: int | None
    validator: str | None
    digests: Mapping[str, str]
    local_path: Path | None
    whole: memoryview | None

    @property
    def write_to(self) -> Callable[[Callable[[memoryview], None]], Awaitable[None]] | None:
        """The way over a thread, where there is one."""
        ...

    def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """The bytes, in order. A view of memory is good until the next one is asked for."""
        ...


class Source(Protocol):
    """A file that can be opened as often as needed."""

    def open(
        self, offset: int = 0, validator: str | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Open it from ``offset`` on if it is still what ``validator`` names, else from its first byte."""
        ...

    async def wait_for_retry(self) -> None:
        """Wait until a second try is in order."""
        ...


OnFile = Callable[[memoryview, Mapping[str, str]], bool]
"""Gets a whole file and the headers that came with it, on a thread; False: no more of them are to come."""


class BatchSource(ABC):
    """A source whose small files cost less together: those that have one ``way`` may be brought at once."""

    __slots__ = ()

    batch_key: object

    @abstractmethod
    async def fetch_batch(self, others: Sequence[Any], take: OnFile) -> None:
        """Let this file be taken and then the others, as many as come whole, in order.

        What the one after them came to, if it is anything, is what opening it from its first byte will come to;
        :meth:`discard` it where nobody is going to open it.
        """

    @abstractmethod
    def discard(self) -> None:
        """Let go of what :meth:`fetch_batch` left for whoever opens this file."""


class Item(Struct, frozen=True, kw_only=True):
    """A file to fetch: where to (relative, safe, ``/`` between folders), what it must be, where it comes from.

    ``size`` in bytes and ``sha256`` in hexadecimal are checked where they are known. ``id`` is what reports call it.
    """

    name: str
    source: Source
    size: int | None = None
    sha256: str | None = None
    id: str = ""
