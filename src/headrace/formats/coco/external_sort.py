"""Annotations dealt out into buckets of neighbouring images, in one temporary file, in bounded memory.

Real files list annotations in any order. The buckets are read back one by one, each so small that the processor's
cache holds most of what is made of it. Only in very large files, or where few images have most of the annotations, a
bucket is dealt once more.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from msgspec import Struct

MAX_BUCKETS = 2048
BUCKET_BYTES = 256 * 1024
PENDING_BYTES = 24 * 1024 * 1024
WRITE_BYTES = 1024 * 1024
# Beyond this a bucket is dealt in memory once more, into groups of so many bytes.
FULL_BYTES = 1536 * 1024
GROUP_BYTES = 64 * 1024
# Beyond this a bucket is dealt on disk once more, where it has several images.
LARGE_BYTES = 16 * 1024 * 1024

R_contra = TypeVar("R_contra", bound=Struct, contravariant=True)
C = TypeVar("C")


class PositionLookup(Protocol[R_contra]):
    """Tells to which image (or video) an annotation belongs, as its place in the file; -1 for none."""

    def positions(self, refs: Sequence[R_contra]) -> list[int]:
        """The places of what annotations refer to."""

    def position_in(self, text: bytes) -> int:
        """The same from the text of one annotation, however odd it is."""


class ImageGroup(NamedTuple, Generic[C]):
    """Neighbouring images, from place ``first`` to before ``after``, and their annotations."""

    first: int
    after: int
    content: C


class ExternalSort(ABC, Generic[C]):
    """Annotations by bucket of neighbouring images, in a temporary file that is gone when closed.

    ``first`` is the place of the first image, ``images`` how many there are. The last bucket is for annotations of
    none of them.
    """

    def __init__(self, first: int, images: int, annotation_bytes: int) -> None:
        count = max(1, min(MAX_BUCKETS, images, annotation_bytes // BUCKET_BYTES))
        self._first = first
        self._images = images
        self._step = -(-max(images, 1) // count)
        self._count = -(-max(images, 1) // self._step)
        self._pending = 0
        # Where the parts of each bucket lie: offset and size by turns. Large files have many.
        self._parts: list[array[int]] = [array("Q") for _ in range(self._count + 1)]
        self._file = tempfile.TemporaryFile(prefix="headrace-", buffering=0)  # noqa: SIM115  closed by close
        self._end = 0

    def close(self) -> None:
        """Drop everything."""
        self._file.close()

    def groups(self) -> Iterator[ImageGroup[C]]:
        """The annotations by groups of neighbouring images, in order."""
        for bucket, parts in enumerate(self._parts[:-1]):
            first = self._first + bucket * self._step
            after = min(first + self._step, self._first + self._images)
            size = sum(parts[1::2])
            if size <= FULL_BYTES or after - first == 1:
                yield ImageGroup(first, after, self._content(self._texts_of(parts)))
            elif size <= LARGE_BYTES:
                yield from self._split_in_memory(parts, first, after, size)
            else:
                yield from self._split_on_disk(parts, first, after, size)

    def orphans(self) -> Iterator[C]:
        """Annotations of no known image, by the part."""
        for text in self._texts_of(self._parts[-1]):
            yield self._content(iter([text]))

    @abstractmethod
    def _pop_pending(self, bucket: int) -> bytes:
        """What waits to be written of a bucket; it waits no longer."""

    @abstractmethod
    def _content(self, texts: Iterator[bytes]) -> C:
        """The annotations of parts as they were written."""

    @abstractmethod
    def _split_groups(
        self, texts: Iterator[bytes], first: int, step: int, count: int
    ) -> Iterator[C]:
        """The same, dealt into ``count`` groups of ``step`` images from place ``first`` on."""

    @abstractmethod
    def _subsort(self, first: int, images: int, size: int) -> Self:
        """ExternalSort for a range of the images."""

    @abstractmethod
    def add_part(self, text: bytes) -> None:
        """Take in a part of another one's bucket."""

    def _split_in_memory(
        self, parts: array[int], first: int, after: int, size: int
    ) -> Iterator[ImageGroup[C]]:
        step = max(1, (after - first) * GROUP_BYTES // size)
        starts = range(first, after, step)
        groups = self._split_groups(self._texts_of(parts), first, step, len(starts))
        for low, content in zip(starts, groups, strict=True):
            yield ImageGroup(low, min(low + step, after), content)

    def _split_on_disk(
        self, parts: array[int], first: int, after: int, size: int
    ) -> Iterator[ImageGroup[C]]:
        """A bucket where few images have most of the annotations."""
        inner = self._subsort(first, after - first, size)
        try:
            for text in self._texts_of(parts):
                inner.add_part(text)
            inner.flush()
            yield from inner.groups()
        finally:
            inner.close()

    def flush(self) -> None:
        """Write what waits."""
        data: list[bytes] = []
        end = self._end
        for bucket, parts in enumerate(self._parts):
            text = self._pop_pending(bucket)
            if text:
                parts.extend((end, len(text)))
                end += len(text)
                data.append(text)
                if end - self._end > WRITE_BYTES:
                    self._write(b"".join(data))
                    data.clear()
        self._write(b"".join(data))
        self._pending = 0

    def _write(self, data: bytes) -> None:
        done = 0
        while done < len(data):
            done += self._file.write(data[done:]) or 0
        self._end += len(data)

    def _texts_of(self, parts: array[int]) -> Iterator[bytes]:
        numbers = parts.tolist()
        for offset, size in zip(numbers[0::2], numbers[1::2], strict=True):
            self._file.seek(offset)
            yield self._file.read(size)
