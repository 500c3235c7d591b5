"""Options that environment variables and files of settings give: the one scheme for all commands.

The option ``--on-error`` of ``headrace pull`` is also read from the variable ``HEADRACE_PULL_ON_ERROR``, then from
``on-error`` in the table ``[pull]`` of the project's file, then from that of the person's own file. For
``headrace version fork`` they are ``HEADRACE_VERSION_FORK_…`` and ``[version.fork]``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cyclopts import App, Argument, ArgumentCollection, Token

from headrace.cli.console.errors import UsageError
from headrace.errors import ConfigurationError, HeadraceWarning, did_you_mean
from headrace.settings import OPTION_PREFIXES
from headrace.settings.files import project_table, read_toml, user_file

PREFIX = "HEADRACE_"

NEVER = {
    "--token": "other programs can read the environment of a process; HEADRACE_TOKEN is the one variable for it",
    "--yes": "it confirms one deletion, by the person who sees it",
    "--delete": "it deletes",
    "--max-delete": "it lifts the limit on deletions",
    "--annotations": "it deletes",
    "--data": "it chooses what is deleted",
    "--force": "it replaces files of a person",
    "--overwrite": "it replaces files",
    "--no-undo": "it makes a deletion final",
    "--apply": "it does what a plan says, once",
    "--drop-old": "it ends all URLs of files that were handed out",
    "--fetch-urls": "it makes calls to addresses that a data set names",
    "--follow-links": "it reads files outside the folder",
    "--color": "its variable is HEADRACE_COLOR",
    "--verbose": "its variable is HEADRACE_LOG",
}
"""The options that are read from the command line alone, and why."""

PROJECT_COMMANDS = (
    *("push", "pull", "sync", "import", "export", "convert", "copy", "ls", "stats"),
    "serve",
)
"""The commands whose options a project's file may set: the file may belong to a repository of other people."""

PROJECT_NEVER = (
    *("--profile", "--from-profile", "--to-profile", "--prefer", "--no-verify"),
    *("--host", "--public-url", "--metrics", "--objects", "--unix-socket-mode"),
)
"""Of these commands, the options that it may not set. Options that name a file are not read from it either."""

_EXCLUSIVE = (
    ("--json", "--jsonl", "--quiet"),
    ("--up", "--down"),
    ("--open", "--closed"),
    ("--auto-add", "--no-auto-add"),
    ("--auto-close", "--no-auto-close"),
)
"""Groups of options that exclude each other."""


class _Values(NamedTuple):
    """What one place says: the values of options by their names without dashes, and the name of the place."""

    origin: str
    values: dict[str, Any]
    is_project: bool = False


def prefix_of(commands: Sequence[str]) -> str:
    """Return how the variables of a command begin: ``HEADRACE_VERSION_FORK_``."""
    return PREFIX + "".join(f"{word.upper().replace('-', '_')}_" for word in commands)


def variable_of(commands: Sequence[str], option: str) -> str:
    """Return the variable of an option: ``HEADRACE_PULL_ON_ERROR``."""
    return prefix_of(commands) + option.lstrip("-").upper().replace("-", "_")


def help_of(commands: Sequence[str]) -> str:
    """Return the line of a help page about the variables and the table of its command."""
    where = f"{prefix_of(commands)}OPTION and [{'.'.join(commands)}] in headrace.toml"
    return f"Options are also read from {where}.\n"


def options_of(arguments: Iterable[Argument]) -> dict[str, Argument]:
    """Return the options that can be set elsewhere, by their long names."""
    return {
        name: argument
        for argument in arguments
        for name in argument.names
        if name.startswith("--") and name not in NEVER
    }


