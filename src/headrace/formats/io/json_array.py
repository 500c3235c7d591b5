"""Reads large JSON arrays in chunks of verified elements.

Each chunk ends at a position that is verified to lie between two elements. The text from the start of an element to a
candidate position is decoded between ``[`` and ``]``, which succeeds only if every bracket and string in it is closed;
so the candidate is at the depth of the array, whatever strings and nested objects contain. The best candidate, the
separator with the first key (``}, {"id":``) of an earlier cut, is searched backwards from the end of the window. Where
it fails, the window is scanned element by element, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import decode

from headrace.formats.io.json_file import SPACE, JsonFile
from headrace.formats.io.json_scan import is_whole

T = TypeVar("T")

_SPACES = re.compile(rb"[ \t\r\n]*")
_OPEN, _CLOSE, _COMMA = b"[],"
_SEPARATOR = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*\{[ \t\r\n]*"[^"\\]{0,64}"')


class ArrayChunk(Struct, Generic[T], gc=False):
    """Consecutive elements of an array.

    Attributes:
        offset: Byte of the file where the text begins.
        text: The elements without the array's brackets; valid only until the next chunk.
        items: The decoded elements, or None where one has another type; :meth:`elements` then returns each as text.
    """

    offset: int
    text: memoryview
    items: list[T] | None

    def elements(self) -> list[tuple[int, bytes]]:
        """Return the byte offset and the text of each element."""
        found, at, text = [], 0, bytes(self.text)
        for raw in decode(b"[" + text + b"]", type=list[Raw]):
            element = bytes(raw)
            at = text.index(element, at)
            found.append((self.offset + at, element))
            at += len(element)
        return found


class ArrayWalk(Generic[T]):
    """One pass over one array. The buffer has a spare byte at both ends for the brackets."""

    def __init__(self, file: JsonFile, start: int, parse: Callable[[memoryview], list[T]]) -> None:
        self.end: int | None = None
        self._file = file
        self._parse = parse
        self._at = start
        self._first = True
        self._separator: bytes | None = None
        self._resize(file.window)

    def _resize(self, size: int) -> None:
        self._size = size
        self._buffer = bytearray(size + 2)
        self._view = memoryview(self._buffer)

    def __iter__(self) -> Iterator[ArrayChunk[T]]:
        while self.end is None:
            stop = self._file.fill(self._at, self._view[1:-1]) + 1
            chunk = self._cut_at_separator(stop) or self._cut_by_scanning(stop)
            if chunk is None:
                self._resize(self._file.grown(self._size, self._at))
                continue
            if len(chunk.text):
                self._first = False
                yield chunk
            if self._size > self._file.window:
                self._resize(self._file.window)

    def _cut_at_separator(self, stop: int) -> ArrayChunk[T] | None:
        if self._separator is None:
            return None
        cut = self._buffer.rfind(self._separator, 1, stop) + 1
        # A separator that has become rare would cut each window into many small chunks.
        if cut <= stop // 2:
            return None
        is_whole_text, items = self._decode(cut)
        if not is_whole_text:
            return None
        chunk = ArrayChunk(self._at, self._view[1:cut], items)
        self._at += self._buffer.index(b"{", cut) - 1
        return chunk

    def _cut_by_scanning(self, stop: int) -> ArrayChunk[T] | None:
        """Return all elements that end inside the window; None where there is none."""
        at = self._after_space(1, stop)
        if at == stop:
            return self._only_space(stop)
        if self._first and self._buffer[at] == _CLOSE:
            self.end = self._at + at
            return ArrayChunk(self._at, self._view[1:1], [])
        cut = following = 1
        while at < stop and self.end is None:
            size = self._file.value_end(self._view[at:stop], self._at + at - 1)
            if size is None:
                break
            cut = at + size
            at = following = self._after_element(cut, stop)
        if cut == 1:
            return None
        start, self._at = self._at, self._at + following - 1
        return ArrayChunk(start, self._view[1:cut], self._decode(cut)[1])

    def _after_element(self, cut: int, stop: int) -> int:
        """Skip the comma or the end of the array after an element that ends at ``cut``."""
        char = self._buffer[cut]
        if char == _CLOSE:
            self.end = self._at + cut
        elif char != _COMMA:
            raise self._file.fault("expected ',' or ']'", self._at + cut - 1)
        match = _SEPARATOR.match(self._buffer, self._before_space(cut), stop)
        if match:
            self._separator = match[0]
        return self._after_space(cut + 1, stop)

    def _decode(self, cut: int) -> tuple[bool, list[T] | None]:
        """Return whether the text up to ``cut`` consists of whole elements, and the decoded elements if all match."""
        after = self._buffer[cut]
        self._buffer[0], self._buffer[cut] = _OPEN, _CLOSE
        text = self._view[: cut + 1]
        try:
            return True, self._parse(text)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return is_whole(text), None
        finally:
            self._buffer[cut] = after

    def _only_space(self, stop: int) -> ArrayChunk[T]:
        if self._at + stop - 1 >= self._file.size:
            raise self._file.truncated()
        self._at += stop - 1
        return ArrayChunk(self._at, self._view[1:1], [])

    def _after_space(self, at: int, stop: int) -> int:
        match = _SPACES.match(self._buffer, at, stop)
        return match.end() if match else at

    def _before_space(self, at: int) -> int:
        """Return the index of the last character before ``at`` that is not white space."""
        at -= 1
        while self._buffer[at] in SPACE:
            at -= 1
        return at
