"""Annotations brought into the order of their images as text, whatever keys they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from headrace.formats.coco.external_sort import PENDING_BYTES, Buckets, Placing
from headrace.formats.coco.split_records import WHOLE, Form, Splitter
from headrace.formats.io.json_stream import JsonStream, Member

# A file whose elements begin with ever other keys cannot be split; after so many windows it is not tried any more.
MAX_FAILURES = 8

R = TypeVar("R", bound=Struct)

_RAWS = Decoder(Raw)


class TextBuckets(Buckets[bytes], Generic[R]):
    """Texts of annotations: a group's content is objects in a row. Text costs little: numbers are decoded once, at the end.

    ``kind`` is what of an annotation ``placing`` has to know.
    """

    def __init__(
        self,
        placing: Placing[R],
        kind: type[R],
        first: int,
        images: int,
        annotation_bytes: int,
    ) -> None:
        super().__init__(first, images, annotation_bytes)
        self._placing = placing
        self._kind = kind
        self._texts: list[list[bytes]] = [[] for _ in range(self._count + 1)]
        self._form = WHOLE

    def deal(self, stream: JsonStream, member: Member) -> None:
        """Take in all annotations of a file."""
        placing = self._placing
        splitter = Splitter(self._kind)
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
        self.flush()

    def _take_pending(self, bucket: int) -> bytes:
        texts = self._texts[bucket]
        text = self._form.objects(texts) if texts else b""
        texts.clear()
        return text

    def _content(self, texts: Iterator[bytes]) -> bytes:
        return b"".join(texts)

    def _regrouped(
        self, texts: Iterator[bytes], first: int, step: int, count: int
    ) -> Iterator[bytes]:
        groups: list[list[bytes]] = [[] for _ in range(count)]
        for text in texts:
            for one, place in zip(*self._taken_apart(text), strict=True):
                groups[(place - first) // step].append(one)
        for group in groups:
            yield WHOLE.objects(group) if group else b""

    def _inner(self, first: int, images: int, size: int) -> TextBuckets[R]:
        return TextBuckets(self._placing, self._kind, first, images, size)

    def take_part(self, text: bytes) -> None:
        """Take in a part of another one's bucket."""
        self._add(*self._taken_apart(text), WHOLE)

    def _taken_apart(self, text: bytes) -> tuple[list[bytes], list[int]]:
        """Single objects and their places."""
        texts = [bytes(raw) for raw in _RAWS.decode_lines(text)]
        return texts, [self._placing.place_in(one) for one in texts]

    def _add(self, texts: list[bytes], places: list[int], form: Form) -> None:
        if form != self._form:
            self.flush()
            self._form = form
        by_bucket, step, first = self._texts, self._step, self._first
        # Those of no image have place -1, which is the last bucket.
        for text, place in zip(texts, places, strict=True):
            by_bucket[(place - first) // step if place >= 0 else -1].append(text)
        self._pending += sum(map(len, texts))
        if self._pending >= PENDING_BYTES:
            self.flush()
