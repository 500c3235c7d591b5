"""A JSON file of any size read in windows of bytes: one object on top, whose large arrays are walked in chunks.

Every chunk is cut at a place that is *proved* to lie between two elements. The text from a known start of an element
to a candidate is decoded between ``[`` and ``]``: that succeeds only if every bracket and string that was opened is
closed again, so the candidate lies at the array's own depth, whatever the strings and nested objects look like. The
likeliest candidate, the separator with the first key (``}, {"id":``) as an earlier cut showed it, is searched from
the window's end; where it fails, the window is walked element by element, in linear time.
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
    """Consecutive elements of an array: their text without brackets, from byte ``offset`` of the file.

    ``items`` is None where some element is not of the type asked for; :meth:`elements` then shows each. ``text``
    is only valid until the walk goes on.
    """

    offset: int
    text: memoryview
    items: list[T] | None

    def elements(self) -> list[tuple[int, bytes]]:
        """Each element's place in the file and its text."""
        found, at, text = [], 0, bytes(self.text)
        for raw in decode(b"[" + text + b"]", type=list[Raw]):
            element = bytes(raw)
            at = text.index(element, at)
            found.append((self.offset + at, element))
            at += len(element)
        return found


class Member(Struct, gc=False):
    """A key of the file's object: where its value begins and, once it was walked or skipped, where it ends."""

    key: str
    start: int
    is_array: bool
    end: int | None = None


class JsonStream:
    """A JSON file by its top level: :meth:`members` finds the keys, :meth:`array` walks one, :meth:`value` takes one.

    Gzip is unpacked to a temporary file; a byte order mark is skipped; positions count unpacked bytes. Raises
    :class:`~headrace.errors.ParseError` with the byte for anything that is not JSON, and where a single element is
    longer than 16 MiB. ``NaN`` and ``Infinity`` pass as ``""`` and lone surrogates as U+FFFD; ``repaired`` says so.
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
        """Close the file; what was unpacked is gone with it."""
        self._file.close()

    def top(self) -> tuple[int, bytes]:
        """Where the document begins and its first character; ``b""`` in an empty file."""
        return self._after_space(self._start)

    def members(self) -> Iterator[Member]:
        """The keys of the document's object in file order; a value that was not walked meanwhile is skipped."""
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
        """The text of a member's value; sets ``member.end``."""
        size = self.window
        while True:
            text = bytearray(self._read(member.start, size))
            end = self.value_end(memoryview(text), member.start)
            if end is not None:
                member.end = member.start + end
                return bytes(text[:end].rstrip(_SPACE))
            size = self.grown(size, member.start)

    def decoded(self, member: Member) -> Any:
        """A member's value."""
        return self._decoded(self.value(member), member.start)

    def array(
        self, member: Member, parse: Callable[[memoryview], list[T]]
    ) -> Iterator[ArrayChunk[T]]:
        """The elements of an array in chunks, parsed; sets ``member.end``.

        ``parse`` gets a chunk as a JSON array and may raise msgspec's errors for elements of another type.
        """
        self.check_unchanged()
        walk = _ArrayWalk(self, member.start + 1, parse)
        yield from walk
        member.end = walk.end

    def locate(self, text: bytes, start: int = 0) -> int | None:
        """Where a piece of text first stands in the file; slow, for the few examples of a finding."""
        at, overlap = start, max(len(text) - 1, 0)
        while block := self._read(at, 1024 * 1024 + overlap):
            found = block.find(text)
            if found >= 0:
                return at + found
            at += 1024 * 1024
        return None

    def check_unchanged(self) -> None:
        """Raise where the file is no longer the one that was opened."""
        if self._stat() != self._stamp:
            raise ParseError(
                "the file changed while it was read", path=self.path, hint="read it again"
            )

    def fault(
        self, message: str, offset: int, *, code: str = "C26", hint: str | None = None
    ) -> ParseError:
        """The error that names this file and a byte of it."""
        return ParseError(
            f"{code}  {message}", path=self.path, offset=offset, finding=code, hint=hint
        )

    def fill(self, at: int, buffer: memoryview) -> int:
        """Read from byte ``at`` into ``buffer``; how many bytes came."""
        self._file.seek(at)
        filled = 0
        while filled < len(buffer) and (count := self._file.readinto(buffer[filled:])):
            filled += count
        self.position = at + filled
        return filled

    def grown(self, size: int, offset: int) -> int:
        """The next larger window, for the value at ``offset`` that did not fit."""
        if size >= MAX_ELEMENT:
            raise self.fault("one value is longer than 16 MiB", offset, code="C27")
        return min(size * 2, MAX_ELEMENT)

    def value_end(self, text: memoryview, offset: int) -> int | None:
        """The index of what follows the value that ``text`` begins with; None where it does not end in it.

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
            raise self.fault("the file ends too early", self.size, hint="was it copied whole?")
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
        for _ in self.array(member, _nothing):
            pass

    def _expect(self, at: int, wanted: bytes) -> int:
        at, char = self._after_space(at)
        if char != wanted:
            raise self._unexpected(at, repr(wanted.decode()))
        return at + 1

    def _unexpected(self, at: int, wanted: str) -> ParseError:
        if at >= self.size:
            return self.fault("the file ends too early", self.size, hint="was it copied whole?")
        return self.fault(f"expected {wanted}", at, hint=f"near {self._read(at, 20)!r}")

    def check_end(self, last: Member) -> None:
        """Raise where anything follows a document that is one array, after it was walked."""
        self._nothing_after(last.end or 0)

    def _nothing_after(self, at: int) -> None:
        at, char = self._after_space(at)
        if char:
            raise self.fault(
                "something follows the end of the document", at, hint=f"near {self._read(at, 20)!r}"
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
    """One pass over one array; the buffer has a byte to spare at both ends, for the brackets of the proofs."""

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
            chunk = self._cut_as_learnt(stop) or self._cut_by_walking(stop)
            if chunk is None:
                self._resize(self._stream.grown(self._size, self._at))
                continue
            if len(chunk.text):
                self._first = False
                yield chunk
            if self._size > self._stream.window:
                self._resize(self._stream.window)

    def _cut_as_learnt(self, stop: int) -> ArrayChunk[T] | None:
        if self._separator is None:
            return None
        cut = self._buffer.rfind(self._separator, 1, stop) + 1
        # A separator that has become rare would make many small chunks of each window.
        if cut <= stop // 2:
            return None
        proved, items = self._decode(cut)
        if not proved:
            return None
        chunk = ArrayChunk(self._at, self._view[1:cut], items)
        self._at += self._buffer.index(b"{", cut) - 1
        return chunk

    def _cut_by_walking(self, stop: int) -> ArrayChunk[T] | None:
        """All elements that end inside the window; None where it holds not even one."""
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
        """Step over what follows an element at ``cut``: a comma, or the end of the array."""
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
        """Whether the text up to ``cut`` is whole elements, and they, typed, where all are of the type."""
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
                "the file ends too early", self._stream.size, hint="was it copied whole?"
            )
        self._at += stop - 1
        return ArrayChunk(self._at, self._view[1:1], [])

    def _after_space(self, at: int, stop: int) -> int:
        match = _SPACES.match(self._buffer, at, stop)
        return match.end() if match else at

    def _before_space(self, at: int) -> int:
        """The index of the last character before ``at`` that is no space."""
        at -= 1
        while self._buffer[at] in _SPACE:
            at -= 1
        return at


def _nothing(text: memoryview) -> list[None]:
    """Parse by proof alone: for arrays that nobody asked for."""
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
    # Several passes need positions that can be gone back to, which gzip has not.
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
