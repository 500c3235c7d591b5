"""The profiles: tokens that ``headrace login`` stored, each bound to one server.

They are in one JSON file that only its owner can read, in the configuration folder. It is replaced in one step, so a
crash leaves the old file or the new one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct, field

from headrace.app_folders import config_folder
from headrace.errors import ConfigurationError
from headrace.folders.lock import PathLock

FILE = "profiles.json"
_LOCK_SECONDS = 10.0


class Profile(Struct, frozen=True, kw_only=True):
    """A stored token.

    Attributes:
        address: The only server that gets the token, as scheme, host and port.
        token: The token.
        organization: The name of the organization that calls are made for. Default: that of the token.
    """

    address: str
    token: str
    organization: str | None = None

    def __repr__(self) -> str:
        return f"Profile(address={self.address!r}, organization={self.organization!r})"


class _Document(Struct, kw_only=True):
    profiles: dict[str, Profile] = field(default_factory=dict)


_decoder = msgspec.json.Decoder(_Document)


def profiles_path() -> Path:
    """Return the path of the file, which need not exist."""
    return config_folder() / FILE


def load_profiles() -> dict[str, Profile]:
    """Return the profiles by name; empty if none was stored.

    Raises:
        ConfigurationError: Others can read the file, or it is damaged.
    """
    path = profiles_path()
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigurationError(f"{path}: {why}", hint="make it readable for you alone") from None
    with open(fd, "rb") as file:
        _check_private(path, os.fstat(fd))
        content = file.read()
    try:
        return _decoder.decode(content).profiles
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The reason is left out: it could quote the token.
        raise ConfigurationError(
            f"{path} is damaged", hint="delete it and log in again: headrace login URL"
        ) from None


def store_profile(name: str, profile: Profile) -> None:
    """Add or replace a profile.

    Raises:
        ConfigurationError: The file cannot be read, or another process keeps it locked.
        OSError: It cannot be written.
    """
    with _locked():
        _write(load_profiles() | {name: profile})


def remove_profile(name: str) -> None:
    """Remove a profile; does nothing if there is none of that name. Raises the errors of :func:`store_profile`."""
    with _locked():
        profiles = load_profiles()
        if profiles.pop(name, None) is not None:
            _write(profiles)


def _check_private(path: Path, found: os.stat_result) -> None:
    if sys.platform == "win32":
        return  # there the folder of a user is closed to others
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigurationError(
            f"{path} contains tokens and other users can read or change it"
            f" (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"chmod 600 {path}; tokens that others may have read should be revoked",
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"{path} belongs to another user", hint="remove it and log in again: headrace login URL"
        )


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    folder = config_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    lock = PathLock(folder / f"{FILE}.lock")
    deadline = time.monotonic() + _LOCK_SECONDS
    while not lock.take():
        if time.monotonic() > deadline:
            raise ConfigurationError(
                f"another process is writing {profiles_path()}", hint="try again"
            )
        time.sleep(0.01)
    try:
        yield
    finally:
        lock.free()


def _write(profiles: dict[str, Profile]) -> None:
    path = profiles_path()
    part = path.with_name(f"{FILE}.{uuid4().hex}")
    content = msgspec.json.format(msgspec.json.encode(_Document(profiles=profiles))) + b"\n"
    try:
        # Never readable by others, not even before the rename.
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
