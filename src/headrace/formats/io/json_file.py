"""A JSON file that is read by byte offsets: unpacking, reading, and the ends of values."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tempfile
import zlib
from pathlib import Path

from headrace.errors import ParseError
from headrace.formats.io.json_scan import Verdict, repair, scan

WINDOW = 64 * 1024
MAX_ELEMENT = 16 * 1024 * 1024
SPACE = b" \t\r\n"
REWRITE = "correct it there, or write the file again with a JSON library"


class JsonFile:
    """An open JSON file.

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

    def locate(self, text: bytes, start: int = 0) -> int | None:
        """Return the byte offset of the first occurrence of a text. Slow; for the few examples of a finding."""
        at, overlap = start, max(len(text) - 1, 0)
        while block := self.read(at, 1024 * 1024 + overlap):
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

    def truncated(self) -> ParseError:
        """Return the error for a file that ends too early."""
        return self.fault(
            "the file is truncated", self.size, hint="check that it was copied completely"
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

        ``text`` (writable, read from byte ``offset``) is repaired in place. Raises where it is not JSON.
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
            raise self.truncated()
        near = bytes(text[max(where - 10, 0) : where + 10])
        raise self.fault(f"this is not JSON, near {shown(near)}", offset + where, hint=REWRITE)

    def _repair(self, text: memoryview) -> bool:
        before = bytes(text)
        after = repair(before)
        if after == before:
            return False
        text[:] = after
        self.repaired = True
        return True

    def after_space(self, at: int) -> tuple[int, bytes]:
        """Return the byte offset and the first character after white space from ``at`` on; ``b""`` at the end."""
        while text := self.read(at, 256):
            rest = text.lstrip(SPACE)
            at += len(text) - len(rest)
            if rest:
                return at, rest[:1]
        return at, b""

    def read(self, at: int, size: int) -> bytes:
        """Return up to ``size`` bytes from byte ``at``."""
        self._file.seek(at)
        return self._file.read(size) or b""

    def _stat(self) -> tuple[int, int]:
        stat = os.fstat(self._file.fileno())
        return stat.st_size, stat.st_mtime_ns

    def _after_mark(self) -> int:
        head = self.read(0, 4)
        if head[:3] == b"\xef\xbb\xbf":
            return 3
        if head[:2] in (b"\xff\xfe", b"\xfe\xff") or 0 in head[:2]:
            raise self.fault("the file is in UTF-16 or UTF-32", 0, hint="save it as UTF-8")
        return 0


def shown(text: bytes) -> str:
    """Return a piece of a file as one quoted line."""
    return repr(text.decode("utf-8", "backslashreplace"))


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
