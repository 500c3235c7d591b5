"""Reads JSON files of any size in windows of bytes: a top-level object whose large arrays are read in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from msgspec import DecodeError, MsgspecError, Raw, Struct
from msgspec.json import Decoder, decode

from headrace.errors import ParseError
from headrace.formats.io.json_array import ArrayChunk, ArrayWalk
from headrace.formats.io.json_file import REWRITE, SPACE, JsonFile, shown
from headrace.formats.io.json_scan import is_whole

T = TypeVar("T")


class Member(Struct, gc=False):
    """A key of the top-level object, with the byte offsets of its value; ``end`` is None until it has been read."""

    key: str
    start: int
    is_array: bool
    end: int | None = None


class JsonStream(JsonFile):
    """The top level of a JSON file: :meth:`members` lists the keys, :meth:`array` and :meth:`value` read values."""

    def top(self) -> tuple[int, bytes]:
        """Return the byte offset and the first character of the document; ``b""`` in an empty file."""
        return self.after_space(self._start)

    def members(self) -> Iterator[Member]:
        """Yield the keys of the top-level object in file order; a value that is not read meanwhile is skipped."""
        self.check_unchanged()
        at, char = self.after_space(self._expect(self._start, b"{"))
        while char != b"}":
            member = self._member(at)
            yield member
            if member.end is None:
                self.skip(member)
            at, char = self.after_space(member.end or 0)
            if char != b"}":
                at, char = self.after_space(self._expect(at, b","))
                if char == b"}":
                    raise self.unexpected(at, "a key")
        self._nothing_after(at + 1)

    def value(self, member: Member) -> bytes:
        """Return the text of a member's value; sets ``member.end``."""
        size = self.window
        while True:
            text = bytearray(self.read(member.start, size))
            end = self.value_end(memoryview(text), member.start)
            if end is not None:
                member.end = member.start + end
                return bytes(text[:end].rstrip(SPACE))
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
        walk = ArrayWalk(self, member.start + 1, parse)
        yield from walk
        member.end = walk.end

    def path_of(self, offset: int) -> str | None:
        """Return the JSON path of the element of a top-level array that begins at a byte. Slow: it reads up to there."""
        for member in self.members():
            if not member.is_array:
                continue
            count = 0
            for chunk in self.array(member, _raw_elements):
                if offset < chunk.offset + len(chunk.text):
                    before = sum(1 for start, _ in chunk.elements() if start <= offset)
                    return f"$.{member.key}[{count + before - 1}]" if before else None
                count += len(chunk.items if chunk.items is not None else chunk.elements())
        return None

    def skip(self, member: Member) -> None:
        """Read to the end of a member's value; sets ``member.end``."""
        if not member.is_array:
            self.value(member)
            return
        for _ in self.array(member, _verify_only):
            pass

    def check_end(self, last: Member) -> None:
        """Raise ParseError if anything follows a document that consists of one array, after the array was read."""
        self._nothing_after(last.end or 0)

    def unexpected(self, at: int, wanted: str) -> ParseError:
        """Return the error for a byte where something else was expected."""
        if at >= self.size:
            return self.truncated()
        near = shown(self.read(at, 20))
        return self.fault(f"expected {wanted}, near {near}", at, hint=REWRITE)

    def _member(self, at: int) -> Member:
        text = bytearray(self.read(at, 4096))
        if text[:1] != b'"':
            raise self.unexpected(at, "a key in quotes")
        end = self.value_end(memoryview(text), at)
        if end is None:
            raise self.fault("a key is longer than 4 KiB", at, code="C27")
        start, char = self.after_space(self._expect(at + end, b":"))
        return Member(str(self._decoded(bytes(text[:end]), at)), start, char == b"[")

    def _decoded(self, text: bytes, at: int) -> Any:
        try:
            return decode(text)
        except (MsgspecError, UnicodeDecodeError) as error:
            raise self.fault("the text is not valid UTF-8", at) from error

    def _expect(self, at: int, wanted: bytes) -> int:
        at, char = self.after_space(at)
        if char != wanted:
            raise self.unexpected(at, repr(wanted.decode()))
        return at + 1

    def _nothing_after(self, at: int) -> None:
        at, char = self.after_space(at)
        if char:
            raise self.fault(
                f"unexpected data after the end of the document: {shown(self.read(at, 20))}",
                at,
                hint=REWRITE,
            )


_raw_elements = Decoder(list[Raw]).decode


def _verify_only(text: memoryview) -> list[None]:
    """Verify an array that is skipped without decoding it."""
    if not is_whole(text):
        raise DecodeError("not a whole array")
    return []
