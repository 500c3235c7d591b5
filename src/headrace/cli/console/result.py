"""What a command hands back, and how it reaches stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from msgspec import Struct, field

from headrace.cli.console.errors import DONE, Failure


class Result(Struct, kw_only=True):
    """``data`` is the JSON object of ``--json``; ``lines`` are what people read; ``next`` a command to go on with.

    ``status`` is the exit status: a command may have done what it could, and something is left.
    """

    command: str
    data: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    next: str | None = None
    status: int = DONE


def print_result(result: Result, *, as_json: bool) -> None:
    """Print a result on stdout; the next step only where a person looks on."""
    if as_json:
        _print_object({"schema": f"headrace.{result.command}/1", **result.data})
        return
    for line in result.lines:
        print(line)
    if result.next and sys.stdout.isatty():
        print(f"Next: {result.next}")
    sys.stdout.flush()


def print_failure(failure: Failure, *, as_json: bool) -> None:
    """Print an error: the JSON object on stdout, or one line on stderr."""
    if as_json:
        _print_object({"schema": "headrace.error/1", "error": failure.json()})
    else:
        print(f"{failure.word}: {failure.line()}", file=sys.stderr, flush=True)


def _print_object(content: dict[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str), flush=True)
