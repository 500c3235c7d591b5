"""A list that keeps blocks of records compressed until they are accessed.

A record takes about 900 bytes as an object, mostly ids and names that resemble each other. Packed, an asset took 56
bytes on average in a lake of a million. Short lists are not packed.
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
"""Lists of up to this many records are never packed."""

_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")


class PackedList(MutableSequence[RecordT]):
    """A mutable sequence of records of one type. Iteration unpacks one block at a time."""

    __slots__ = ("_blocks", "_decoder", "_ends", "_last")

    def __init__(self, records: Iterable[RecordT] = ()) -> None:
        self._blocks: list[list[RecordT] | bytes] = []
        self._ends: list[int] = []
        self._decoder: msgspec.msgpack.Decoder[list[RecordT]] | None = None
        self._last: tuple[bytes, list[RecordT]] | None = None
        if isinstance(records, PackedList):
            # Packed blocks are immutable, so both lists may share them.
            blocks, ends, self._decoder = records.state()
            self._blocks = [each if isinstance(each, bytes) else list(each) for each in blocks]
            self._ends = list(ends)
        else:
            self.extend(records)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[RecordT]:
        for block in self._blocks:
            yield from self._unpacked(block)

    @overload
    def __getitem__(self, key: int) -> RecordT: ...
    @overload
    def __getitem__(self, key: slice) -> PackedList[RecordT]: ...
    def __getitem__(self, key: int | slice) -> RecordT | PackedList[RecordT]:
        if isinstance(key, slice):
            indices = range(*key.indices(len(self)))
            if indices.step == 1:
                return PackedList(self._between(indices.start, indices.stop))
            return PackedList(self[index] for index in indices)
        block, offset = self._locate(key)
        return self._unpacked(self._blocks[block])[offset]

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
        block, offset = self._locate(key)
        self._unpack(block)[offset] = value

    def __delitem__(self, key: int | slice) -> None:
        if isinstance(key, slice):
            whole = list(self)
            del whole[key]
            self._replace(whole)
            return
        block, offset = self._locate(key)
        del self._unpack(block)[offset]
        self._resize(block, -1)

    def insert(self, index: int, value: RecordT) -> None:
        """Insert a record before ``index``."""
        index = max(0, index + len(self)) if index < 0 else min(index, len(self))
        if index == len(self):
            self.extend([value])
            return
        block, offset = self._locate(index)
        self._unpack(block).insert(offset, value)
        self._resize(block, 1)

    def extend(self, values: Iterable[RecordT]) -> None:
        """Append records."""
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
        """Return the blocks, the index after each one, and their decoder; read-only."""
        return self._blocks, self._ends, self._decoder

    def _packed(self, block: list[RecordT]) -> list[RecordT] | bytes:
        kind = type(block[0])
        if self._decoder is None:
            self._decoder = msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
        return zlib.compress(_ENCODER.encode(block), 1)

    def _unpacked(self, block: list[RecordT] | bytes) -> list[RecordT]:
        if isinstance(block, list):
            return block
        last = self._last
        if last is None or last[0] is not block:
            assert self._decoder is not None
            last = self._last = (block, self._decoder.decode(zlib.decompress(block)))
        return last[1]

    def _unpack(self, block: int) -> list[RecordT]:
        """Replace a block by its records, so that it can be changed."""
        records = self._unpacked(self._blocks[block])
        self._blocks[block] = records
        self._last = None
        return records

    def _locate(self, index: int) -> tuple[int, int]:
        """Return the number of the block that holds ``index``, and the offset inside it."""
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(f"index {index} of {len(self)} records")
        block = bisect_right(self._ends, at)
        return block, at - (self._ends[block - 1] if block else 0)

    def _between(self, start: int, stop: int) -> Iterator[RecordT]:
        while start < stop:
            block, offset = self._locate(start)
            piece = self._unpacked(self._blocks[block])[offset : offset + stop - start]
            yield from piece
            start += len(piece)

    def _resize(self, block: int, change: int) -> None:
        for each in range(block, len(self._ends)):
            self._ends[each] += change
        if not self._blocks[block]:
            del self._blocks[block], self._ends[block]

    def _replace(self, records: list[RecordT]) -> None:
        self._blocks, self._ends, self._last = [], [], None
        self.extend(records)

    def __repr__(self) -> str:
        return f"<{len(self):,} records>"
