"""From a command line to the call of a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cyclopts import CycloptsError

from headrace.cli.app import ALIASES, COMMANDS, SUBCOMMANDS, make_app
from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import Output
from headrace.cli.console.progress import with_mode
from headrace.cli.console.result import Result
from headrace.cli.console.streams import with_streams
from headrace.cli.console.target import is_database, refuse_password
from headrace.cli.console.usage import usage_error

# As a Path writes it: with one slash.
_URL = re.compile(r"(?:https?|ftp|s3|gs|postgres|postgresql):(?:/|$)", re.IGNORECASE)
_DATABASE = re.compile(r"postgres(?:ql)?:", re.IGNORECASE)
_SLASHES = re.compile(r":/*")


class Parsed(NamedTuple):
    """A parsed command line; ``command`` starts the work, and is None if help was printed instead.

    ``name`` is the command as results name it: ``push``, ``version.list``.
    """

    command: Callable[[], Coroutine[Any, Any, Result | None]] | None
    output: Output
    name: str = ""


def parse(arguments: Sequence[str]) -> Parsed:
    """Parse a command line.

    Raises:
        UsageError: The command, an option or a value is unknown or missing; the hint names the nearest one.
    """
    app = make_app()
    words = with_mode(with_streams(_without_aliases(arguments)))
    try:
        command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise usage_error(error, _names()) from None
    if not command.__module__.startswith("headrace."):
        # A command of cyclopts: help.
        command(*bound.args, **bound.kwargs)
        return Parsed(None, Output())
    for argument, value in bound.arguments.items():
        if isinstance(value, str):
            refuse_password(value)
        if argument == "lake" and isinstance(value, str) and is_database(value):
            continue
        _refuse_urls(argument, value)
    output = bound.arguments.setdefault("output", Output())
    name = ".".join(words[: 2 if words[0] in SUBCOMMANDS else 1])
    return Parsed(lambda: command(*bound.args, **bound.kwargs), output, name)


def _refuse_urls(argument: str, value: object) -> None:
    """Raise UsageError for a URL where a file or folder is meant: it would be the path of a folder named ``http:``."""
    for each in value if isinstance(value, tuple) else (value,):
        if isinstance(each, Path):
            is_url = _URL.match(str(each)) is not None
        else:
            is_url = argument == "lake" and isinstance(each, str) and "://" in each
        if not is_url:
            continue
        from headrace.net.urls import redact
        from headrace.storage.database.dsn import shown_dsn

        url = _SLASHES.sub("://", str(each), 1)
        if argument == "lake" and _DATABASE.match(str(each)):
            raise UsageError(
                f"{shown_dsn(url)} is a database, and LAKE is a lake's folder",
                hint="headrace migrate copies a platform into a lake's folder, and moves a lake into a database",
            )
        what = "lake's folder" if argument == "lake" else "file or folder"
        raise UsageError(
            f"{redact(url)} is a URL, and {argument.upper()} is a {what}",
            hint=f"name a {what} on this machine"
            + ("; headrace serve LAKE makes a server of it" if argument == "lake" else ""),
        )


def _names() -> dict[str, list[str]]:
    """Return the names of all commands, each with those of its sub-commands."""
    families = {name: [*commands] for name, (_, _, commands) in SUBCOMMANDS.items()}
    return {**{name: [] for name in COMMANDS}, **families}


def _without_aliases(arguments: Sequence[str]) -> list[str]:
    """Return a command line with the sub-command that an alias stands for."""
    given = list(arguments)
    if len(given) > 1 and given[0] in SUBCOMMANDS:
        known = SUBCOMMANDS[given[0]][2]
        meant = [name for name in ALIASES.get(given[1], ()) if name in known]
        if meant and given[1] not in known:
            given[1] = meant[0]
    return given
