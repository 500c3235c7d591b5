"""The SHA-256 of a file of the datalake, as the platform knows it, or of the bytes, which are fetched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import anyio

from headrace.backend.base import Backend
from headrace.errors import ChecksumError, HeadraceError
from headrace.model.records import DataRecord
from headrace.net.retry import RetryBudget
from headrace.threads import in_thread
from headrace.transfer.source import Source


async def sha256_of(backend: Backend, data: DataRecord) -> str:
    """Return the SHA-256 of a file in hexadecimal; the file is fetched where the platform does not tell it."""
    return data.sha256 or await sha256_of_bytes(backend.file(data), data.filename)


async def sha256_of_bytes(source: Source, name: str) -> str:
    """Fetch a file and return its SHA-256; nothing of it stays in memory. A broken connection is continued.

    Args:
        source: The file.
        name: Names the file in errors.

    Raises:
        HeadraceError: The file cannot be read, also after retries.
    """
    budget = RetryBudget()
    received = _Received()
    while True:
        try:
            await _receive(source, received, budget, name)
            return received.hash.hexdigest()
        except HeadraceError as error:
            wait = budget.next_wait(error)
            if wait is None:
                raise
            await anyio.sleep(wait)
            await source.wait_for_retry()


class _Received:
    """The bytes that were received so far, from the first on."""

    def __init__(self) -> None:
        self.validator: str | None = None
        self.restart()

    def restart(self) -> None:
        self.hash = hashlib.sha256()
        self.size = 0

    def add(self, block: bytes | memoryview) -> None:
        self.hash.update(block)
        self.size += len(block)


async def _receive(source: Source, received: _Received, budget: RetryBudget, name: str) -> None:
    if received.validator is None:
        received.restart()
    async with source.open(received.size, received.validator) as stream:
        if stream.start != received.size or (
            received.size and stream.validator != received.validator
        ):
            received.restart()
            if stream.start:
                raise ChecksumError(f"{name}: the file changed while it was read")
        received.validator = stream.validator
        if stream.local_path is not None:
            received.hash = await in_thread(_hash_file, stream.local_path)
        elif stream.whole is not None:
            received.add(stream.whole)
        elif stream.write_to is not None:
            before = received.size
            try:
                await stream.write_to(received.add)
            finally:
                if received.size > before:
                    budget.reset()
        else:
            async for block in stream.chunks():
                budget.reset()
                await in_thread(received.add, block)


def _hash_file(path: Path) -> hashlib._Hash:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")
