"""Settings from arguments, environment variables and a file, in this order of precedence.

The file is ``headrace.toml`` in the working folder or a folder above it, or the table ``[tool.headrace]`` of a
``pyproject.toml`` there; the nearest folder that has either is used. The environment variable of a setting is its
name in upper case after ``HEADRACE_``. Settings are read when a connection is opened, never at import.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError, did_you_mean

FILE = "headrace.toml"
_PROJECT = "pyproject.toml"
_PREFIX = "HEADRACE_"
TOKEN_VARIABLE = _PREFIX + "TOKEN"


class UndoPolicy(Struct, frozen=True, kw_only=True):
    """How much of what is removed is kept, so that it can be put back, and for how long.

    Attributes:
        days: Days after which a removal can no longer be undone, and a deleted version is purged.
        max_bytes: Bytes that the files of all removals together may take.
    """

    days: float = 7.0
    max_bytes: int = 2 << 30


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings in effect.

    Attributes:
        token: The token for a server.
        organization: The name of the organization on a server. Default: that of the token.
        max_workers: Maximum number of concurrent transfers and calls.
        state: The folder for the state of interrupted uploads, and of the folders that headrace wrote.
        undo_days: Days for which removals from a lake can be undone. Default: 7.
        undo_bytes: Bytes that the records of removals may take, per lake. Default: 2 GiB.
        trust_storage: Follow URLs of files that point to this machine or its network, or are not encrypted, although
            the server itself is remote and encrypted.
    """

    token: str | None = None
    organization: str | None = None
    max_workers: int | None = None
    state: str | None = None
    undo_days: float | None = None
    undo_bytes: int | None = None
    trust_storage: bool = False

    def undo_policy(self) -> UndoPolicy:
        """Return how much of what is removed is kept, and for how long."""
        default = UndoPolicy()
        return UndoPolicy(
            days=default.days if self.undo_days is None else self.undo_days,
            max_bytes=default.max_bytes if self.undo_bytes is None else self.undo_bytes,
        )

    def state_folder(self) -> Path:
        """Return ``state``, by default ``headrace`` in the folder of the system for application state."""
        if self.state is not None:
            return Path(self.state).expanduser()
        given = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_STATE_HOME", "")
        # The specification of these variables has relative paths ignored.
        base = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state"
        return base / "headrace"

    def __repr__(self) -> str:
        shown = {**msgspec.structs.asdict(self), "token": self.token and "(set)"}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class SettingsKeywords(TypedDict, total=False):
    """The settings as keyword arguments; None means not given."""

    token: str | None
    organization: str | None
    max_workers: int | None
    state: str | None
    undo_days: float | None
    undo_bytes: int | None
    trust_storage: bool | None


def load_settings(
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **arguments: Unpack[SettingsKeywords],
) -> Settings:
    """Load the settings in effect.

    Args:
        folder: Where to start the search for the settings file. Default: the working folder.
        environment: The environment variables. Default: those of the process.
        **arguments: Settings that take precedence; None means not given.

    Returns:
        The settings.

    Raises:
        ConfigurationError: If a value is invalid; the message names the variable or the file.
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
    for parent in (folder, *folder.parents):
        own = _read(parent / FILE)
        if own is not None:
            return _fields(own, parent / FILE)
        table = (_read(parent / _PROJECT) or {}).get("tool", {})
        if isinstance(table, dict) and "headrace" in table:
            return _fields(table["headrace"], parent / _PROJECT)
    return {}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if path.name == _PROJECT:
            return None  # the file of other tools, which report it themselves
        raise ConfigurationError(
            f"{path} is not valid TOML: {error}", hint="correct or remove it"
        ) from None


def _fields(table: Any, path: Path) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: headrace must be a table", hint="[tool.headrace]")
    for name in table:
        if name not in Settings.__struct_fields__:
            known = Settings.__struct_fields__
            hint = did_you_mean(name, known).strip() or f"settings: {', '.join(known)}"
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
    for name in ("undo_days", "undo_bytes"):
        if (getattr(settings, name) or 0) < 0:
            raise ConfigurationError(f"{origin}: {name} must not be negative")
    return settings
