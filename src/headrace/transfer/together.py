"""Small files of one source, brought and written together; what is out of the ordinary is left for ``fetch``."""

from __future__ import annotations

import os
from collections.abc import Iterable

from headrace.errors import ChecksumError
from headrace.transfer.part import Part
from headrace.transfer.source import Item, Shared, Stream

TOGETHER = 16
TOGETHER_BYTES = 512 * 1024
"""How many files, and how many bytes, are in memory for each worker."""

Outcome = os.stat_result | ChecksumError | OSError


class Company:
    """The files that go together with the ``first``: of the same way, their sizes known and small."""

    def __init__(self, first: Item) -> None:
        self.items = [first]
        self._way = first.source.way if isinstance(first.source, Shared) else None
        self._bytes = first.size

    def takes(self, item: Item) -> bool:
        """Whether the file goes with the others; it is one of them then."""
        source, size = item.source, item.size
        if self._way is None or self._bytes is None or size is None:
            return False
        if not isinstance(source, Shared) or source.way is not self._way:
            return False
        if self._bytes + size > TOGETHER_BYTES:
            return False
        self._bytes += size
        self.items.append(item)
        return True

    async def bring(self) -> list[Stream]:
        """As many of the files as come whole, in order."""
        first, *others = (item.source for item in self.items)
        if not isinstance(first, Shared):
            return []
        return await first.bring(others)

    def forget(self, number: int) -> None:
        """The file of this number is not going to be opened after all."""
        for item in self.items[number : number + 1]:
            if isinstance(item.source, Shared):
                item.source.forget()


def put_all(parts: list[Part], streams: Iterable[Stream]) -> list[Outcome]:
    """Give each part its bytes and its name. Blocks."""
    outcomes: list[Outcome] = []
    for part, stream in zip(parts, streams, strict=True):
        try:
            part.begin(stream)
            outcomes.append(part.put(b"" if stream.whole is None else stream.whole))
        except (ChecksumError, OSError) as error:
            outcomes.append(error)
        finally:
            part.release()
    return outcomes
