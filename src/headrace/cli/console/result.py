"""Results of commands, and how results and errors are printed."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from headrace.cli.console.arguments import with_options
from headrace.cli.console.errors import DONE, Failure
from headrace.cli.console.terminal import (
    ERROR,
    STRONG,
    WARNING,
    coloured,
    has_colour,
    one_line,
    printable,
    wrapped,
)

_NAMES = (
    *("token", "digest", "target", "dst", "dir", "lake", "url", "username", "address"),
    *("version", "name", "filename", "profile", "user", "code", "job", "id"),
)
"""What objects are known by: the first of these keys that they have."""


class Form(StrEnum):
    """The form of a result: text for people, JSON, JSON lines, or bare names."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    QUIET = "quiet"


class Result(Struct, kw_only=True):
    """The result of a command.

    Attributes:
        command: Name of the command.
        data: The JSON object of ``--json``.
        lines: The text for people.
        next: A command to run next.
        status: Exit status; not 0 if the command could not do everything.
        rows: The key of ``data`` whose items are the lines of ``--jsonl``. Default: the only list of a command that
            lists, otherwise the findings; without either, the object is the only line.
        bare: The key by which ``--quiet`` prints these items. Default: the first of those that things are known by.
    """

    command: str
    data: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    next: str | None = None
    status: int = DONE
    rows: str | None = None
    bare: str | None = None

    def listed(self) -> list[Any] | None:
        """Return the items that the command lists; None if it lists nothing."""
        key = self.rows
        if key is None and self.command.endswith(".list"):
            found = (key for key, value in self.data.items() if isinstance(value, list | dict))
            key = next(found, None)
        if key is None:
            return None
        items = self.data[key]
        if not isinstance(items, dict):
            return list(items)
        # Numbers by name, or lists by kind.
        return [
            row
            for name, value in items.items()
            for row in (value if isinstance(value, list) else [{"name": name, "count": value}])
        ]


def print_result(result: Result, form: Form) -> None:
    """Print a result on stdout; the next command only on a terminal."""
    if form is Form.JSON:
        _print_object({"schema": f"headrace.{result.command}/1", **result.data})
        return
    if form is not Form.TEXT:
        rows = result.listed()
        if rows is None and form is Form.JSONL:
            rows = _findings(result.data)
        for row in [result.data] if rows is None else rows:
            if form is Form.QUIET and result.bare is not None:
                row = str(row[result.bare])
            print_row(result.command, row, form)
        return
    shown = printable if sys.stdout.isatty() else str
    for line in result.lines:
        print(shown(line))
    if result.next and sys.stdout.isatty():
        print(f"Next: {result.next}")
    sys.stdout.flush()


def _findings(data: dict[str, Any]) -> list[Any] | None:
    """Return the findings of a command, of all of its files; None for a command that has none."""
    if "findings" in data:
        return list(data["findings"])
    files = data.get("files")
    if not isinstance(files, list) or not all("findings" in each for each in files):
        return None
    return [finding for each in files for finding in each["findings"]]


def print_row(command: str, row: dict[str, Any] | str, form: Form) -> None:
    """Print one line of ``--jsonl`` or ``--quiet``.

    Args:
        command: Name of the command.
        row: An item that it lists: an object, or a name.
        form: One of these two forms.
    """
    if form is Form.JSONL:
        content = {"name": row} if isinstance(row, str) else row
        _print_object({"schema": f"headrace.{command}.row/1", **content})
        return
    name = row if isinstance(row, str) else bare_name(row)
    if name is not None:
        print(printable(name) if sys.stdout.isatty() else name)


def bare_name(row: dict[str, Any]) -> str | None:
    """Return the name or path that an object is known by; None if it has none."""
    for key in _NAMES:
        value = row.get(key)
        # A dash is the stream that the command has written itself.
        if isinstance(value, str) and value not in ("", "-"):
            return value
    return None


def print_failure(failure: Failure, form: Form) -> None:
    """Print an error: the JSON object on stdout, or one line on stderr."""
    if form in (Form.JSON, Form.JSONL):
        _print_object({"schema": "headrace.error/1", "error": failure.json()})
    else:
        print(_styled(failure), file=sys.stderr, flush=True)


def print_warning(message: str) -> None:
    """Print a warning as one line on stderr."""
    word = coloured("warning:", WARNING) if has_colour(sys.stderr) else "warning:"
    line = wrapped(f"{word} {one_line(with_options(message))}", sys.stderr, indent=2)
    print(line, file=sys.stderr, flush=True)


def _styled(failure: Failure) -> str:
    """Return an error for stderr; on a terminal coloured, with the cure in bold, and wrapped."""
    if has_colour(sys.stderr):
        line = failure.line(emphasis=lambda cure: coloured(cure, STRONG))
        text = f"{coloured(f'{failure.word}:', ERROR)} {line}"
    else:
        text = f"{failure.word}: {failure.line()}"
    return wrapped(text, sys.stderr, indent=2)


def _print_object(content: dict[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str), flush=True)
