"""The command line: which commands there are, and what is said of a wrong one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from cyclopts import App, CycloptsError, Group, MissingArgumentError, Parameter, UnknownCommandError
from cyclopts.exceptions import UnknownOptionError

from headrace._version import __version__
from headrace.cli.console.errors import UsageError
from headrace.cli.console.formats import FORMAT_NAMES
from headrace.cli.console.options import Output
from headrace.cli.console.result import Result
from headrace.cli.lake.init import init
from headrace.cli.look.ls import ls
from headrace.cli.look.stats import stats
from headrace.cli.move.convert import convert
from headrace.cli.move.export import export
from headrace.cli.move.import_ import import_
from headrace.cli.move.pull import pull
from headrace.cli.move.push import push
from headrace.cli.move.sync import sync
from headrace.cli.server import token
from headrace.cli.server.serve import serve
from headrace.cli.work import job, processing

MOVE = Group("Move a version", sort_key=1)
LOOK = Group("Look", sort_key=2)
WORK = Group("Work on a version", sort_key=3)
LAKE = Group("Lakes and servers", sort_key=4)

EPILOGUE = """\
TARGET is a lake's folder or a server's URL, VERSION is dataset/version.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

COMMANDS: dict[str, tuple[Callable[..., Any], Group]] = {
    "push": (push, MOVE),
    "import": (import_, MOVE),
    "pull": (pull, MOVE),
    "sync": (sync, MOVE),
    "export": (export, MOVE),
    "convert": (convert, MOVE),
    "ls": (ls, LOOK),
    "stats": (stats, LOOK),
    "init": (init, LAKE),
    "serve": (serve, LAKE),
}
FAMILIES: dict[str, tuple[str, Group, dict[str, Callable[..., Any]]]] = {
    "processing": (
        "Add, list, remove and run processings: programs that work on versions.",
        WORK,
        {
            "add": processing.add,
            "list": processing.list_,
            "remove": processing.remove,
            "run": processing.run,
        },
    ),
    "job": (
        "Look at jobs, and cancel them.",
        WORK,
        {"log": job.log, "cancel": job.cancel},
    ),
    "token": (
        "Make, list and revoke the tokens of a lake's server.",
        LAKE,
        {"create": token.create, "list": token.list_, "revoke": token.revoke},
    ),
}
"""Commands of two words."""


# What must be said, in the order in which it is said.
USAGE = {
    "push": "TARGET VERSION IMAGES…",
    "import": "TARGET VERSION FILE…",
    "pull": "TARGET VERSION DIR",
    "sync": "TARGET VERSION DIR",
    "export": f"TARGET VERSION DST --format {'|'.join(FORMAT_NAMES)}",
    "convert": f"SRC DST --to {'|'.join(FORMAT_NAMES)}",
    "ls": "TARGET [VERSION]",
    "stats": "TARGET VERSION",
    "init": "LAKE",
    "serve": "LAKE",
}


class Parsed(NamedTuple):
    """``command`` starts the work; None where help was asked for and has been printed."""

    command: Callable[[], Coroutine[Any, Any, Result | None]] | None
    output: Output


def make_app() -> App:
    """The whole command line."""
    app = App(
        name="headrace",
        help="Move vision-dataset versions: into a lake, out of it, between formats.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        help_formatter="plain",
        version=__version__,
        default_parameter=Parameter(negative_iterable=""),
    )
    for place, (name, (function, group)) in enumerate(COMMANDS.items()):
        usage = f"Usage: headrace {name} {USAGE[name]} [OPTIONS]"
        app.command(function, name=name, group=group, sort_key=place, usage=usage)
    for family, (words, group, commands) in FAMILIES.items():
        inner = App(name=family, help=words, group=group)
        for name, function in commands.items():
            inner.command(function, name=name)
        app.command(inner)
    return app


def parse(arguments: Sequence[str]) -> Parsed:
    """The command that a command line asks for.

    Raises :class:`UsageError` where it asks for none that there is, or not as it must be asked for.
    """
    app = make_app()
    try:
        command, bound, _ = app.parse_args(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise _explained(error, app) from None
    if not command.__module__.startswith("headrace."):
        # Cyclopts' own: help.
        command(*bound.args, **bound.kwargs)
        return Parsed(None, Output())
    output = bound.arguments.setdefault("output", Output())
    return Parsed(lambda: command(*bound.args, **bound.kwargs), output)


def _explained(error: CycloptsError, app: App) -> UsageError:
    """The same error in the words of this command line."""
    chain = list(error.command_chain or ())
    more = f"see: {' '.join(['headrace', *chain, '--help'])}"
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error, chain)
    if isinstance(error, UnknownOptionError):
        given = error.token.keyword or error.token.value
        known = [name for argument in error.argument_collection for name in argument.names]
        return UsageError(f"no option {given!r}", hint=_meant(given, known) or more)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        if error.keyword:
            return UsageError(f"{error.keyword} needs a value", hint=more)
        positional = error.argument.field_info.kind is inspect.Parameter.POSITIONAL_ONLY
        shown = name.lstrip("-").upper() if positional else name
        return UsageError(f"{shown} is missing", hint=more)
    error.verbose = False
    return UsageError(" ".join(str(error).split()), hint=more)


def _unknown_command(error: UnknownCommandError, chain: list[str]) -> UsageError:
    unused = error.unused_tokens or ["?"]
    known = [*FAMILIES[chain[0]][2]] if chain else [*COMMANDS, *FAMILIES]
    hint = _meant(unused[0], known) or f"commands: {' '.join(known)}"
    return UsageError(f"no command {' '.join([*chain, unused[0]])!r}", hint=hint)


def _meant(given: str, known: Sequence[str]) -> str | None:
    near = get_close_matches(given, known, n=1)
    return f"did you mean {near[0]!r}?" if near else None
