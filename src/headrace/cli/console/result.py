"""Results of commands, and how results and errors are printed."""

from __future__ import annotations

import json
import sys
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


class Result(Struct, kw_only=True):
    """The result of a command.

    Attributes:
        command: Name of the command.
        data: The JSON object of ``--json``.
        lines: The text for people.
        next: A command to run next.
        status: Exit status; not 0 if the command could not do everything.
    """

    command: str
    data: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    next: str | None = None
    status: int = DONE


def print_result(result: Result, *, as_json: bool) -> None:
    """Print a result on stdout; the next command only on a terminal."""
    if as_json:
        _print_object({"schema": f"headrace.{result.command}/1", **result.data})
        return
    shown = printable if sys.stdout.isatty() else str
    for line in result.lines:
        print(shown(line))
    if result.next and sys.stdout.isatty():
        print(f"Next: {result.next}")
    sys.stdout.flush()


def print_failure(failure: Failure, *, as_json: bool) -> None:
    """Print an error: the JSON object on stdout, or one line on stderr."""
    if as_json:
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