def read_options(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Set the options that the command line does not give; called by the parser.

    Raises:
        UsageError: A file or a variable names an option that the command does not have.
        ConfigurationError: A file is damaged.
    """
    options = options_of(arguments)
    if not commands or not options:
        return
    excluded = _excluded_by(options)
    for place in _places(commands, options):
        found = {f"--{name}": value for name, value in place.values.items()}
        _check(found, options, commands, place)
        # All options of one place count together: --include and --exclude are one list of globs.
        free = {id(argument) for argument in options.values() if not argument.tokens}
        for name, value in found.items():
            argument = options.get(name)
            if argument is not None and id(argument) in free and name not in excluded:
                _set(argument, name, value, place.origin or variable_of(commands, name))
        excluded |= _excluded_by(options)


def _excluded_by(options: dict[str, Argument]) -> set[str]:
    """Return the options that those that are set exclude."""
    return {
        name
        for group in _EXCLUSIVE
        if any(one in options and options[one].tokens for one in group)
        for name in group
    }


def _set(argument: Argument, name: str, value: Any, origin: str) -> None:
    if isinstance(value, list) and not argument.token_count()[1]:
        raise UsageError(f"{origin}: {name} has one value, not a list", hint="give the value alone")
    values = value if isinstance(value, list) else [value]
    if isinstance(value, str) and not origin.endswith(".toml"):
        values = list(argument.env_var_split(value))
    for index, each in enumerate(values):
        text = str(each).lower() if isinstance(each, bool) else str(each)
        argument.append(Token(keyword=name, value=text, source=origin, index=index))


def _places(commands: tuple[str, ...], options: dict[str, Argument]) -> Iterator[_Values]:
    """Yield what the environment, the project's file and the person's file say, in this order."""
    prefix = prefix_of(commands)
    # An empty variable counts as not set.
    variables = {
        name.removeprefix(prefix).lower().replace("_", "-"): value
        for name, value in sorted(os.environ.items(), reverse=True)
        if name.startswith(prefix) and value
    }
    yield _Values("", variables)
    found = project_table(Path.cwd())
    if found is not None:
        yield _Values(str(found[0]), _table(*found, commands), is_project=True)
    path = user_file()
    yield _Values(str(path), _table(path, read_toml(path) or {}, commands))


def _table(path: Path, table: Any, commands: tuple[str, ...]) -> dict[str, Any]:
    """Return the table of a command in a file, with dashes in the names of its options."""
    names = {prefix.split("_")[1].lower() for prefix in OPTION_PREFIXES}
    for name, value in table.items() if isinstance(table, dict) else ():
        if isinstance(value, dict) and name not in names:
            hint = did_you_mean(name, names).strip() or "tables are named like commands"
            raise UsageError(f"{path}: no command {name!r}", hint=hint)
    for word in commands:
        table = table.get(word, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise ConfigurationError(
            f"{path}: {'.'.join(commands)} must be a table", hint=f"[{'.'.join(commands)}]"
        )
    return {name.replace("_", "-"): value for name, value in table.items()}


def _check(
    found: dict[str, Any],
    options: dict[str, Argument],
    commands: tuple[str, ...],
    place: _Values,
) -> None:
    """Refuse unknown options; drop, with a warning, options that are not read from this place."""
    for name in list(found):
        where = place.origin or variable_of(commands, name)
        what = f"headrace {' '.join(commands)}"
        if name in NEVER:
            _warn(f"{where}: {name} is read from the command line alone: {NEVER[name]}")
            del found[name]
        elif name not in options and not place.origin:
            near = did_you_mean(name, options).strip()
            _warn(
                f"the variable {where} has no effect: {what} has no option {name}. {near}".rstrip()
            )
            del found[name]
        elif name not in options:
            hint = did_you_mean(name, options).strip() or f"see: {what} --help"
            raise UsageError(f"{where}: {what} has no option {name}", hint=hint)
        elif place.is_project and not _is_for_projects(commands, name, options[name]):
            _warn(f"{where}: {name} is ignored; a project cannot set it: do it in {user_file()}")
            del found[name]


def _warn(message: str) -> None:
    warnings.warn(message, HeadraceWarning, stacklevel=2)


def _is_for_projects(commands: tuple[str, ...], name: str, argument: Argument) -> bool:
    return (
        " ".join(commands) in PROJECT_COMMANDS
        and name not in PROJECT_NEVER
        and "Path" not in str(argument.hint)
    )
