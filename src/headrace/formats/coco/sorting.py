"""Annotations brought into the order of their images, in bounded memory.

Real files list annotations in any order. They are dealt out, as text, into buckets of neighbouring images; the
buckets lie in one temporary file, are read back one by one and dealt once more, in memory, into groups so small that
the processor's cache holds what is decoded of them. Text costs least: numbers are decoded once, at the end.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from msgspec import Struct

from headrace.formats.coco.splitting import WHOLE, Form, Splitter
from headrace.formats.jsonstream import JsonStream, Member

MAX_BUCKETS = 2048
BUCKET_BYTES = 2 * 1024 * 1024
PENDING_BYTES = 8 * 1024 * 1024
GROUP_BYTES = 64 * 1024
# Beyond this a bucket is dealt on disk once more, where it has several images.
LARGE_BYTES = 16 * 1024 * 1024
# A file whose elements begin with ever other keys cannot be split; after so many windows it is not tried any more.
MAX_FAILURES = 8

# No JSON holds this byte bare: strings escape it, and it is no white space.
_MARK = b"\x1e"


R = TypeVar("R", bound=Struct)


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


class _Part(NamedTuple):
    """Annotations written to a bucket at once: where, how many bytes, how many, and in which form."""

    offset: int
    size: int
    texts: int
    form: Form


class Buckets:
    """Texts of annotations by bucket of neighbouring images, in a temporary file that is gone when closed.

    ``first`` is the place of the first image, ``images`` how many there are. The last bucket is for annotations of
    none of them.
    """

    def __init__(self, first: int, images: int, annotation_bytes: int) -> None:
        count = max(1, min(MAX_BUCKETS, images, annotation_bytes // BUCKET_BYTES))
        self._first = first
        self._images = images
        self._step = -(-max(images, 1) // count)
        self._count = -(-max(images, 1) // self._step)
        self._texts: list[list[bytes]] = [[] for _ in range(self._count + 1)]
        self._places: list[array[int]] = [array("i") for _ in range(self._count + 1)]
        # Four numbers a part, see _Part: large files have many.
        self._parts: list[array[int]] = [array("Q") for _ in range(self._count + 1)]
        self._forms: list[Form] = []
        self._form = WHOLE
        self._pending = 0
        self._file = tempfile.TemporaryFile(prefix="headrace-", buffering=0)  # noqa: SIM115  closed by close
        self._end = 0

    def close(self) -> None:
        """Drop everything."""
        self._file.close()

    def deal(self, stream: JsonStream, member: Member, placing: Placing[R]) -> None:
        """Take in all annotations of a file."""
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
        for bucket in range(self._count):
            parts = self._parts_of(bucket)
            first = self._first + bucket * self._step
            after = min(first + self._step, self._first + self._images)
            size = sum(part.size for part in parts)
            if size <= LARGE_BYTES or after - first == 1:
                yield from self._small_groups(parts, first, after, size)
            else:
                yield from self._dealt_again(parts, first, after, size)

    def orphans(self) -> Iterator[bytes]:
        """Annotations of no known image, as objects in a row, in several texts."""
        for part in self._parts_of(self._count):
            texts, _ = self._read(part)
            yield part.form.objects(texts)

    def _parts_of(self, bucket: int) -> list[_Part]:
        numbers = self._parts[bucket].tolist()
        groups = zip(numbers[0::4], numbers[1::4], numbers[2::4], numbers[3::4], strict=True)
        return [
            _Part(offset, size, texts, self._forms[form]) for offset, size, texts, form in groups
        ]

    def _small_groups(
        self, parts: list[_Part], first: int, after: int, size: int
    ) -> Iterator[Group]:
        if size < 2 * GROUP_BYTES:
            yield Group(
                first, after, b"".join([part.form.objects(self._read(part)[0]) for part in parts])
            )
            return
        step = max(1, (after - first) * GROUP_BYTES // size)
        groups: list[list[bytes]] = [[] for _ in range(first, after, step)]
        for part in parts:
            dealt: list[list[bytes]] = [[] for _ in groups]
            for text, place in zip(*self._read(part), strict=True):
                dealt[(place - first) // step].append(text)
            for texts, group in zip(dealt, groups, strict=True):
                if texts:
                    group.append(part.form.objects(texts))
        for number, group in enumerate(groups):
            low = first + number * step
            yield Group(low, min(low + step, after), b"".join(group))

    def _dealt_again(
        self, parts: list[_Part], first: int, after: int, size: int
    ) -> Iterator[Group]:
        """A bucket where few images have most of the annotations."""
        inner = Buckets(first, after - first, size)
        try:
            for part in parts:
                texts, places = self._read(part)
                inner._add(texts, places.tolist(), part.form)
            inner._flush()
            yield from inner.groups()
        finally:
            inner.close()

    def _add(self, texts: list[bytes], places: list[int], form: Form) -> None:
        if form != self._form:
            self._flush()
            self._form = form
        by_bucket, numbers, step, first = self._texts, self._places, self._step, self._first
        for text, place in zip(texts, places, strict=True):
            bucket = (place - first) // step if place >= 0 else -1
            by_bucket[bucket].append(text)
            numbers[bucket].append(place)
        self._pending += sum(map(len, texts))
        if self._pending >= PENDING_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._form not in self._forms:
            self._forms.append(self._form)
        form = self._forms.index(self._form)
        for texts, places, parts in zip(self._texts, self._places, self._parts, strict=True):
            if texts:
                text = _MARK.join(texts)
                parts.extend((self._end, len(text), len(texts), form))
                self._write(text + places.tobytes())
                texts.clear()
                del places[:]
        self._pending = 0

    def _write(self, data: bytes) -> None:
        done = 0
        while done < len(data):
            done += self._file.write(data[done:]) or 0
        self._end += len(data)

    def _read(self, part: _Part) -> tuple[list[bytes], array[int]]:
        self._file.seek(part.offset)
        data = self._file.read(part.size + part.texts * 4)
        return data[: part.size].split(_MARK), array("i", data[part.size :])
