"""Connecting to TARGET, opening LAKE, and finding VERSION there.

LAKE is a lake's folder, or the database of a platform: ``postgresql://user@host/name``. ``postgresql://`` alone stands for
the setting ``database``, so that no password stands in a command line.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import Account
from headrace.cli.console.wording import absolute, shown_folder

if TYPE_CHECKING:
    from headrace.platform.platform import Platform
    from headrace.sdk.client.client import Client
    from headrace.sdk.version.dataset_version import DatasetVersion

POSTGRES = ("postgresql://", "postgres://")

_DIGEST = "@sha256:"
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{64}")


def is_database(place: str) -> bool:
    """Return whether LAKE or TARGET is the database of a platform."""
    return place.lower().startswith(POSTGRES)


def shown(lake: str) -> str:
    """Return LAKE as lines and further commands name it: a database without its parameters."""
    if not is_database(lake):
        return str(Path(lake))
    from headrace.storage.database.dsn import shown_dsn

    return shown_dsn(lake)


def shown_place(lake: str) -> str:
    """Return LAKE as text that cannot be mistaken for a name."""
    return full_place(lake) if is_database(lake) else shown_folder(Path(lake))


def full_place(lake: str) -> str:
    """Return LAKE as results name it: the absolute path of a folder, or a database without its parameters.

    ``postgresql://`` alone is the database that the settings name.
    """
    if not is_database(lake):
        return absolute(Path(lake))
    from headrace.storage.opening import postgres_target

    target = postgres_target(lake)
    return shown(lake) if target is None else target.name


def refuse_password(place: str) -> None:
    """Raise UsageError for a database with a password, since other users of this machine can read a command line."""
    if not is_database(place):
        return
    from headrace.storage.database.dsn import has_password, shown_dsn

    if has_password(place):
        raise UsageError(
            f"{shown_dsn(place)} was given with its password, and other users of this machine can read a command line",
            hint="set PGPASSWORD, write it to ~/.pgpass, or set HEADRACE_DATABASE and name postgresql:// here",
        )


@asynccontextmanager
async def connected(target: str, account: Account) -> AsyncIterator[Client]:
    """Yield a client of the lake or server at ``target``."""
    from headrace import connect

    async with connect(
        target,
        api_token=account.api_token,
        organization_name=account.organization,
        profile=account.profile,
    ) as client:
        # Commands show progress themselves, in the ways that --progress names.
        yield client.with_options(progress="none")


@asynccontextmanager
async def opened_lake(lake: str) -> AsyncIterator[Platform]:
    """Open a lake or a database, with the settings in effect, for what only its owner may do."""
    from headrace.platform.platform import Platform
    from headrace.settings import load_settings

    settings = load_settings()
    async with await Platform.open(
        lake, jobs=not is_database(lake), undo=settings.undo_policy(), audit=settings.audit_policy()
    ) as platform:
        yield platform


async def find_version(client: Client, name: str) -> DatasetVersion:
    """Return the version ``dataset/version``.

    Raises:
        UsageError: The name has another form.
        NotFoundError: There is no such version; the hint lists those that exist.
    """
    check_version_name(name)
    return await client.version(name)


def check_new_version_name(name: str) -> None:
    """Raise UsageError unless ``name`` has the form ``dataset/version``, with one slash and no blanks around a part."""
    check_version_name(name)
    parts = name.split("/")
    if len(parts) > 2 or any(part != part.strip() for part in parts):
        raise UsageError(
            f"{name!r} is not a version name",
            hint="write dataset/version, with one slash and no blanks around the names",
        )


def check_version_name(name: str) -> None:
    """Raise UsageError unless ``name`` has the form ``dataset/version``."""
    if _DIGEST in name:
        raise UsageError(
            f"{name!r}: no digest is compared here",
            hint="pull, export, copy and version digest take one; write dataset/version",
        )
    dataset, slash, version = name.rpartition("/")
    if not (slash and dataset and version):
        raise UsageError(
            f"{name!r} is not a version name", hint="write dataset/version, such as bccd/v1"
        )


def split_digest(name: str) -> tuple[str, str | None]:
    """Return the name of a version, and the digest that stands after it: ``dataset/version@sha256:…``.

    Raises UsageError for a damaged digest.
    """
    version, at, digest = name.rpartition(_DIGEST)
    if not at:
        return name, None
    if not _HEXADECIMAL.fullmatch(digest):
        raise UsageError(
            f"{name!r} ends in no digest",
            hint="write dataset/version@sha256: and 64 hexadecimal digits",
        )
    return version, f"sha256:{digest.lower()}"
