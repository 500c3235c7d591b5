"""Batches of small files, which are verified and written as they are received.

A file that does not arrive complete is left to ``fetch``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, cast

from headrace.errors import ChecksumError
from headrace.transfer.source import BatchSource, Item
from headrace.transfer.state.commit import CommitFile
from headrace.transfer.state.journal import CompletedFile

BATCH_FILES = 64
BATCH_BYTES = 8 * 1024 * 1024
"""Most files, and most bytes, of one batch."""

SMALL = 256 * 1024
"""Most bytes of a file in a batch."""


class ItemBatch(ABC):
    """The ``first`` file and others that its kind of batch takes, of ``most_bytes`` together. A larger file is a batch alone."""

    most_bytes: ClassVar[int]

    def __init__(self, first: Item) -> None:
        self.items = [first]
        self._bytes = first.size or 0

    @staticmethod
    @abstractmethod
    def takes(item: Item) -> bool:
        """Whether a file may be in such a batch."""

    def add(self, item: Item) -> bool:
        """Add a file if it fits in the batch; return whether it was added."""
        size = item.size or 0
        if not self.takes(item) or self._bytes + size > self.most_bytes:
            return False
        self._bytes += size
        self.items.append(item)
        return True


class SmallFileBatch:
    """The ``first`` file and others of the same source; the size of each is known and small.

    After :meth:`fetch_batch`, ``complete`` lists the files in the target folder, of ``moved`` bytes together, and ``failed``
    those that were received but are wrong or could not be written.
    """

    def __init__(self, first: Item) -> None:
        self.items = [first]
        self.complete: list[CompletedFile] = []
        self.failed: list[tuple[Item, ChecksumError | OSError]] = []
        self.moved = 0
        source, size = first.source, first.size
        small = isinstance(source, BatchSource) and size is not None and size <= SMALL
        self._kind = type(source) if small else None
        self._batch_key = source.batch_key if small and isinstance(source, BatchSource) else None
        self._bytes = size or 0

    @property
    def is_small(self) -> bool:
        """Whether the first file may be in a batch."""
        return self._kind is not None

    def add(self, item: Item) -> bool:
        """Add a file if it fits in the batch; return whether it was added."""
        source, size = item.source, item.size
        if type(source) is not self._kind or size is None or size > SMALL:
            return False
        if (
            cast("BatchSource", source).batch_key is not self._batch_key
            or self._bytes + size > BATCH_BYTES
        ):
            return False
        self._bytes += size
        self.items.append(item)
        return True

    async def fetch_batch(self, commit: CommitFile) -> None:
        """Fetch the files in order, until one does not arrive complete."""
        items = iter(self.items)
        first, *others = (item.source for item in self.items)
        self.complete, self.failed, self.moved = [], [], 0

        def on_file(whole: memoryview, headers: Mapping[str, str]) -> bool:
            item = next(items)
            try:
                self.complete.append(commit(item, whole, headers))
            except (ChecksumError, OSError) as error:
                self.failed.append((item, error))
                # An error of the disk would fail the next file too.
                return isinstance(error, ChecksumError)
            self.moved += len(whole)
            return True

        if isinstance(first, BatchSource):
            await first.fetch_batch(others, on_file)

    @property
    def done(self) -> int:
        """Number of files that the last fetch received."""
        return len(self.complete) + len(self.failed)

    def discard(self) -> None:
        """Close the response to the file after those received; it is not going to be opened."""
        for item in self.items[self.done :][:1]:
            if isinstance(item.source, BatchSource):
                item.source.discard()
