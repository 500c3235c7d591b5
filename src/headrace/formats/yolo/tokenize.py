"""The rows of a label file: one call of a C parser for nearly all files, line by line for the rest.

A file of plain numbers becomes JSON by replacing two bytes. Whatever that does not prove to be plain (tabs, ``.5``,
``+1``, comments, ``nan``) is read by the slow path, which is exact and knows the line of every fault.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Final

import orjson
from msgspec import Struct

from headrace.formats.io.openat import OpenFile, open_file

Row = list[float]

MAX_BYTES: Final = 8 * 1024 * 1024
_CHUNK = 64 * 1024
_PLAIN = b"0123456789+-.eE \r\n"
_OF_NUMBERS = b"0123456789+-.eE"
_FIVE = b"    \n"
_TO_COMMAS = bytes.maketrans(b" \n", b",,")
_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(rb"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
# More digits than these say nothing to a float, and cost time.
_MAX_DIGITS = 400


class BadLine(Struct, frozen=True):
    """A line that is no row; ``comment`` where it only says something to people."""

    message: str
    comment: bool = False


def read_text(path: str, opener: OpenFile = open_file) -> bytes | None:
    """The bytes of a label file; None where there is none. Raises OSError, ValueError where it is too large."""
    try:
        fd = opener(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        text = os.read(fd, _CHUNK)
        if len(text) < _CHUNK:
            return text
        chunks = [text]
        size = len(text)
        while chunk := os.read(fd, _CHUNK * 16):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise ValueError(f"larger than {MAX_BYTES} bytes: no label file is")
        return b"".join(chunks)
    finally:
        os.close(fd)


def fast_rows(text: bytes) -> list[Row] | None:
    """The numbers of every line, blank ones included as ``[]``; None where only the slow path can tell."""
    if text.translate(None, _PLAIN):
        return None
    body = text.rstrip()
    if not body:
        return []
    try:
        rows: list[Row] = orjson.loads(b"[[%b]]" % body.replace(b"\n", b"],[").replace(b" ", b","))
    except orjson.JSONDecodeError:
        return None
    return rows


def fast_columns(body: bytes, count: int) -> list[Row] | None:
    """The five columns of ``count`` lines of five numbers, between them one blank or line feed; None for other text."""
    if body.translate(None, _OF_NUMBERS) != (_FIVE * count)[:-1]:
        return None
    try:
        numbers: Row = orjson.loads(b"[%b]" % body.translate(_TO_COMMAS))
    except orjson.JSONDecodeError:
        return None
    return [numbers[column::5] for column in range(5)]


def slow_rows(text: bytes) -> Iterator[tuple[int, Row | BadLine]]:
    """Line number (from 1) and numbers of every line that is not blank, or what is wrong with it."""
    for number, line in enumerate(text.removeprefix(_BOM).splitlines(), 1):
        words = line.split()
        if words:
            yield number, _row(words)


def _row(words: list[bytes]) -> Row | BadLine:
    if words[0].startswith(b"#"):
        return BadLine("a comment: Ultralytics takes such a file for corrupt", comment=True)
    row: Row = []
    for word in words:
        if len(word) > _MAX_DIGITS or not _NUMBER.fullmatch(word):
            return BadLine("not a number")
        row.append(float(word))
    return row
