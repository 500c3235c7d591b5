"""The command line: its commands and groups, its help, and what it says about a wrong command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from cyclopts import (
    App,
    Argument,
    CoercionError,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    RepeatArgumentError,
    UnknownCommandError,
    UnusedCliTokensError,
    ValidationError,
)
from cyclopts.exceptions import UnknownOptionError

from headrace._version import __version__
from headrace.cli.console.errors import UsageError
from headrace.cli.console.help_text import HelpFormatter
from headrace.cli.console.options import FORMAT_NAMES, Output
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
from headrace.cli.undo import undo
from headrace.cli.work import job, processing

MOVE = Group("Move data", sort_key=1)
LOOK = Group("Look", sort_key=2)
TAKE_BACK = Group("Take back", sort_key=3)
WORK = Group("Work", sort_key=4)
LAKE = Group("A lake", sort_key=5)
SERVER = Group("A server", sort_key=6)
GENERAL = Group("General", sort_key=9)

EPILOGUE = """\
TARGET is a lake's folder or a server's URL, VERSION is dataset/version.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

COMMANDS: dict[str, tuple[Callable[..., Any], Group]] = {
    "push": (push, MOVE),
    "pull": (pull, MOVE),
    "sync": (sync, MOVE),
    "import": (import_, MOVE),
    "export": (export, MOVE),
    "convert": (convert, MOVE),
    "ls": (ls, LOOK),
    "stats": (stats, LOOK),
    "init": (init, LAKE),
    "serve": (serve, SERVER),
}
SUBCOMMANDS: dict[str, tuple[str, Group, dict[str, Callable[..., Any]]]] = {
    "undo": (
        "List what was removed or replaced, and put it back.",
        TAKE_BACK,
        {"list": undo.list_, "show": undo.show, "run": undo.run},
    ),
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
        "Show the logs of jobs, and cancel jobs.",
        WORK,
        {"log": job.log, "cancel": job.cancel},
    ),
    "token": (
        "Create, list and revoke the tokens of a lake's server.",
        SERVER,
        {"create": token.create, "list": token.list_, "revoke": token.revoke},
    ),
}
"""Commands of two words."""


# The required arguments, in the order in which they are given.
USAGE = {
    "push": "TARGET VERSION IMAGES…",
    "pull": "TARGET VERSION DIR",
    "sync": "TARGET VERSION DIR",
    "import": "TARGET VERSION FILE…",
    "export": f"TARGET VERSION DST --format {'|'.join(FORMAT_NAMES)}",
    "convert": f"SRC DST --to {'|'.join(FORMAT_NAMES)}",
    "ls": "TARGET [VERSION]",
    "stats": "TARGET VERSION",
    "init": "LAKE",
    "serve": "LAKE",
}


class Parsed(NamedTuple):
    """A parsed command line; ``command`` starts the work, and is None if help was printed instead."""

    command: Callable[[], Coroutine[Any, Any, Result | None]] | None
    output: Output


def make_app() -> App:
    """Return the whole command line."""
    app = App(
        name="headrace",
        help="Move vision-dataset versions into a lake, out of it, and between formats.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        help_formatter=HelpFormatter(),
        version=__version__,
        default_parameter=Parameter(negative_iterable=""),
    )
    app["--help"].group = app["--version"].group = GENERAL
    for position, (name, (function, group)) in enumerate(COMMANDS.items()):
        usage = f"Usage: headrace {name} {USAGE[name]} [OPTIONS]"
        app.command(function, name=name, group=group, sort_key=position, usage=usage)
    for position, (name, (text, group, commands)) in enumerate(SUBCOMMANDS.items()):
        inner = App(name=name, help=text, group=group, sort_key=len(COMMANDS) + position)
        for subcommand, function in commands.items():
            inner.command(function, name=subcommand)
        app.command(inner)
    return app


