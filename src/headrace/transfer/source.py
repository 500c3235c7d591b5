"""What the transfer asks of wherever the bytes come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Stream(Protocol):
    """An open file on its way here. ``length`` in bytes, None where nobody says; ``local_path`` where it is a file."""

    length: int | None
    local_path: Path | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in order."""
        ...


class Item(Struct, frozen=True, kw_only=True):
    """A file to fetch: where to (relative, safe, ``/`` between folders), what it must be, how to open it.

    ``size`` in bytes and ``sha256`` in hexadecimal are checked where they are known.
    """

    name: str
    open: Callable[[], AbstractAsyncContextManager[Stream]]
    size: int | None = None
    sha256: str | None = None
