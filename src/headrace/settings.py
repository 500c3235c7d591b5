"""What a person sets once instead of at every call: arguments win over the environment, that over a file.

The file is ``headrace.toml`` in the working folder or above it, or the table ``[tool.headrace]`` of a
``pyproject.toml`` there; the nearest folder that has either is the one that counts. Settings are read when a
connection is made, never at import.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError

FILE = "headrace.toml"
_PROJECT = "pyproject.toml"
_PREFIX = "HEADRACE_"
TOKEN_VARIABLE = _PREFIX + "TOKEN"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``token`` and ``organization`` (its name) are for servers.

    ``max_workers`` is the most transfers or calls under way at once. ``state`` is the folder where uploads that were
    cut short are remembered. With ``trust_storage`` a server's files may lie on this machine or its network, or
    unencrypted, although the server itself does not.
    """

    token: str | None = None
    organization: str | None = None
    max_workers: int | None = None
    state: str | None = None
    trust_storage: bool = False

    def state_folder(self) -> Path:
        """``state``, by default ``headrace`` in the folder that the system has for such things."""
        if self.state is not None:
            return Path(self.state).expanduser()
        given = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_STATE_HOME", "")
        return Path(given or Path.home() / ".local" / "state") / "headrace"

    def __repr__(self) -> str:
        shown = {**msgspec.structs.asdict(self), "token": self.token and "(set)"}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def load_settings(
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **arguments: Any,
) -> Settings:
    """The settings in force; an argument that is None was not given.

    Raises :class:`ConfigurationError` that names the variable or the file for a value that cannot be meant.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    found = {
        **_from_file(folder or Path.cwd()),
        **_from_environment(os.environ if environment is None else environment),
        **given,
    }
    return _checked(found, "an argument")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        text = environment.get(_PREFIX + name.upper(), "").strip()
        if text:
            checked = _checked({name: text}, _PREFIX + name.upper())
            found[name] = getattr(checked, name)
    return found


def _from_file(folder: Path) -> dict[str, Any]:
    for place in (folder, *folder.parents):
        own = _read(place / FILE)
        if own is not None:
            return _fields(own, place / FILE)
        table = (_read(place / _PROJECT) or {}).get("tool", {})
        if isinstance(table, dict) and "headrace" in table:
            return _fields(table["headrace"], place / _PROJECT)
    return {}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if path.name == _PROJECT:
            return None  # other tools' file: they will say so themselves
        raise ConfigurationError(f"{path} is no TOML: {error}", hint="mend or remove it") from None


def _fields(table: Any, path: Path) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: headrace must be a table", hint="[tool.headrace]")
    for name in table:
        if name not in Settings.__struct_fields__:
            near = get_close_matches(name, Settings.__struct_fields__, n=1)
            hint = (
                f"did you mean {near[0]!r}?"
                if near
                else "settings: " + ", ".join(Settings.__struct_fields__)
            )
            raise ConfigurationError(f"{path} has an unknown setting {name!r}", hint=hint)
    _checked(table, str(path))
    return table


def _checked(values: Mapping[str, Any], origin: str) -> Settings:
    try:
        settings = msgspec.convert(dict(values), Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{origin}: {error}", hint="correct the value") from None
    if settings.max_workers is not None and settings.max_workers < 1:
        raise ConfigurationError(f"{origin}: max_workers must be at least 1")
    return settings
