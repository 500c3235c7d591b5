"""Batches of files that other processes fetch: what they are given, and what they answer.

Only what must be told goes there: names, sizes, digests, and where the bytes are. The run keeps the journal, and fetches
itself what a worker could not.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from headrace.transfer.download.batch import SMALL
from headrace.transfer.source import BatchSource, Item, LocalSource
from headrace.transfer.state.journal import CompletedFile
from headrace.transfer.state.workspace import WorkerPlace

BATCH_FILES = 256
BATCH_BYTES = 32 * 1024 * 1024
"""Limits of one batch: large enough that its way to a worker costs little beside it."""


class WorkerFile(Struct, frozen=True, array_like=True):
    """A file to fetch, from a signed URL or from a path; the others are those of an item."""

    name: str
    size: int
    sha256: str | None
    url: str
    path: str


class FetchedFiles(Struct):
    """What a worker has put in place: files with their marks, their bytes, and the indexes of those that it has not."""

    complete: list[CompletedFile]
    moved: int
    left: list[int]


class BatchWorkers(Protocol):
    """Workers that fetch batches.

    Attributes:
        slots: Batches at a time.
        shared: Whether the workers may be on other machines, which share only the file system.
    """

    slots: int
    shared: bool

    async def fetch(self, place: WorkerPlace, files: list[WorkerFile]) -> FetchedFiles:
        """Fetch files. Where a worker dies, all of them are left."""
        ...


class WorkerBatch:
    """The ``first`` file and others that a worker can fetch."""

    def __init__(self, first: Item) -> None:
        self.items = [first]
        self._bytes = first.size or 0

    @staticmethod
    def takes(item: Item) -> bool:
        """Whether a worker can fetch a file: it is known what it must be, it is small, and needs no call to the platform."""
        source = item.source
        if item.size is None or item.size > SMALL:
            return False
        if isinstance(source, LocalSource):
            return source.local_path is not None
        return isinstance(source, BatchSource) and bool(source.unexpired_url())

    def add(self, item: Item) -> bool:
        """Add a file if it fits in the batch; return whether it was added."""
        size = item.size or 0
        if not self.takes(item) or self._bytes + size > BATCH_BYTES:
            return False
        self._bytes += size
        self.items.append(item)
        return True

    def files(self) -> list[WorkerFile]:
        """Return what the worker is told."""
        return [
            WorkerFile(each.name, each.size or 0, each.sha256, *_places(each))
            for each in self.items
        ]


def _places(item: Item) -> tuple[str, str]:
    source = item.source
    if isinstance(source, LocalSource):
        return "", source.local_path or ""
    return (source.unexpired_url() if isinstance(source, BatchSource) else ""), ""
