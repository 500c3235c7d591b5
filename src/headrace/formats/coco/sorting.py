"""Annotations brought into the order of their images, in bounded memory.

Real files list annotations in any order. They are dealt out, as text, into buckets of neighbouring images; the
buckets live in one temporary file and are read back one by one, decoded, and grouped. Text costs least: what decodes
numbers is done once, at the end.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence

from msgspec import MsgspecError, Raw
from msgspec.json import Decoder

from headrace.formats.coco import repair
from headrace.formats.coco.schema import Id, ImageId, ImageRef
from headrace.formats.jsonstream import JsonStream, Member

MAX_BUCKETS = 2048
BUCKET_BYTES = 256 * 1024
PENDING_BYTES = 24 * 1024 * 1024
# A file whose elements begin with ever other keys cannot be split; after so many windows it is not tried any more.
MAX_FAILURES = 8
# Beyond this a bucket is dealt once more, where it has several images.
MAX_GROUP_BYTES = 8 * 1024 * 1024

_BOUNDARY = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*(\{[ \t\r\n]*"[^"\\]{0,64}"[ \t\r\n]*:)')

_REF = Decoder(ImageRef)
_RAWS = Decoder(Raw)


class Numbering:
    """The place of each image in the file, by its id: a flat table for the usual small numbers, else a dict."""

    def __init__(self) -> None:
        self._ids: array[int] | list[Id | None] = array("q")
        self._table: array[int] | dict[Id, int] = {}
        self._count = 0

    def add(self, id: Id | None) -> None:
        """The next image of the file; None for one without an id, which no annotation can name."""
        self._count += 1
        if isinstance(self._ids, array):
            if type(id) is int and 0 <= id < 1 << 62:
                self._ids.append(id)
                return
            self._ids = list(self._ids)
        self._ids.append(id)

    def __len__(self) -> int:
        return self._count

    def close(self) -> list[int]:
        """End the adding; returns the places of images whose id an earlier one has."""
        ids = self._ids
        twice = []
        if isinstance(ids, array) and max(ids, default=0) < 16 * len(ids) + 1_000_000:
            table = array("i", [-1]) * (max(ids, default=0) + 1)
            for place, number in enumerate(ids):
                if table[number] < 0:
                    table[number] = place
                else:
                    twice.append(place)
            self._table = table
        else:
            known: dict[Id, int] = {}
            for place, key in enumerate(ids):
                if key is not None and known.setdefault(key, place) != place:
                    twice.append(place)
            self._table = known
        self._ids = array("q")
        return twice

    def place(self, id: Id | None) -> int:
        """The place of an image, or -1 where there is none of this id."""
        if isinstance(self._table, dict):
            return -1 if id is None else self._table.get(id, -1)
        return self._table[id] if type(id) is int and 0 <= id < len(self._table) else -1

    def places(self, refs: Sequence[ImageRef]) -> list[int]:
        """:meth:`place` of many."""
        table = self._table
        if isinstance(table, array):
            try:
                places = [table[ref.image_id] for ref in refs]  # type: ignore[index]
                if min([ref.image_id for ref in refs], default=0) >= 0:  # type: ignore[type-var, operator]
                    return places
            except (TypeError, IndexError):  # an id that is text, or of no image
                pass
        return [self.place(ref.image_id) for ref in refs]


class Splitter:
    """Parses windows of annotations to image references *and* the text of each, proving that the two agree.

    The text is split at the separator that an earlier window showed; the pieces, joined by line ends in place of the
    commas, must decode to as many values as there are pieces. A cut inside a string would put a bare line end into
    it, and one inside a nested value would lack its comma: neither decodes.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] | None = None
        self._separator = self._head = b""
        self._seen: tuple[bytes, bytes] | None = None
        self._decoder = Decoder(ImageRef)
        self._array = Decoder(list[ImageRef])

    def parse(self, text: memoryview) -> list[ImageRef]:
        """The references of a JSON array; ``pieces`` holds their texts, or None where they could not be split."""
        self.pieces = None
        inner = bytes(text[1:-1])
        if self._separator and inner.startswith(self._head) and inner.endswith(b"}"):
            pieces = inner[len(self._head) : -1].split(self._separator)
            with contextlib.suppress(MsgspecError):
                refs = self._decoder.decode_lines(self.joined(pieces))
                if len(refs) == len(pieces):
                    self.pieces = pieces
                    return refs
        match = _BOUNDARY.search(inner)
        if match and inner.startswith(match[1]):
            self._seen = match[0], match[1]
        return self._array.decode(text)

    def joined(self, pieces: list[bytes]) -> bytes:
        """Objects one a line, from their pieces."""
        return self._head + (b"}\n" + self._head).join(pieces) + b"}\n"

    def give_up(self) -> None:
        """Do not try to split any more."""
        self._separator = b""

    def adopt(self) -> None:
        """Split at the separator seen last, from now on; pieces split before can no longer be joined."""
        if self._seen is not None:
            self._separator, self._head = self._seen


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
        self._pending: list[list[bytes]] = [[] for _ in range(self._count + 1)]
        self._pending_bytes = 0
        self._extents: list[array[int]] = [array("Q") for _ in range(self._count + 1)]
        self._file = tempfile.TemporaryFile(prefix="headrace-", buffering=0)  # noqa: SIM115  closed by close
        self._end = 0

    def close(self) -> None:
        """Drop everything."""
        self._file.close()

    def deal(self, stream: JsonStream, member: Member, numbering: Numbering) -> int:
        """Take in all annotations of a file; returns how many there are."""
        splitter = Splitter()
        failures = total = 0
        for chunk in stream.array(member, splitter.parse):
            if splitter.pieces is not None and chunk.items is not None:
                places = numbering.places(chunk.items)
                self._append(splitter.pieces, places, len(chunk.text), splitter.joined)
            else:
                # Pieces wait for this separator, so they go before it changes.
                self._flush(splitter.joined)
                texts = [text for _, text in chunk.elements()]
                places = [_place(numbering, text) for text in texts]
                self._append(texts, places, len(chunk.text), _lines)
                failures += 1
                if failures <= MAX_FAILURES:
                    self._flush(_lines)
                    splitter.adopt()
                else:
                    splitter.give_up()
            total += len(places)
        self._flush(_lines if failures > MAX_FAILURES else splitter.joined)
        return total

    def groups(self, numbering: Numbering) -> Iterator[tuple[int, int, bytes]]:
        """The annotations by groups of images: the first place, the one after the last, and the objects in order."""
        for bucket in range(self._count):
            first = self._first + bucket * self._step
            after = min(first + self._step, self._first + self._images)
            if self._size(bucket) <= MAX_GROUP_BYTES or after - first == 1:
                yield first, after, b"".join(self._read(bucket))
            else:
                yield from self._regrouped(bucket, first, after, numbering)

    def orphans(self) -> Iterator[bytes]:
        """Annotations of no known image, in parts."""
        return self._read(self._count)

    def _regrouped(
        self, bucket: int, first: int, after: int, numbering: Numbering
    ) -> Iterator[tuple[int, int, bytes]]:
        """A bucket where few images have most of the annotations, dealt once more."""
        inner = Buckets(first, after - first, self._size(bucket))
        try:
            for text in self._read(bucket):
                texts = [bytes(raw) for raw in _RAWS.decode_lines(text)]
                inner._append(texts, [_place(numbering, each) for each in texts], len(text), _lines)
            inner._flush(_lines)
            yield from inner.groups(numbering)
        finally:
            inner.close()

    def _append(
        self, texts: list[bytes], places: list[int], size: int, join: Callable[[list[bytes]], bytes]
    ) -> None:
        pending, step, first = self._pending, self._step, self._first
        for text, place in zip(texts, places, strict=True):
            pending[(place - first) // step if place >= 0 else -1].append(text)
        self._pending_bytes += size
        if self._pending_bytes >= PENDING_BYTES:
            self._flush(join)

    def _flush(self, join: Callable[[list[bytes]], bytes]) -> None:
        for bucket, texts in enumerate(self._pending):
            if texts:
                self._write(bucket, join(texts))
                self._pending[bucket] = []
        self._pending_bytes = 0

    def _write(self, bucket: int, lines: bytes) -> None:
        self._extents[bucket].extend((self._end, len(lines)))
        done = 0
        while done < len(lines):
            done += self._file.write(lines[done:]) or 0
        self._end += len(lines)

    def _read(self, bucket: int) -> Iterator[bytes]:
        places = self._extents[bucket]
        for i in range(0, len(places), 2):
            self._file.seek(places[i])
            yield self._file.read(places[i + 1])

    def _size(self, bucket: int) -> int:
        return sum(self._extents[bucket][1::2])


def _lines(texts: list[bytes]) -> bytes:
    return b"\n".join(texts) + b"\n"


def reference(text: bytes, kind: type[ImageId | ImageRef]) -> Id | None:
    """The id in an element that is odd otherwise: also a whole number written as 7.0."""
    with contextlib.suppress(ValueError, RecursionError):
        values = json.loads(text)
        key = kind.__struct_fields__[0]
        if isinstance(values, dict):
            return repair.identity(values.get(key), _silent)
    return None


def _place(numbering: Numbering, text: bytes) -> int:
    with contextlib.suppress(MsgspecError, UnicodeDecodeError, RecursionError):
        return numbering.place(_REF.decode(text).image_id)
    return numbering.place(reference(text, ImageRef))


def _silent(*args: object, **more: object) -> None:
    """Report nothing: the record is looked at again."""
