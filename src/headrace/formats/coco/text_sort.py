"""Sort annotations as text, whatever keys they have."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from headrace.formats.coco.external_sort import ExternalSort, PositionLookup
from headrace.formats.io.json_stream import JsonStream, Member

# A file whose elements begin with different keys cannot be split; after so many windows that is no longer tried.
MAX_FAILURES = 8

R = TypeVar("R", bound=Struct)

_RAWS = Decoder(Raw)
_BOUNDARY = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*(\{[ \t\r\n]*"[^"\\]{0,64}"[ \t\r\n]*:)')


class TextSort(ExternalSort[bytes], Generic[R]):
    """Sorts the texts of annotations. The content of a group is JSON objects that follow one another.

    Args:
        lookup: Finds the position of an annotation's image.
        kind: The type of record that ``lookup`` needs of an annotation.
        first: The position of the first image.
        images: The number of images.
        annotation_bytes: The approximate size of all annotations.
    """

    def __init__(
        self,
        lookup: PositionLookup[R],
        kind: type[R],
        first: int,
        images: int,
        annotation_bytes: int,
    ) -> None:
        super().__init__(first, images, annotation_bytes)
        self._lookup = lookup
        self._kind = kind
        self._texts: list[list[bytes]] = [[] for _ in range(self._count + 1)]
        self._affixes = NO_AFFIXES

    def add_all(self, stream: JsonStream, member: Member) -> None:
        """Add the annotations of a file."""
        lookup = self._lookup
        splitter = RecordSplitter(self._kind)
        failures = 0
        for chunk in stream.array(member, splitter.parse):
            if splitter.pieces is not None and chunk.items is not None:
                self._add(splitter.pieces, lookup.positions(chunk.items), splitter.affixes)
            else:
                texts = [text for _, text in chunk.elements()]
                self._add(texts, [lookup.position_in(text) for text in texts], NO_AFFIXES)
                failures += 1
                if failures <= MAX_FAILURES:
                    splitter.use_last_separator()
                else:
                    splitter.stop_splitting()
        self.end()

    def _waiting_in(self, bucket: int) -> bytes:
        texts = self._texts[bucket]
        return self._affixes.join(texts) if texts else b""

    def _clear(self, bucket: int) -> None:
        self._texts[bucket].clear()

    def _content(self, texts: Iterator[bytes]) -> bytes:
        return b"".join(texts)

    def _split_groups(
        self, texts: Iterator[bytes], first: int, step: int, count: int
    ) -> Iterator[bytes]:
        groups: list[list[bytes]] = [[] for _ in range(count)]
        for text in texts:
            for one, position in zip(*self._split_text(text), strict=True):
                groups[(position - first) // step].append(one)
        for group in groups:
            yield NO_AFFIXES.join(group) if group else b""

    def _subsort(self, first: int, images: int, size: int) -> TextSort[R]:
        return TextSort(self._lookup, self._kind, first, images, size)

    def add_part(self, text: bytes) -> None:
        """Add a part of a bucket of another sort."""
        self._add(*self._split_text(text), NO_AFFIXES)

    def _split_text(self, text: bytes) -> tuple[list[bytes], list[int]]:
        """Split text into objects, and find the positions of their images."""
        texts = [bytes(raw) for raw in _RAWS.decode_lines(text)]
        return texts, [self._lookup.position_in(one) for one in texts]

    def _add(self, texts: list[bytes], positions: list[int], affixes: Affixes) -> None:
        if affixes != self._affixes:
            self.flush()
            self._affixes = affixes
        by_bucket, step, first = self._texts, self._step, self._first
        # Position -1 means no image, and belongs to the last bucket.
        for text, position in zip(texts, positions, strict=True):
            by_bucket[(position - first) // step if position >= 0 else -1].append(text)
        self._added(sum(map(len, texts)))


class Affixes(NamedTuple):
    """The beginning and the end that splitting cuts off from the texts of objects."""

    head: bytes = b""
    tail: bytes = b""

    def join(self, texts: list[bytes]) -> bytes:
        """Restore the objects and join them by line ends."""
        return self.head + (self.tail + b"\n" + self.head).join(texts) + self.tail + b"\n"


NO_AFFIXES = Affixes()


class RecordSplitter(Generic[R]):
    """Decodes windows of annotations to references *and* splits them into texts, and checks that the two agree.

    The text is split at a separator that an earlier window showed. Joined by line ends in place of the commas, the
    pieces must decode to as many values as there are pieces: a cut inside a string would put a bare line end into it,
    and one inside a nested value would lack its comma, so neither decodes.
    """

    def __init__(self, kind: type[R]) -> None:
        self.pieces: list[bytes] | None = None
        self.affixes = NO_AFFIXES
        self._separator = b""
        self._seen: tuple[bytes, Affixes] | None = None
        self._decoder: Decoder[R] = Decoder(kind)
        self._array: Decoder[list[R]] = Decoder(list[kind])  # type: ignore[valid-type]

    def parse(self, text: memoryview) -> list[R]:
        """Decode a JSON array to references; sets ``pieces`` to their texts, or to None where splitting failed."""
        self.pieces = None
        inner = bytes(text[1:-1])
        head, tail = self.affixes
        if self._separator and inner.startswith(head) and inner.endswith(tail):
            pieces = inner[len(head) : -len(tail)].split(self._separator)
            with contextlib.suppress(MsgspecError):
                refs = self._decoder.decode_lines(self.affixes.join(pieces))
                if len(refs) == len(pieces):
                    self.pieces = pieces
                    return refs
        match = _BOUNDARY.search(inner)
        if match and inner.startswith(match[1]):
            self._seen = match[0], Affixes(match[1], b"}")
        return self._array.decode(text)

    def use_last_separator(self) -> None:
        """Split at the separator that was seen last, from now on."""
        if self._seen is not None:
            self._separator, self.affixes = self._seen

    def stop_splitting(self) -> None:
        """Stop splitting."""
        self._separator = b""
