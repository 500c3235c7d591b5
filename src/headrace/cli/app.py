"""The command line: its commands and groups, and its help."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from cyclopts import App, CycloptsError, Group, Parameter

from headrace._version import __version__
from headrace.cli.console.examples import examples_of
from headrace.cli.console.help_text import HelpFormatter, arguments_of
from headrace.cli.console.options import FORMAT_NAMES, Output
from headrace.cli.console.progress import with_mode
from headrace.cli.console.result import Result
from headrace.cli.console.streams import with_streams
from headrace.cli.console.usage import usage_error
from headrace.cli.lake.init import init
from headrace.cli.look.explain import explain
from headrace.cli.look.ls import ls
from headrace.cli.look.stats import stats
from headrace.cli.me.completion import completion_command
from headrace.cli.me.login import login, logout, whoami
from headrace.cli.move.convert import convert
from headrace.cli.move.copy import copy
from headrace.cli.move.export import export
from headrace.cli.move.import_ import import_
from headrace.cli.move.pull import pull
from headrace.cli.move.push import push
from headrace.cli.move.sync import sync
from headrace.cli.server import token
from headrace.cli.server.serve import serve
from headrace.cli.undo import undo
from headrace.cli.version import contents, delete, from_tags, label, tag, version
from headrace.cli.version.digest import digest
from headrace.cli.version.metadata import metadata
from headrace.cli.work import assignments, campaign, job, processing, steps, user

MOVE = Group("Move data", sort_key=1)
LOOK = Group("Look", sort_key=2)
VERSION = Group("A version", sort_key=3)
WORK = Group("Work", sort_key=4)
SERVE = Group("A lake, a server", sort_key=5)
ME = Group("Me", sort_key=6)
GENERAL = Group("General", sort_key=9)

FIRST_PAGE = (
    *("push", "pull", "sync", "import", "export", "convert"),
    *("ls", "stats", "version", "undo", "init", "serve"),
)
"""The commands that ``headrace --help`` describes; it names the others in one line."""

ALIASES = {"ls": ("list",), "rm": ("remove", "delete", "revoke")}
"""Accepted in place of a sub-command: the first of these that the family has."""

EPILOGUE = """\
TARGET is a lake's folder or a server's URL, VERSION is dataset/version.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

EXIT_CODES = """\
Exit status:
    0  done
    1  failed, or done in part; with --exit-code, pull has fetched something
    2  wrong usage, or not confirmed: nothing was done
  130  interrupted: run the same command to continue
"""

