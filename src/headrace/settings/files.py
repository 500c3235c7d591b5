"""The files of settings: the project's, and the person's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.app_folders import config_folder
from headrace.errors import ConfigurationError

FILE = "headrace.toml"
USER_FILE = "config.toml"
_PROJECT = "pyproject.toml"


def user_file(environment: Mapping[str, str] | None = None) -> Path:
    """Return the path of the person's own file."""
    return config_folder(environment) / USER_FILE


def project_table(folder: Path) -> tuple[Path, Any] | None:
    """Return the project's file and its settings: of the nearest folder, from this one upwards, that has some."""
    for parent in (folder, *folder.parents):
        path = parent / FILE
        table = read_toml(path)
        if table is None:
            path = parent / _PROJECT
            table = (read_toml(path) or {}).get("tool", {})
            table = table.get("headrace") if isinstance(table, dict) else None
        if table is not None:
            return path, table
    return None


def read_toml(path: Path) -> dict[str, Any] | None:
    """Return the content of a file; None if there is none. Raises ConfigurationError for a damaged one."""
    try:
        # A cloned repository could hold a pipe or a link to a device, whose reading never ends.
        if not path.is_file() and path.exists():
            if path.name == _PROJECT:
                return None
            raise ConfigurationError(f"{path} is not a regular file", hint="remove or rename it")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if path.name == _PROJECT:
            return None  # the file of other tools, which report it themselves
        raise ConfigurationError(
            f"{path} is not valid TOML: {error}", hint="correct or remove it"
        ) from None
