"""Annotations brought into the order of their images, in bounded memory.

Real files list annotations in any order. They are dealt out, as text, into buckets of neighbouring images; the
buckets lie in one temporary file and are read back one by one, each so small that the processor's cache holds most of
what is decoded of it. Only in very large files, or where few images have most of the annotations, a bucket is dealt
once more. Text costs least: numbers are decoded once, at the end.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from headrace.formats.coco.splitting import WHOLE, Form, Splitter
from headrace.formats.jsonstream import JsonStream, Member

MAX_BUCKETS = 2048
BUCKET_BYTES = 256 * 1024
PENDING_BYTES = 24 * 1024 * 1024
WRITE_BYTES = 1024 * 1024
# Beyond this a bucket is dealt in memory once more, into groups of so many bytes.
FULL_BYTES = 1536 * 1024
GROUP_BYTES = 64 * 1024
# Beyond this a bucket is dealt on disk once more, where it has several images.
LARGE_BYTES = 16 * 1024 * 1024
# A file whose elements begin with ever other keys cannot be split; after so many windows it is not tried any more.
MAX_FAILURES = 8

R = TypeVar("R", bound=Struct)

_RAWS = Decoder(Raw)


class Placing(Protocol[R]):
    """Tells to which image (or video) an annotation belongs, as its place in the file; -1 for none."""

    ref: type[R]

    def places(self, refs: Sequence[R]) -> list[int]:
        """The places of what annotations refer to."""

    def place_in(self, text: bytes) -> int:
        """The same from the text of one annotation, however odd it is."""


class Group(NamedTuple):
    """Neighbouring images, from place ``first`` to before ``after``, and their annotations as objects in a row."""

    first: int
    after: int
    text: bytes


class Buckets(Generic[R]):
    """Texts of annotations by bucket of neighbouring images, in a temporary file that is gone when closed.

    ``first`` is the place of the first image, ``images`` how many there are. The last bucket is for annotations of
    none of them.
    """

    def __init__(self, placing: Placing[R], first: int, images: int, annotation_bytes: int) -> None:
        count = max(1, min(MAX_BUCKETS, images, annotation_bytes // BUCKET_BYTES))
        self._placing = placing
        self._first = first
        self._images = images
        self._step = -(-max(images, 1) // count)
        self._count = -(-max(images, 1) // self._step)
        self._texts: list[list[bytes]] = [[] for _ in range(self._count + 1)]
        self._form = WHOLE
        self._pending = 0
        # Where the parts of each bucket lie: offset and size by turns. Large files have many.
        self._parts: list[array[int]] = [array("Q") for _ in range(self._count + 1)]
        self._file = tempfile.TemporaryFile(prefix="headrace-", buffering=0)  # noqa: SIM115  closed by close
        self._end = 0

    def close(self) -> None:
        """Drop everything."""
        self._file.close()

    def deal(self, stream: JsonStream, member: Member) -> None:
        """Take in all annotations of a file."""
        placing = self._placing
        splitter = Splitter(placing.ref)
        failures = 0
        for chunk in stream.array(member, splitter.parse):
            if splitter.pieces is not None and chunk.items is not None:
                self._add(splitter.pieces, placing.places(chunk.items), splitter.form)
            else:
                texts = [text for _, text in chunk.elements()]
                self._add(texts, [placing.place_in(text) for text in texts], WHOLE)
                failures += 1
                if failures <= MAX_FAILURES:
                    splitter.adopt()
                else:
                    splitter.give_up()
        self._flush()

    def groups(self) -> Iterator[Group]:
        """The annotations by groups of neighbouring images, in order."""
        for bucket, parts in enumerate(self._parts[:-1]):
            first = self._first + bucket * self._step
            after = min(first + self._step, self._first + self._images)
            size = sum(parts[1::2])
            if size <= FULL_BYTES or after - first == 1:
                yield Group(first, after, b"".join(self._texts_of(parts)))
            elif size <= LARGE_BYTES:
                yield from self._dealt_again(parts, first, after, size)
            else:
                yield from self._dealt_on_disk(parts, first, after, size)

    def orphans(self) -> Iterator[bytes]:
        """Annotations of no known image, as objects in a row, in several texts."""
        yield from self._texts_of(self._parts[-1])

    def _dealt_again(self, parts: array[int], first: int, after: int, size: int) -> Iterator[Group]:
        step = max(1, (after - first) * GROUP_BYTES // size)
        groups: list[list[bytes]] = [[] for _ in range(first, after, step)]
        for text in self._texts_of(parts):
            for one, place in zip(*self._taken_apart(text), strict=True):
                groups[(place - first) // step].append(one)
        for number, group in enumerate(groups):
            low = first + number * step
            yield Group(low, min(low + step, after), WHOLE.objects(group) if group else b"")

    def _dealt_on_disk(
        self, parts: array[int], first: int, after: int, size: int
    ) -> Iterator[Group]:
        """A bucket where few images have most of the annotations."""
        inner = Buckets(self._placing, first, after - first, size)
        try:
            for text in self._texts_of(parts):
                inner._add(*self._taken_apart(text), WHOLE)
            inner._flush()
            yield from inner.groups()
        finally:
            inner.close()

    def _taken_apart(self, text: bytes) -> tuple[list[bytes], list[int]]:
        """Single objects and their places."""
        texts = [bytes(raw) for raw in _RAWS.decode_lines(text)]
        return texts, [self._placing.place_in(one) for one in texts]

    def _add(self, texts: list[bytes], places: list[int], form: Form) -> None:
        if form != self._form:
            self._flush()
            self._form = form
        by_bucket, step, first = self._texts, self._step, self._first
        # Those of no image have place -1, which is the last bucket.
        for text, place in zip(texts, places, strict=True):
            by_bucket[(place - first) // step if place >= 0 else -1].append(text)
        self._pending += sum(map(len, texts))
        if self._pending >= PENDING_BYTES:
            self._flush()

    def _flush(self) -> None:
        data: list[bytes] = []
        end = self._end
        for texts, parts in zip(self._texts, self._parts, strict=True):
            if texts:
                text = self._form.objects(texts)
                texts.clear()
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
