"""External bucket sort: order the annotations of a file by their images, in bounded memory.

Files may list annotations in any order. They are distributed to buckets of neighbouring images in a temporary file,
and the buckets are read back one at a time. A bucket is small enough that most of its decoded content fits into the
processor's cache; where it is not, it is split again.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, Generic, NamedTuple, Protocol, Self, TypeVar

from msgspec import Struct

MAX_BUCKETS = 2048
BUCKET_BYTES = 256 * 1024
BUCKET_IMAGES = 4096
PENDING_BYTES = 24 * 1024 * 1024
WRITE_BYTES = 1024 * 1024
# A larger bucket is split in memory, into groups of GROUP_BYTES.
FULL_BYTES = 1536 * 1024
GROUP_BYTES = 64 * 1024
# A larger bucket of several images is split on disk.
LARGE_BYTES = 16 * 1024 * 1024

R_contra = TypeVar("R_contra", bound=Struct, contravariant=True)
C = TypeVar("C")


class PositionLookup(Protocol[R_contra]):
    """Finds the image (or video) of an annotation: its position in the file, or -1 where there is none."""

    def positions(self, refs: Sequence[R_contra]) -> list[int]:
        """Return the positions of the images that annotations refer to."""

    def position_in(self, text: bytes) -> int:
        """Return the same for the text of one annotation, which need not be clean."""


class ImageGroup(NamedTuple, Generic[C]):
    """The annotations of neighbouring images, from position ``first`` to before ``after``."""

    first: int
    after: int
    content: C


class ExternalSort(ABC, Generic[C]):
    """Annotations in buckets of neighbouring images, in a temporary file that closing deletes; few stay in memory.

    The last bucket holds the annotations of unknown images.

    Args:
        first: The position of the first image.
        images: The number of images.
        annotation_bytes: The approximate size of all annotations.
    """

    def __init__(self, first: int, images: int, annotation_bytes: int) -> None:
        wanted = max(annotation_bytes // BUCKET_BYTES, images // BUCKET_IMAGES)
        count = max(1, min(MAX_BUCKETS, images, wanted))
        self._first = first
        self._images = images
        self._step = -(-max(images, 1) // count)
        self._count = -(-max(images, 1) // self._step)
        self._pending = 0
        # The parts of each bucket in the temporary file, offset and size alternating. Large files have many.
        self._parts: list[array[int]] = [array("Q") for _ in range(self._count + 1)]
        self._file: IO[bytes] | None = None
        self._end = 0

    def close(self) -> None:
        """Delete the temporary file."""
        if self._file is not None:
            self._file.close()

    def groups(self) -> Iterator[ImageGroup[C]]:
        """Yield the annotations of all images, grouped by neighbouring images, in order."""
        for bucket, parts in enumerate(self._parts[:-1]):
            first = self._first + bucket * self._step
            after = min(first + self._step, self._first + self._images)
            size = sum(parts[1::2])
            if not self._end:
                yield ImageGroup(first, after, self._content(iter([self._waiting_in(bucket)])))
            elif size <= FULL_BYTES or after - first == 1:
                yield ImageGroup(first, after, self._content(self._texts_of(parts)))
            elif size <= LARGE_BYTES:
                yield from self._split_in_memory(parts, first, after, size)
            else:
                yield from self._split_on_disk(parts, first, after, size)

    def orphans(self) -> Iterator[C]:
        """Yield the annotations of unknown images, in parts."""
        waiting = b"" if self._end else self._waiting_in(-1)
        if waiting:
            yield self._content(iter([waiting]))
        for text in self._texts_of(self._parts[-1]):
            yield self._content(iter([text]))

    def end(self) -> None:
        """End adding annotations. Few stay in memory."""
        if self._end:
            self.flush()

    def _added(self, size: int) -> None:
        """Note that annotations of a size in bytes are waiting."""
        self._pending += size
        if self._pending >= PENDING_BYTES:
            self.flush()

    @abstractmethod
    def _waiting_in(self, bucket: int) -> bytes:
        """Return the part of a bucket that is not written yet."""

    @abstractmethod
    def _clear(self, bucket: int) -> None:
        """Remove that part."""

    @abstractmethod
    def _content(self, texts: Iterator[bytes]) -> C:
        """Join the annotations of parts."""

    @abstractmethod
    def _split_groups(
        self, texts: Iterator[bytes], first: int, step: int, count: int
    ) -> Iterator[C]:
        """Split the annotations of parts into ``count`` groups of ``step`` images, from position ``first`` on."""

    @abstractmethod
    def _subsort(self, first: int, images: int, size: int) -> Self:
        """Return a sort of the same kind for a range of the images."""

    @abstractmethod
    def add_part(self, text: bytes) -> None:
        """Add a part of a bucket of another sort."""

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
        """Split a bucket of a few images that have most of the annotations."""
        inner = self._subsort(first, after - first, size)
        try:
            for text in self._texts_of(parts):
                inner.add_part(text)
            inner.end()
            yield from inner.groups()
        finally:
            inner.close()

    def flush(self) -> None:
        """Write the waiting annotations of all buckets."""
        data: list[bytes] = []
        end = self._end
        for bucket, parts in enumerate(self._parts):
            text = self._waiting_in(bucket)
            if text:
                self._clear(bucket)
                parts.extend((end, len(text)))
                end += len(text)
                data.append(text)
                if end - self._end > WRITE_BYTES:
                    self._write(b"".join(data))
                    data.clear()
        self._write(b"".join(data))
        self._pending = 0

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="headrace-", buffering=0)  # noqa: SIM115  closed by close
        done = 0
        while done < len(data):
            done += self._file.write(data[done:]) or 0
        self._end += len(data)

    def _texts_of(self, parts: array[int]) -> Iterator[bytes]:
        numbers = parts.tolist()
        for offset, size in zip(numbers[0::2], numbers[1::2], strict=True):
            assert self._file is not None
            self._file.seek(offset)
            yield self._file.read(size)