def parse(arguments: Sequence[str]) -> Parsed:
    """Parse a command line.

    Raises:
        UsageError: The command, an option or a value is unknown or missing; the hint names the nearest one.
    """
    app = make_app()
    try:
        command, bound, _ = app.parse_args(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise _usage_error(error) from None
    if not command.__module__.startswith("headrace."):
        # A command of cyclopts: help.
        command(*bound.args, **bound.kwargs)
        return Parsed(None, Output())
    output = bound.arguments.setdefault("output", Output())
    return Parsed(lambda: command(*bound.args, **bound.kwargs), output)


def _usage_error(error: CycloptsError) -> UsageError:
    """Return an error of the parser in the words of this command line."""
    chain = list(error.command_chain or ())
    see_help = f"see: {' '.join(['headrace', *chain, '--help'])}"
    if isinstance(error, UnknownCommandError):
        return _unknown_command(error, chain)
    if isinstance(error, UnknownOptionError):
        given = (error.token.keyword or error.token.value).partition("=")[0]
        known = [name for argument in error.argument_collection for name in argument.names]
        return UsageError(f"unknown option {given}", hint=_did_you_mean(given, known) or see_help)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        if error.keyword:
            return UsageError(f"{error.keyword} needs a value", hint=see_help)
        positional = error.argument.field_info.kind is inspect.Parameter.POSITIONAL_ONLY
        shown = name.lstrip("-").upper() if positional else name
        return UsageError(f"{shown} is missing", hint=see_help)
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return UsageError(f"unexpected argument {error.unused_tokens[0]!r}", hint=see_help)
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        return _wrong_value(error.argument, error.token.value, error.target_type)
    if isinstance(error, RepeatArgumentError) and error.token is not None:
        return UsageError(f"{error.token.keyword} is given more than once", hint=see_help)
    if isinstance(error, ValidationError) and error.argument is not None:
        rule = str(error.exception_message).rstrip(".").removeprefix("Must be ")
        return UsageError(f"{error.argument.name} must be {rule}", hint=see_help)
    error.verbose = False
    return UsageError(" ".join(str(error).split()), hint=see_help)


def _unknown_command(error: UnknownCommandError, chain: list[str]) -> UsageError:
    given = (error.unused_tokens or ["?"])[0]
    known = [*SUBCOMMANDS[chain[0]][2]] if chain else [*COMMANDS, *SUBCOMMANDS]
    prefix = "".join(f"{word} " for word in chain)
    if given.startswith("-"):
        hint = (
            _did_you_mean(given, ["--help", "--version"], cutoff=0.75)
            or "options follow the command"
        )
        return UsageError(f"unknown option {given}", hint=hint)
    if given == "help":
        hint = f"see: headrace {prefix}--help"
    else:
        near = _nearest(given, known)
        hint = f"did you mean {prefix + near!r}?" if near else f"commands: {' '.join(known)}"
    return UsageError(f"unknown command {prefix + given!r}", hint=hint)


def _wrong_value(argument: Argument, given: str, wanted: type | None) -> UsageError:
    """Return the error for a value that is no choice, no number or no truth value."""
    choices = argument.get_choices(force=True)
    if choices:
        near = _nearest(given, choices)
        hint = (f"did you mean {near!r}? " if near else "") + f"choices: {', '.join(choices)}"
    else:
        hint = f"give {_KINDS.get(wanted, 'another value')}"
    return UsageError(f"{argument.name} cannot be {given!r}", hint=hint)


_KINDS: dict[type | None, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false, or the option alone",
}


def _did_you_mean(given: str, known: Sequence[str], *, cutoff: float = 0.6) -> str | None:
    near = _nearest(given, known, cutoff=cutoff)
    return f"did you mean {near}?" if near else None


def _nearest(given: str, known: Sequence[str], *, cutoff: float = 0.6) -> str | None:
    # Without the dashes, which all options share: they would make any two options look alike.
    bare = {name.lstrip("-"): name for name in known}
    near = get_close_matches(given.lower().lstrip("-"), bare, n=1, cutoff=cutoff)
    return bare[near[0]] if near else None
