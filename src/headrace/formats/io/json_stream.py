"""Reads JSON files of any size in windows of bytes: a top-level object whose large arrays are read in chunks.

Each chunk ends at a position that is verified to lie between two elements. The text from the start of an element to a
candidate position is decoded between ``[`` and ``]``, which succeeds only if every bracket and string in it is closed;
so the candidate is at the depth of the array, whatever strings and nested objects contain. The best candidate, the
separator with the first key (``}, {"id":``) of an earlier cut, is searched backwards from the end of the window. Where
it fails, the window is scanned element by element, in linear time.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import DecodeError, MsgspecError, Raw, Struct
from msgspec.json import decode

from headrace.errors import ParseError
from headrace.formats.io.json_scan import Verdict, is_whole, repair, scan

T = TypeVar("T")

WINDOW = 64 * 1024
MAX_ELEMENT = 16 * 1024 * 1024

_SPACE = b" \t\r\n"
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


class Member(Struct, gc=False):
    """A key of the top-level object, with the byte offsets of its value; ``end`` is None until it has been read."""

    key: str
    start: int
    is_array: bool
    end: int | None = None


class JsonStream:
    """Reads the top level of a JSON file: :meth:`members` lists the keys, :meth:`array` and :meth:`value` read values.

    Gzip is unpacked to a temporary file, and a byte order mark is skipped. ``NaN`` and ``Infinity`` become ``""`` and
    lone surrogates become U+FFFD; ``repaired`` is then True.

    Args:
        path: The file.
        window: Size in bytes of a window; it grows for longer elements.

    Raises:
        ParseError: The file is not JSON, or an element is longer than 16 MiB; with the byte offset (unpacked).
    """

    def __init__(self, path: Path, *, window: int = WINDOW) -> None:
        self.path = path
        self.window = window
        self.repaired = False
        self.position = 0
        self._file = _open(path)
        self._stamp = self._stat()
        self.size = self._stamp[0]
        try:
            self._start = self._after_mark()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and delete its unpacked copy."""
        self._file.close()

    def top(self) -> tuple[int, bytes]:
        """Return the byte offset and the first character of the document; ``b""`` in an empty file."""
        return self._after_space(self._start)

    def members(self) -> Iterator[Member]:
        """Yield the keys of the top-level object in file order; a value that is not read meanwhile is skipped."""
        self.check_unchanged()
        at, char = self._after_space(self._expect(self._start, b"{"))
        while char != b"}":
            member = self._member(at)
            yield member
            if member.end is None:
                self._skip(member)
            at, char = self._after_space(member.end or 0)
            if char != b"}":
                at, char = self._after_space(self._expect(at, b","))
                if char == b"}":
                    raise self._unexpected(at, "a key")
        self._nothing_after(at + 1)

    def value(self, member: Member) -> bytes:
        """Return the text of a member's value; sets ``member.end``."""
        size = self.window
        while True:
            text = bytearray(self._read(member.start, size))
            end = self.value_end(memoryview(text), member.start)
            if end is not None:
                member.end = member.start + end
                return bytes(text[:end].rstrip(_SPACE))
            size = self.grown(size, member.start)

    def decoded(self, member: Member) -> Any:
        """Return a member's decoded value; sets ``member.end``."""
        return self._decoded(self.value(member), member.start)

    def array(
        self, member: Member, parse: Callable[[memoryview], list[T]]
    ) -> Iterator[ArrayChunk[T]]:
        """Yield the decoded elements of an array in chunks; sets ``member.end``.

        ``parse`` gets a chunk as a JSON array and may raise msgspec's errors for elements of another type.
        """
        self.check_unchanged()
        walk = _ArrayWalk(self, member.start + 1, parse)
        yield from walk
        member.end = walk.end

    def locate(self, text: bytes, start: int = 0) -> int | None:
        """Return the byte offset of the first occurrence of a text. Slow; for the few examples of a finding."""
        at, overlap = start, max(len(text) - 1, 0)
        while block := self._read(at, 1024 * 1024 + overlap):
            found = block.find(text)
            if found >= 0:
                return at + found
            at += 1024 * 1024
        return None

    def check_unchanged(self) -> None:
        """Raise ParseError if the file has changed since it was opened."""
        if self._stat() != self._stamp:
            raise ParseError("the file changed while it was read", path=self.path, hint="try again")

    def fault(
        self, message: str, offset: int, *, code: str = "C26", hint: str | None = None
    ) -> ParseError:
        """Return an error with this file and a byte offset."""
        return ParseError(
            f"{code}  {message}", path=self.path, offset=offset, finding=code, hint=hint
        )

    def fill(self, at: int, buffer: memoryview) -> int:
        """Read from byte ``at`` into ``buffer``; returns the number of bytes."""
        self._file.seek(at)
        filled = 0
        while filled < len(buffer) and (count := self._file.readinto(buffer[filled:])):
            filled += count
        self.position = at + filled
        return filled

    def grown(self, size: int, offset: int) -> int:
        """Return the next larger window size, for a value at ``offset`` that did not fit."""
        if size >= MAX_ELEMENT:
            raise self.fault("one value is longer than 16 MiB", offset, code="C27")
        return min(size * 2, MAX_ELEMENT)

    def value_end(self, text: memoryview, offset: int) -> int | None:
        """Return the index after the value that ``text`` begins with, or None where the value is incomplete.

        ``text`` (writable, read from byte ``offset``) is mended in place. Raises where it is not JSON.
        """
        at_end = offset + len(text) >= self.size
        verdict, where = scan(text)
        if verdict is Verdict.TRAILING:
            return where
        if verdict is Verdict.DEEP:
            raise self.fault("values are nested too deeply", offset, code="C27")
        if not at_end and verdict is not Verdict.BROKEN:
            return None
        if self._repair(text):
            return self.value_end(text, offset)
        if verdict is not Verdict.BROKEN:
            raise self.fault(
                "the file is truncated", self.size, hint="check that it was copied completely"
            )
        near = bytes(text[max(where - 10, 0) : where + 10])
        raise self.fault("this is not JSON", offset + where, hint=f"near {near!r}")

    def _repair(self, text: memoryview) -> bool:
        before = bytes(text)
        after = repair(before)
        if after == before:
            return False
        text[:] = after
        self.repaired = True
        return True

    def _member(self, at: int) -> Member:
        text = bytearray(self._read(at, 4096))
        if text[:1] != b'"':
            raise self._unexpected(at, "a key in quotes")
        end = self.value_end(memoryview(text), at)
        if end is None:
            raise self.fault("a key is longer than 4 KiB", at, code="C27")
        start, char = self._after_space(self._expect(at + end, b":"))
        return Member(str(self._decoded(bytes(text[:end]), at)), start, char == b"[")

    def _decoded(self, text: bytes, at: int) -> Any:
        try:
            return decode(text)
        except (MsgspecError, UnicodeDecodeError) as error:
            raise self.fault("the text is not valid UTF-8", at) from error

    def _skip(self, member: Member) -> None:
        if not member.is_array:
            self.value(member)
            return
        for _ in self.array(member, _verify_only):
            pass

    def _expect(self, at: int, wanted: bytes) -> int:
        at, char = self._after_space(at)
        if char != wanted:
            raise self._unexpected(at, repr(wanted.decode()))
        return at + 1

    def _unexpected(self, at: int, wanted: str) -> ParseError:
        if at >= self.size:
            return self.fault(
                "the file is truncated", self.size, hint="check that it was copied completely"
            )
        return self.fault(f"expected {wanted}", at, hint=f"near {self._read(at, 20)!r}")

    def check_end(self, last: Member) -> None:
        """Raise ParseError if anything follows a document that consists of one array, after the array was read."""
        self._nothing_after(last.end or 0)

    def _nothing_after(self, at: int) -> None:
        at, char = self._after_space(at)
        if char:
            raise self.fault(
                "unexpected data after the end of the document",
                at,
                hint=f"near {self._read(at, 20)!r}",
            )

    def _after_space(self, at: int) -> tuple[int, bytes]:
        while text := self._read(at, 256):
            rest = text.lstrip(_SPACE)
            at += len(text) - len(rest)
            if rest:
                return at, rest[:1]
        return at, b""

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size) or b""

    def _stat(self) -> tuple[int, int]:
        stat = os.fstat(self._file.fileno())
        return stat.st_size, stat.st_mtime_ns

    def _after_mark(self) -> int:
        head = self._read(0, 4)
        if head[:3] == b"\xef\xbb\xbf":
            return 3
        if head[:2] in (b"\xff\xfe", b"\xfe\xff") or 0 in head[:2]:
            raise self.fault("the file is in UTF-16 or UTF-32", 0, hint="save it as UTF-8")
        return 0


