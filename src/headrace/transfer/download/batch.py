"""Small files of one source, brought together and put in their places as they come.

What is out of the ordinary is left for ``fetch``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from headrace.errors import ChecksumError
from headrace.transfer.source import BatchSource, Item
from headrace.transfer.state.commit import CommitFile
from headrace.transfer.state.journal import CompletedFile

TOGETHER = 64
TOGETHER_BYTES = 8 * 1024 * 1024
"""How many files, and how many bytes, one worker asks for at a time."""

SMALL = 256 * 1024


class SmallFileBatch:
    """The files that go together with the ``first``: of the same way, their sizes known and small.

    Of those that came the last time, ``complete`` are in their places, with ``moved`` bytes, and ``failed`` are not.
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
        """Whether the first one is such a file at all."""
        return self._kind is not None

    def takes(self, item: Item) -> bool:
        """Whether the file goes with the others; it is one of them then."""
        source, size = item.source, item.size
        if type(source) is not self._kind or size is None or size > SMALL:
            return False
        if (
            cast("BatchSource", source).batch_key is not self._batch_key
            or self._bytes + size > TOGETHER_BYTES
        ):
            return False
        self._bytes += size
        self.items.append(item)
        return True

    async def fetch_batch(self, commit: CommitFile) -> None:
        """As many of the files as come whole, in order."""
        items = iter(self.items)
        first, *others = (item.source for item in self.items)
        self.complete, self.failed, self.moved = [], [], 0

        def on_file(whole: memoryview, headers: Mapping[str, str]) -> bool:
            item = next(items)
            try:
                self.complete.append(commit(item, whole, headers))
            except (ChecksumError, OSError) as error:
                self.failed.append((item, error))
                # A disk that is full will not be less so for the next one.
                return isinstance(error, ChecksumError)
            self.moved += len(whole)
            return True

        if isinstance(first, BatchSource):
            await first.fetch_batch(others, on_file)

    @property
    def done(self) -> int:
        """How many came the last time."""
        return len(self.complete) + len(self.failed)

    def discard(self) -> None:
        """The file after those that have come is not going to be opened after all."""
        for item in self.items[self.done :][:1]:
            if isinstance(item.source, BatchSource):
                item.source.discard()