COMMANDS: dict[str, tuple[Callable[..., Any], Group]] = {
    "push": (push, MOVE),
    "pull": (pull, MOVE),
    "sync": (sync, MOVE),
    "import": (import_, MOVE),
    "export": (export, MOVE),
    "convert": (convert, MOVE),
    "copy": (copy, MOVE),
    "ls": (ls, LOOK),
    "stats": (stats, LOOK),
    "explain": (explain, LOOK),
    "init": (init, SERVE),
    "serve": (serve, SERVE),
    "login": (login, ME),
    "logout": (logout, ME),
    "whoami": (whoami, ME),
    "completion": (completion_command(lambda: make_app(everything=True)), ME),
}
SUBCOMMANDS: dict[str, tuple[str, Group, dict[str, Callable[..., Any]]]] = {
    "version": (
        "List, create, fork, rename and delete versions, and choose what is in them.",
        VERSION,
        {
            "list": version.list_,
            "show": version.show,
            "create": version.create,
            "fork": version.fork,
            "rename": version.rename,
            "add": contents.add,
            "remove": delete.remove,
            "merge": contents.merge,
            "split": contents.split,
            "metadata": metadata,
            "lock": contents.lock,
            "unlock": contents.unlock,
            "digest": digest,
            "delete": delete.delete,
        },
    ),
    "tag": (
        "List, create, rename and delete tags, and tag assets, data, versions and datasets.",
        VERSION,
        {
            "list": tag.list_,
            "create": tag.create,
            "add": tag.add,
            "remove": tag.remove,
            "rename": tag.rename,
            "convert": from_tags.convert,
            "delete": tag.delete,
        },
    ),
    "label": (
        "List, show, add, rename, merge and delete the labels of a version.",
        VERSION,
        {
            "list": label.list_,
            "show": label.show,
            "add": label.add,
            "rename": label.rename,
            "merge": label.merge,
            "delete": label.delete,
        },
    ),
    "undo": (
        "List what was removed or replaced, and put it back.",
        VERSION,
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
        "List and show jobs, print their logs, and cancel jobs.",
        WORK,
        {"list": job.list_, "show": job.show, "log": job.log, "cancel": job.cancel},
    ),
    "campaign": (
        "List, create, show, change, close and delete annotation campaigns, and assign their work.",
        WORK,
        {
            "list": campaign.list_,
            "create": campaign.create,
            "show": campaign.show,
            "edit": campaign.edit,
            "add-step": steps.add_step,
            "remove-step": steps.remove_step,
            "sync": assignments.sync,
            "assignments": assignments.assignments,
            "assign": assignments.assign,
            "submit": assignments.submit,
            "close": campaign.close,
            "delete": campaign.delete,
        },
    ),
    "user": (
        "List users, and let them use a dataset.",
        WORK,
        {"list": user.list_, "add": user.add},
    ),
    "token": (
        "Create, list and revoke the tokens of a lake's server.",
        SERVE,
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
    "export": f"TARGET VERSION DST --to {'|'.join(FORMAT_NAMES)}",
    "convert": f"SRC DST --to {'|'.join(FORMAT_NAMES)}",
    "copy": "SRC VERSION DST [VERSION]",
    "ls": "TARGET [VERSION]",
    "stats": "TARGET VERSION",
    "explain": "[CODE]",
    "init": "LAKE",
    "serve": "LAKE",
    "login": "URL",
    "logout": "[URL]",
    "whoami": "[URL]",
    "completion": "bash|zsh|fish",
}


class Parsed(NamedTuple):
    """A parsed command line; ``command`` starts the work, and is None if help was printed instead.

    ``name`` is the command as results name it: ``push``, ``version.list``.
    """

    command: Callable[[], Coroutine[Any, Any, Result | None]] | None
    output: Output
    name: str = ""


def make_app(*, everything: bool = False) -> App:
    """Return the whole command line; with ``everything``, its first page describes all commands."""
    more = [name for name in (*COMMANDS, *SUBCOMMANDS) if name not in FIRST_PAGE]
    app = App(
        name="headrace",
        help="Move vision-dataset versions into a lake, out of it, and between formats.",
        help_epilogue="\n".join(
            [
                f"More commands: {', '.join(more)}. Each has --help.",
                "",
                examples_of(),
                EPILOGUE.partition("\n")[0],
                EXIT_CODES,
            ]
        ),
        help_format="plaintext",
        help_formatter=HelpFormatter(),
        version=__version__,
        default_parameter=Parameter(negative_iterable=""),
    )
    app["--help"].group = app["--version"].group = GENERAL
    for position, (name, (function, group)) in enumerate(COMMANDS.items()):
        app.command(
            function,
            name=name,
            group=group,
            sort_key=position,
            show=everything or name in FIRST_PAGE,
            usage=f"Usage: headrace {name} {USAGE[name]} [OPTIONS]",
            help_epilogue=f"{examples_of(name)}\n{EPILOGUE}",
        )
    for position, (name, (text, group, commands)) in enumerate(SUBCOMMANDS.items()):
        inner = App(
            name=name,
            help=text,
            group=group,
            sort_key=len(COMMANDS) + position,
            show=everything or name in FIRST_PAGE,
            help_epilogue=f"{examples_of(name)}\n{EPILOGUE}",
        )
        for order, (subcommand, function) in enumerate(commands.items()):
            inner.command(
                function,
                name=subcommand,
                sort_key=order,
                usage=f"Usage: headrace {name} {subcommand} {arguments_of(function)} [OPTIONS]",
                help_epilogue=f"{examples_of(f'{name} {subcommand}')}\n{EPILOGUE}",
            )
        app.command(inner)
    return app


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
    output = bound.arguments.setdefault("output", Output())
    name = ".".join(words[: 2 if words[0] in SUBCOMMANDS else 1])
    return Parsed(lambda: command(*bound.args, **bound.kwargs), output, name)


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
