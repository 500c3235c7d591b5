"""Batches of files that other processes fetch: what they are given, and what they answer.

A worker gets names, sizes, digests and the places of the bytes, and nothing else. The run keeps the journal, and fetches what
a worker could not.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from headrace.transfer.download.batch import SMALL, ItemBatch
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


class WorkerBatch(ItemBatch):
    """The ``first`` file and others that a worker can fetch."""

    most_bytes = BATCH_BYTES

    @staticmethod
    def takes(item: Item) -> bool:
        """Whether a worker can fetch a file: it is known what it must be, it is small, and needs no call to the platform."""
        source = item.source
        if item.size is None or item.size > SMALL:
            return False
        if isinstance(source, LocalSource):
            return source.local_path is not None
        return isinstance(source, BatchSource) and bool(source.unexpired_url())

    def files(self) -> list[WorkerFile]:
        """Return the files as the worker gets them."""
        return [
            WorkerFile(each.name, each.size or 0, each.sha256, *_places(each))
            for each in self.items
        ]


def _places(item: Item) -> tuple[str, str]:
    source = item.source
    if isinstance(source, LocalSource):
        return "", source.local_path or ""
    return (source.unexpired_url() if isinstance(source, BatchSource) else ""), ""
