"""Load the settings in effect from arguments, environment variables and files, and warn of what has no effect."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Unpack

from headrace.app_folders import HOME_VARIABLE
from headrace.errors import ConfigurationError, HeadraceWarning, did_you_mean
from headrace.settings.files import project_table, read_toml, user_file
from headrace.settings.values import Settings, SettingsKeywords, UndoPolicy, check_settings

_PREFIX = "HEADRACE_"
TOKEN_VARIABLE = _PREFIX + "TOKEN"
PERSONAL = frozenset(
    {
        *("allow_http", "audit_days", "audit_rows", "database", "metrics"),
        *("objects", "proxies", "public_url", "scratch", "state", "trust_storage"),
    }
)
"""The settings that a project's file cannot change.

The file of a cloned repository could otherwise do harm to the person who cloned it. It could fetch files from that
person's network, send a token without encryption, or plant the state of transfers. It could make a server sign URLs of
another host, believe invented addresses of clients, or show its figures to a network. It could delete the audit log of
a lake, or send the passwords of the environment to another database.
"""

_TOKEN = "token"
_OTHER_VARIABLES = frozenset(
    {
        TOKEN_VARIABLE,
        HOME_VARIABLE,
        # The command line's.
        "HEADRACE_COLOR",
        "HEADRACE_DEBUG",
        "HEADRACE_LOG",
        "HEADRACE_PROGRESS",
        # Those that a processing is started with.
        "HEADRACE_CPU",
        "HEADRACE_DATALAKE_ID",
        "HEADRACE_GPU",
        "HEADRACE_IDS",
        "HEADRACE_JOB_ID",
        "HEADRACE_ORGANIZATION_ID",
        "HEADRACE_PARAMETERS",
        "HEADRACE_PROCESSING",
        "HEADRACE_TARGET",
        "HEADRACE_USERNAME",
        "HEADRACE_VERSION_ID",
    }
)
"""The variables that are not settings."""

OPTION_PREFIXES: set[str] = set()
"""How variables for the options of commands begin, such as ``HEADRACE_PULL_``; the command line adds them."""


def load_settings(
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **arguments: Unpack[SettingsKeywords],
) -> Settings:
    """Load the settings in effect.

    Args:
        folder: Where to start the search for the project's file. Default: the working folder.
        environment: The environment variables. Default: those of the process.
        **arguments: Settings that take precedence; None means not given.

    Returns:
        The settings.

    Raises:
        ConfigurationError: If a value is invalid; the message names the variable or the file.

    Warns:
        HeadraceWarning: If a setting has no effect where it stands, or a variable is unknown.
    """
    variables = os.environ if environment is None else environment
    user = _from_user(user_file(variables))
    given = {name: value for name, value in arguments.items() if value is not None}
    found = {
        **user,
        **_from_project(folder or Path.cwd(), user),
        **_from_environment(variables),
        **given,
    }
    return check_settings(found, "an argument")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        text = environment.get(_PREFIX + name.upper(), "").strip()
        if text:
            checked = check_settings({name: text}, _PREFIX + name.upper())
            found[name] = getattr(checked, name)
    _warn_of_typos(environment)
    return found


def _warn_of_typos(environment: Mapping[str, str]) -> None:
    """Warn of variables whose names are nearly those of headrace. Other variables may belong to other programs."""
    known = {*_OTHER_VARIABLES, *(_PREFIX + name.upper() for name in Settings.__struct_fields__)}
    bare = [name.removeprefix(_PREFIX) for name in known]
    for name in environment:
        if name.startswith(_PREFIX) and name not in known and not _is_option(name):
            for near in get_close_matches(name.removeprefix(_PREFIX), bare, n=1, cutoff=0.75):
                _warn(f"the variable {name} has no effect; did you mean {_PREFIX}{near}?")


def _is_option(variable: str) -> bool:
    return any(variable.startswith(prefix) for prefix in OPTION_PREFIXES)


def _from_user(path: Path) -> dict[str, Any]:
    table = read_toml(path)
    return {} if table is None else _without(table, {_TOKEN}, path)


def _from_project(folder: Path, user: Mapping[str, Any]) -> dict[str, Any]:
    found = project_table(folder)
    if found is None:
        return {}
    path, table = found
    return _without(table, PERSONAL | {_TOKEN} | _lowered(table, user), path)


def _lowered(table: Any, user: Mapping[str, Any]) -> set[str]:
    """Return the settings by which less could be undone than the person expects: that would purge what is kept."""
    default = UndoPolicy()
    least = {"undo_days": default.days, "undo_bytes": default.max_bytes, **user}
    return {
        name
        for name in ("undo_days", "undo_bytes")
        if isinstance(table, dict)
        and isinstance(table.get(name), int | float)
        and table[name] < least[name]
    }


def _without(table: Any, ignored: AbstractSet[str], path: Path) -> dict[str, Any]:
    """Check the settings of a file, and return those that may stand in it."""
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: headrace must be a table", hint="[tool.headrace]")
    # Tables hold options of commands, which the command line reads and checks.
    table = {name: value for name, value in table.items() if not isinstance(value, dict)}
    for name in table:
        if name not in (*Settings.__struct_fields__, _TOKEN):
            known = Settings.__struct_fields__
            hint = did_you_mean(name, known).strip() or f"settings: {', '.join(known)}"
            raise ConfigurationError(f"{path} has an unknown setting {name!r}", hint=hint)
    useless = sorted(ignored & table.keys())
    if useless:
        verb = "is" if len(useless) == 1 else "are"
        _warn(f"{path}: {', '.join(useless)} {verb} ignored: {_cure(useless)}")
    kept = {name: value for name, value in table.items() if name not in ignored}
    check_settings(kept, str(path))
    return kept


def _cure(useless: list[str]) -> str:
    personal = [name for name in useless if name != _TOKEN]
    cures = ["headrace login URL stores a token"] if _TOKEN in useless else []
    if personal:
        what = ", ".join(
            f"lower {name}" if name.startswith("undo_") else f"set {name}" for name in personal
        )
        cures.append(f"a project cannot {what}; do it in {user_file()}")
    return "; ".join(cures)


def _warn(message: str) -> None:
    # Python's own filter shows the same warning once.
    warnings.warn(message, HeadraceWarning, stacklevel=2)
