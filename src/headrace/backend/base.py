"""What the SDK and the engine ask of whoever answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from headrace.model.records import DataRecord
from headrace.protocol.operation import Operation, P, R


class Limits(Struct, frozen=True, kw_only=True):
    """How much one call may carry. The defaults are what every platform takes; a headrace server takes more.

    ``concurrency`` is how many calls are under way at once; ``max_workers`` what the user set for files, None where
    nothing was set.
    """

    import_assets: int = 100
    load_annotations: int = 100
    asset_ids: int = 50
    concurrency: int = 8
    max_workers: int | None = None
    whole_pixels: bool = True
    extensions: bool = False


class Download(Protocol):
    """An open file on its way here. ``length`` is the number of bytes still to come, None where nobody says."""

    length: int | None
    local_path: Path | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, in order."""
        ...


class Backend(Protocol):
    """One door to a lake, a server or a platform."""

    name: str
    """How people call it: the lake's folder or the server's address, never with a secret."""

    limits: Limits

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Answer one operation; raises the errors of ``headrace.errors``."""
        ...

    def download(self, data: DataRecord, /) -> AbstractAsyncContextManager[Download]:
        """Open the file of a data; the URL in the record is renewed where it has expired or is missing."""
        ...

    async def upload(
        self, path: Path, /, *, connector_id: Any, object_name: str, content_type: str
    ) -> None:
        """Put a local file under an object name, in parts where it is large."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
