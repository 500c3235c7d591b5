"""Lines of logs: a record is one line with a time in UTC, and no name in it can pass for another line.

A traceback in text is the one exception: it follows in indented lines. A line in JSON is an object, and its traceback a
string in it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace.escapes import one_line

LONGEST = 4096
"""Bytes of the longest line. The system writes so much to a pipe at once, so lines of several processes never mix."""

_FILE_MODE = 0o640
# A pipe that nobody reads is an error, and one whose reader is slow costs lines: neither may hold the program.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
_STDERR = 2
_CUT = "…"
_PLAIN = re.compile(r"[\w.:@/+-]+", re.ASCII)


class Fields(dict[str, Any]):
    """What a record says, by name: keys of their own in JSON, ``name=value`` in text."""

    def __str__(self) -> str:
        return " ".join(f"{name}={_shown(value)}" for name, value in self.items())


class TextLines(logging.Formatter):
    """Formats a record as ``TIME LEVEL LOGGER: MESSAGE``, after the level the number of the process where there are several."""

    def __init__(self, process: int | None = None) -> None:
        super().__init__()
        self._process = "" if process is None else f"[{process}] "

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, with indented lines for its traceback."""
        head = f"{_time(record)} {record.levelname} {self._process}{record.name}: "
        lines = [_cut(head + one_line(record.getMessage()))]
        if record.exc_info:
            trace = self.formatException(record.exc_info).split("\n")
            lines += [_cut(f"  {self._process}{one_line(line)}") for line in trace]
        return "\n".join(lines)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object on one line, in ASCII."""

    def __init__(self, process: int | None = None) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        shown: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if self._process is not None:
            shown["process"] = self._process
        if isinstance(record.msg, Fields):
            shown |= record.msg
        else:
            shown["message"] = record.getMessage()
        if record.exc_info:
            shown["traceback"] = self.formatException(record.exc_info)
        line = json.dumps(shown)
        while len(line) >= LONGEST:
            _shorten(shown)
            line = json.dumps(shown)
        return line


class LineHandler(logging.Handler):
    """Writes each record with one call of the system, to a file or to stderr.

    A file that was renamed or removed is opened again under its name, as programs that rotate logs expect. A line that
    cannot be written, since the disk is full, is counted in ``lost``: a server goes on without its log.
    """

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.lost = 0
        self._path = path
        self._fd = _STDERR
        self._place: tuple[int, int] | None = None
        self._whole = _takes_any_length(_STDERR)
        if path is not None:
            self._open(path)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record."""
        try:
            text = self.format(record) + "\n"
            if self._path is not None:
                self._follow(self._path)
            for piece in [text] if self._whole else _pieces(text):
                _write(self._fd, piece.encode("utf-8", "backslashreplace"))
        except OSError:
            self.lost += 1
        except Exception:  # noqa: BLE001  a record that cannot be formatted, as every handler treats it
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        self.acquire()
        try:
            if self._fd != _STDERR:
                os.close(self._fd)
                self._fd = _STDERR
        finally:
            self.release()
        super().close()

    def _open(self, path: Path) -> None:
        fd = os.open(path, _FLAGS, _FILE_MODE)
        if self._fd != _STDERR:
            os.close(self._fd)
        self._fd = fd
        found = os.fstat(fd)
        self._place = (found.st_dev, found.st_ino)
        self._whole = _takes_any_length(fd)

    def _follow(self, path: Path) -> None:
        """Open the file again where another, or none, has its name by now."""
        try:
            found = os.stat(path)
            if (found.st_dev, found.st_ino) == self._place:
                return
        except FileNotFoundError:
            pass
        try:
            self._open(path)
        except OSError:
            # The old file still takes lines, and whoever renamed it can find them there.
            return


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _shown(value: Any) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _cut(line: str) -> str:
    data = line.encode("utf-8", "backslashreplace")
    if len(data) < LONGEST:
        return line
    return data[: LONGEST - 8].decode("utf-8", "ignore") + _CUT


def _shorten(shown: dict[str, Any]) -> None:
    """Cut the longest text of a line to half: of a traceback the beginning goes, of others the end."""
    texts = {name: value for name, value in shown.items() if isinstance(value, str)}
    name = max(texts, key=lambda name: len(texts[name]))
    half = len(texts[name]) // 2
    shown[name] = _CUT + texts[name][-half:] if name == "traceback" else texts[name][:half] + _CUT


def _pieces(text: str) -> Iterator[str]:
    """Cut at the ends of lines, so that each piece is written at once."""
    if len(text) * 4 < LONGEST:
        yield text
    else:
        yield from text.splitlines(keepends=True)


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _takes_any_length(fd: int) -> bool:
    """Whether writes of any length are written at once: to files, not to pipes."""
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False
