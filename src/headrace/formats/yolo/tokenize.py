"""Reads the rows of label files: one call of a C parser for nearly all files, line by line for the rest.

A file of plain numbers becomes JSON by replacing two characters. Any other file (tabs, ``.5``, ``+1``, comments,
``nan``) takes the slow path, which is exact and knows the line of every error.
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
_BLOCK = 64 * 1024
_PLAIN = b"0123456789+-.eE \r\n"
_OF_NUMBERS = b"0123456789+-.eE"
_FIVE = b"    \n"
_TO_COMMAS = bytes.maketrans(b" \n", b",,")
_BOM = b"\xef\xbb\xbf"
NUMBER: Final = re.compile(rb"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
# The first row of a label file: a class number and at least four numbers, or (DOTA) four corners and a class name.
_FIRST_ROW = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*\d+(\.0*)?([ \t]+-?[\d.]+(e-?\d+)?){4,}[ \t]*\r?(\n|$)", re.IGNORECASE
)
_CORNERS_AND_NAME = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:imagesource:.*\s+)?(?:gsd:.*\s+)?"
    rb"(?:-?\d+(?:\.\d*)?[ \t]+){8}(?=[^\s\d.+-])\S+(?:[ \t]+\d+)?[ \t]*\r?(?:\n|$)"
)
NOT_A_NUMBER: Final = "not a number"
#: Beginnings of the lines of DOTA that are no rows.
DOTA_HEADERS: Final = ("imagesource:", "gsd:")
_HEAD = 4096
# More digits have no effect on a float and cost time.
_MAX_DIGITS = 400


class BadLine(Struct, frozen=True):
    """A line that is not a row of numbers; ``comment`` where it is a comment."""

    message: str
    comment: bool = False


def read_text(path: str, opener: OpenFile = open_file) -> bytes | None:
    """Return the content of a label file, None if it does not exist; raises OSError, or ValueError if it is too large."""
    try:
        fd = opener(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        text = os.read(fd, _BLOCK)
        if len(text) < _BLOCK:
            return text
        blocks = [text]
        size = len(text)
        while block := os.read(fd, _BLOCK * 16):
            blocks.append(block)
            size += len(block)
            if size > MAX_BYTES:
                raise ValueError(
                    f"the file is larger than {MAX_BYTES} bytes, too large for a label file"
                )
        return b"".join(blocks)
    finally:
        os.close(fd)


def looks_like_rows(path: str) -> bool:
    """Return whether a file starts with a row of a label file, numbered or named; raises OSError."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    return bool(_FIRST_ROW.match(head) or _CORNERS_AND_NAME.match(head))


def has_class_names(path: str) -> bool:
    """Return whether a file starts with a row of four corners and a class name (DOTA); raises OSError."""
    with open(path, "rb") as file:
        return bool(_CORNERS_AND_NAME.match(file.read(_HEAD)))


def count_lines(text: bytes) -> int:
    """Return the number of lines of a label file that are rows."""
    headers = tuple(header.encode() for header in DOTA_HEADERS)
    return sum(1 for line in text.splitlines() if line.strip() and not line.startswith(headers))


def fast_rows(text: bytes) -> list[Row] | None:
    """Return the numbers of every line, ``[]`` for blank lines; None where the slow path is needed."""
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
    """Return the five columns of ``count`` lines of five numbers with single separators; None for any other text."""
    if body.translate(None, _OF_NUMBERS) != (_FIVE * count)[:-1]:
        return None
    try:
        numbers: Row = orjson.loads(b"[%b]" % body.translate(_TO_COMMAS))
    except orjson.JSONDecodeError:
        return None
    return [numbers[column::5] for column in range(5)]


def slow_rows(text: bytes) -> Iterator[tuple[int, Row | BadLine]]:
    """Yield line number (from 1) and numbers of every line that is not blank, or the problem with it."""
    for number, line in enumerate(text.removeprefix(_BOM).splitlines(), 1):
        words = line.split()
        if words:
            yield number, _row(words)


def _row(words: list[bytes]) -> Row | BadLine:
    if words[0].startswith(b"#"):
        return BadLine("a comment; Ultralytics rejects files with comments", comment=True)
    row: Row = []
    for word in words:
        if len(word) > _MAX_DIGITS or not NUMBER.fullmatch(word):
            return BadLine(NOT_A_NUMBER)
        row.append(float(word))
    return row


_WORD = re.compile(r"\S+")
_NEAR = 0.01


def column_of_fault(code: str, message: str, text: bytes, line: int) -> int | None:
    """Return the column, from 1, of the word of a row that is at fault; None where it is the row as a whole.

    Args:
        code: The finding: Y10 for words that are no numbers and unknown classes, Y11 for coordinates outside.
        message: Its message.
        text: The label file.
        line: The row's line, from 1.
    """
    lines = text.removeprefix(_BOM).splitlines()
    if code not in ("Y10", "Y11") or not 0 < line <= len(lines):
        return None
    words = list(_WORD.finditer(lines[line - 1].decode("utf-8", "replace")))
    if message.startswith("the class"):
        return words[0].start() + 1 if words else None
    for number, word in enumerate(words):
        is_number = NUMBER.fullmatch(word[0].encode()) is not None
        if not is_number and message == NOT_A_NUMBER:
            return word.start() + 1
        if code == "Y11" and is_number and number and not -_NEAR <= float(word[0]) <= 1 + _NEAR:
            return word.start() + 1
    return None
