"""The folders of the system in which headrace keeps its configuration and its state. Nothing is created here.

``HEADRACE_HOME`` overrides them all. Otherwise the XDG base directories apply, on Windows those of the user's profile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "HEADRACE_HOME"


def config_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder for what a person configures: settings and profiles.

    Args:
        environment: The environment variables. Default: those of the process.
    """
    return _folder("config", "APPDATA", "XDG_CONFIG_HOME", (".config",), environment)


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder for what headrace remembers between two runs.

    Args:
        environment: The environment variables. Default: those of the process.
    """
    return _folder("state", "LOCALAPPDATA", "XDG_STATE_HOME", (".local", "state"), environment)


def _folder(
    kind: str,
    windows: str,
    xdg: str,
    default: tuple[str, ...],
    environment: Mapping[str, str] | None,
) -> Path:
    variables = os.environ if environment is None else environment
    if home := variables.get(HOME_VARIABLE, "").strip():
        return Path(home).expanduser().absolute() / kind
    given = variables.get(windows if os.name == "nt" else xdg, "")
    # The specification of these variables has relative paths ignored.
    base = Path(given) if Path(given).is_absolute() else Path.home().joinpath(*default)
    return base / "headrace"
