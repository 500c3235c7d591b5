"""The command line: its commands and groups, and its help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cyclopts import App, Group, Parameter

from headrace._version import __version__
from headrace.cli.console.examples import examples_of
from headrace.cli.console.help_text import HelpFormatter, arguments_of
from headrace.cli.console.options import FORMAT_NAMES
from headrace.cli.console.variables import help_of, prefix_of, read_options
from headrace.cli.lake.backup import backup, restore
from headrace.cli.lake.check import check
from headrace.cli.lake.doctor import doctor
from headrace.cli.lake.du import du
from headrace.cli.lake.gc import gc
from headrace.cli.lake.init import init
from headrace.cli.lake.migrate import migrate
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
from headrace.cli.server import organization, token
from headrace.cli.server.audit import audit
from headrace.cli.server.migrate_schema import migrate_schema
from headrace.cli.server.serve import serve
from headrace.cli.undo import undo
from headrace.cli.version import contents, delete, from_tags, label, tag, version
from headrace.cli.version.digest import digest
from headrace.cli.version.metadata import metadata
from headrace.cli.work import assignments, campaign, job, processing, steps, user
from headrace.settings import OPTION_PREFIXES

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
TARGET is a lake's folder, a server's URL or postgresql://…, VERSION is dataset/version.
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
    "check": (check, SERVE),
    "gc": (gc, SERVE),
    "du": (du, SERVE),
    "backup": (backup, SERVE),
    "restore": (restore, SERVE),
    "migrate": (migrate, SERVE),
    "doctor": (doctor, SERVE),
    "serve": (serve, SERVE),
    "migrate-schema": (migrate_schema, SERVE),
    "audit": (audit, SERVE),
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
        "List users, let them use a dataset, and remove them from a lake.",
        WORK,
        {"list": user.list_, "add": user.add, "remove": user.remove},
    ),
    "token": (
        "Create, list and revoke the tokens of a lake's server, and change the key of its file URLs.",
        SERVE,
        {
            "create": token.create,
            "list": token.list_,
            "revoke": token.revoke,
            "rotate-key": token.rotate_key,
        },
    ),
    "organization": (
        "List, create and rename the organizations of a lake, and add users to them.",
        SERVE,
        {
            "list": organization.list_,
            "create": organization.create,
            "rename": organization.rename,
            "add": organization.add,
        },
    ),
}
"""Commands of two words."""


PAIRS = [[family, name] for family, (*_, names) in SUBCOMMANDS.items() for name in names]
"""The words of these commands."""

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
    "check": "LAKE",
    "gc": "LAKE",
    "du": "LAKE",
    "backup": "LAKE DIR",
    "restore": "DIR LAKE",
    "migrate": "SRC DST",
    "doctor": "[LAKE]",
    "serve": "LAKE",
    "migrate-schema": "DATABASE",
    "audit": "LAKE",
    "login": "URL",
    "logout": "[URL]",
    "whoami": "[URL]",
    "completion": "bash|zsh|fish",
}


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
        config=read_options,
    )
    OPTION_PREFIXES.update(prefix_of(words) for words in [*([name] for name in COMMANDS), *PAIRS])
    app["--help"].group = app["--version"].group = GENERAL
    for position, (name, (function, group)) in enumerate(COMMANDS.items()):
        app.command(
            function,
            name=name,
            group=group,
            sort_key=position,
            show=everything or name in FIRST_PAGE,
            usage=f"Usage: headrace {name} {USAGE[name]} [OPTIONS]",
            help_epilogue=f"{examples_of(name)}\n{EPILOGUE}{help_of([name])}",
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
                help_epilogue=f"{examples_of(f'{name} {subcommand}')}\n{EPILOGUE}"
                + help_of([name, subcommand]),
            )
        app.command(inner)
    return app
