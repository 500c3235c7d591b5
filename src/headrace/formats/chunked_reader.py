"""Readers of many small files: a walk that names them, and a parse of each chunk that needs no other.

So that chunks may be parsed elsewhere (:attr:`ChunkedReader.parallel_parse`), by readers of the same path and options in
other processes, what a parse learns beside its samples is told by :meth:`~ChunkedReader.take_learned` and taken in, in the
order of the chunks, by :meth:`~ChunkedReader.merge_learned`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from headrace.formats.base import Reader
from headrace.formats.findings.collect import Pass
from headrace.formats.io.gc_pause import collect_young_garbage, gc_paused
from headrace.model.sample import Sample

COLLECT_EVERY = 256

Chunk = list[Any]
ParallelParse = Callable[["ChunkedReader", Pass], Iterator[list[Sample]]]


class ChunkedReader(Reader):
    """A reader that is a walk and a parse; formats implement these two.

    The items of a chunk are named tuples, all of one kind; they and what was learnt can be pickled.
    """

    parallel_parse: ParallelParse | None = None
    """Parses all chunks in the place of :meth:`parse`, with the same outcome."""

    def divisible(self) -> bool:
        """Whether no chunk depends on an earlier one; asked before the walk."""
        return True

    def begin_parsing(self, found: Pass) -> None:
        """Make ready for :meth:`parse`."""

    @abstractmethod
    def chunks(self, found: Pass) -> Iterator[Chunk]:
        """The files, some hundreds at a time. ``found`` gets what is odd about folders and lists."""

    @abstractmethod
    def parse(self, chunk: Chunk, found: Pass) -> list[Sample]:
        """The samples of a chunk, without those that were left out."""

    def take_learned(self) -> Any:
        """What was learnt since this was last asked."""

    def merge_learned(self, take_learned: Any) -> None:
        """Take in what the parse of the next chunk learnt elsewhere."""

    def end_parsing(self, found: Pass) -> None:
        """Tell what only all files together show."""

    def _batches(self, found: Pass) -> Iterator[list[Sample]]:
        self.begin_parsing(found)
        if self.parallel_parse is not None and self.divisible():
            batches = self.parallel_parse(self, found)
        else:
            batches = (self.parse(chunk, found) for chunk in self.chunks(found))
        with gc_paused():
            for number, batch in enumerate(batches):
                if batch:
                    yield batch
                if number % COLLECT_EVERY == 0:
                    collect_young_garbage()
        self.end_parsing(found)
