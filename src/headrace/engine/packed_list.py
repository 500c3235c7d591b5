"""Many records in little memory: whole blocks of them lie packed until one of them is looked at.

A record costs some 900 bytes as an object, most of it ids and names that resemble each other; of a million assets of a
lake, one was measured to cost 56 when packed.
Short lists stay as they are.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableSequence
from itertools import islice
from typing import Any, TypeVar, overload

import msgspec

RecordT = TypeVar("RecordT")

BLOCK = 256
PLAIN = 8 * BLOCK
"""So many records of a list are kept as objects, for what is short is never packed."""

_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")


class Records(MutableSequence[RecordT]):
    """A list of records of one kind. Whoever walks over it holds one block of it as objects at a time."""

    __slots__ = ("_blocks", "_decoder", "_ends", "_last")

    def __init__(self, records: Iterable[RecordT] = ()) -> None:
        self._blocks: list[list[RecordT] | bytes] = []
        self._ends: list[int] = []
        self._decoder: msgspec.msgpack.Decoder[list[RecordT]] | None = None
        self._last: tuple[bytes, list[RecordT]] | None = None
        if isinstance(records, Records):
            # Packed blocks never change, so both may hold them.
            blocks, ends, self._decoder = records.state()
            self._blocks = [each if isinstance(each, bytes) else list(each) for each in blocks]
            self._ends = list(ends)
        else:
            self.extend(records)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[RecordT]:
        for block in self._blocks:
            yield from self._opened(block)

    @overload
    def __getitem__(self, key: int) -> RecordT: ...
    @overload
    def __getitem__(self, key: slice) -> Records[RecordT]: ...
    def __getitem__(self, key: int | slice) -> RecordT | Records[RecordT]:
        if isinstance(key, slice):
            places = range(*key.indices(len(self)))
            if places.step == 1:
                return Records(self._between(places.start, places.stop))
            return Records(self[place] for place in places)
        block, place = self._place(key)
        return self._opened(self._blocks[block])[place]

    @overload
    def __setitem__(self, key: int, value: RecordT) -> None: ...
    @overload
    def __setitem__(self, key: slice, value: Iterable[RecordT]) -> None: ...
    def __setitem__(self, key: int | slice, value: Any) -> None:
        if isinstance(key, slice):
            whole = list(self)
            whole[key] = value
            self._replace(whole)
            return
        block, place = self._place(key)
        self._plain(block)[place] = value

    def __delitem__(self, key: int | slice) -> None:
        if isinstance(key, slice):
            whole = list(self)
            del whole[key]
            self._replace(whole)
            return
        block, place = self._place(key)
        del self._plain(block)[place]
        self._count(block, -1)

    def insert(self, index: int, value: RecordT) -> None:
        """Put a record before ``index``."""
        index = max(0, index + len(self)) if index < 0 else min(index, len(self))
        if index == len(self):
            self.extend([value])
            return
        block, place = self._place(index)
        self._plain(block).insert(place, value)
        self._count(block, 1)

    def extend(self, values: Iterable[RecordT]) -> None:
        """Put records at the end."""
        source = iter(list(values) if values is self else values)
        while True:
            last = self._blocks[-1] if self._blocks else b""
            if isinstance(last, bytes) or len(last) >= BLOCK:
                last = []
            more = list(islice(source, BLOCK - len(last)))
            if not more:
                return
            if not last:
                self._blocks.append(last)
                self._ends.append(len(self))
            last += more
            self._ends[-1] += len(more)
            if len(last) == BLOCK and len(self) > PLAIN:
                self._blocks[-1] = self._packed(last)

    def state(
        self,
    ) -> tuple[
        list[list[RecordT] | bytes], list[int], msgspec.msgpack.Decoder[list[RecordT]] | None
    ]:
        """The blocks, where each ends, and what opens them; only to be looked at."""
        return self._blocks, self._ends, self._decoder

    def _packed(self, block: list[RecordT]) -> list[RecordT] | bytes:
        kind = type(block[0])
        if self._decoder is None:
            self._decoder = msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
        return zlib.compress(_ENCODER.encode(block), 1)

    def _opened(self, block: list[RecordT] | bytes) -> list[RecordT]:
        if isinstance(block, list):
            return block
        last = self._last
        if last is None or last[0] is not block:
            assert self._decoder is not None
            last = self._last = (block, self._decoder.decode(zlib.decompress(block)))
        return last[1]

    def _plain(self, block: int) -> list[RecordT]:
        """A block as objects, from now on."""
        opened = self._opened(self._blocks[block])
        self._blocks[block] = opened
        self._last = None
        return opened

    def _place(self, index: int) -> tuple[int, int]:
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(f"index {index} of {len(self)} records")
        block = bisect_right(self._ends, at)
        return block, at - (self._ends[block - 1] if block else 0)

    def _between(self, start: int, stop: int) -> Iterator[RecordT]:
        while start < stop:
            block, place = self._place(start)
            piece = self._opened(self._blocks[block])[place : place + stop - start]
            yield from piece
            start += len(piece)

    def _count(self, block: int, change: int) -> None:
        for each in range(block, len(self._ends)):
            self._ends[each] += change
        if not self._blocks[block]:
            del self._blocks[block], self._ends[block]

    def _replace(self, records: list[RecordT]) -> None:
        self._blocks, self._ends, self._last = [], [], None
        self.extend(records)

    def __repr__(self) -> str:
        return f"<{len(self):,} records>"