class _ArrayWalk(Generic[T]):
    """One pass over one array. The buffer has a spare byte at both ends for the brackets."""

    def __init__(
        self, stream: JsonStream, start: int, parse: Callable[[memoryview], list[T]]
    ) -> None:
        self.end: int | None = None
        self._stream = stream
        self._parse = parse
        self._at = start
        self._first = True
        self._separator: bytes | None = None
        self._resize(stream.window)

    def _resize(self, size: int) -> None:
        self._size = size
        self._buffer = bytearray(size + 2)
        self._view = memoryview(self._buffer)

    def __iter__(self) -> Iterator[ArrayChunk[T]]:
        while self.end is None:
            stop = self._stream.fill(self._at, self._view[1:-1]) + 1
            chunk = self._cut_at_separator(stop) or self._cut_by_scanning(stop)
            if chunk is None:
                self._resize(self._stream.grown(self._size, self._at))
                continue
            if len(chunk.text):
                self._first = False
                yield chunk
            if self._size > self._stream.window:
                self._resize(self._stream.window)

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
            size = self._stream.value_end(self._view[at:stop], self._at + at - 1)
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
            raise self._stream.fault("expected ',' or ']'", self._at + cut - 1)
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
        if self._at + stop - 1 >= self._stream.size:
            raise self._stream.fault(
                "the file is truncated",
                self._stream.size,
                hint="check that it was copied completely",
            )
        self._at += stop - 1
        return ArrayChunk(self._at, self._view[1:1], [])

    def _after_space(self, at: int, stop: int) -> int:
        match = _SPACES.match(self._buffer, at, stop)
        return match.end() if match else at

    def _before_space(self, at: int) -> int:
        """Return the index of the last character before ``at`` that is not white space."""
        at -= 1
        while self._buffer[at] in _SPACE:
            at -= 1
        return at


def _verify_only(text: memoryview) -> list[None]:
    """Verify an array that is skipped without decoding it."""
    if not is_whole(text):
        raise DecodeError("not a whole array")
    return []


def _open(path: Path) -> io.FileIO:
    plain = io.FileIO(path)
    if plain.read(2) != b"\x1f\x8b":
        return plain
    with plain:
        plain.seek(0)
        return _unpacked(plain, path)


def _unpacked(packed: io.FileIO, path: Path) -> io.FileIO:
    # Several passes need a seekable file, which gzip is not.
    file = tempfile.TemporaryFile(prefix="headrace-", buffering=0)  # noqa: SIM115  the caller closes it
    try:
        with gzip.GzipFile(fileobj=packed) as source:
            shutil.copyfileobj(source, file, WINDOW)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        file.close()
        raise ParseError(
            f"C26  the gzip data is damaged: {error}", path=path, finding="C26"
        ) from error
    except BaseException:
        file.close()
        raise
    return file
