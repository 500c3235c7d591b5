"""Base class for readers of many small files: one walk lists the files, and each chunk is parsed by itself.

Other processes may parse chunks with readers of the same path and options (:attr:`ChunkedReader.parallel_parse`). What
a parse learns besides its samples is collected by :meth:`~ChunkedReader.take_learned` and merged, in the order of the
chunks, by :meth:`~ChunkedReader.merge_learned`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from headrace.formats.base import Reader
from headrace.formats.findings.collect import Pass
from headrace.garbage import collect_young, collector_paused
from headrace.model.sample import Sample

COLLECT_EVERY = 256

Chunk = list[Any]
ParallelParse = Callable[["ChunkedReader", Pass], Iterator[list[Sample]]]


class ChunkedReader(Reader):
    """A reader in two steps, :meth:`chunks` and :meth:`parse`; formats implement both.

    The items of a chunk are named tuples of one type. They and the learned data can be pickled.
    """

    parallel_parse: ParallelParse | None = None
    """Parses all chunks instead of :meth:`parse`, with the same result."""

    def divisible(self) -> bool:
        """Return whether chunks are independent of each other. Called before the walk."""
        return True

    def begin_parsing(self, found: Pass) -> None:
        """Prepare for :meth:`parse`."""

    @abstractmethod
    def chunks(self, found: Pass) -> Iterator[Chunk]:
        """Yield the files, some hundreds at a time; adds findings about folders and lists to ``found``."""

    @abstractmethod
    def parse(self, chunk: Chunk, found: Pass) -> list[Sample]:
        """Return the samples of a chunk, without skipped ones."""

    def take_learned(self) -> Any:
        """Return and reset what was learned since the last call."""

    def merge_learned(self, learned: Any) -> None:
        """Merge what another process learned from the next chunk."""

    def end_parsing(self, found: Pass) -> None:
        """Add the findings that depend on all files together."""

    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        self.begin_parsing(found)
        if self.parallel_parse is not None and self.divisible():
            batches = self.parallel_parse(self, found)
        else:
            batches = (self.parse(chunk, found) for chunk in self.chunks(found))
        with collector_paused():
            for number, batch in enumerate(batches):
                if batch:
                    yield batch
                if number % COLLECT_EVERY == 0:
                    collect_young()
        self.end_parsing(found)
