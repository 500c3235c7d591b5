"""The folder of a lake, which can be copied or moved as a whole: ``headrace.db``, ``objects/`` and ``removals/``."""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

import anyio

from headrace.errors import LakeError, NotALakeError, StorageError
from headrace.folders.lakes import DATABASE, check_no_lake, is_lake
from headrace.platform.accounts.members import add_organization, put_member
from headrace.platform.accounts.signing_keys import SECRET_BYTES
from headrace.platform.core.access import OWNER
from headrace.storage.database.base import Transaction
from headrace.storage.database.sqlite.database import SqliteDatabase
from headrace.threads import in_thread

ORGANIZATION = "local"
ACCOUNT = "local"

_LEFT_OVER = ".headrace-"


async def create_lake(path: Path) -> None:
    """Create a lake in a new or empty folder, completely or not at all.

    Raises:
        LakeError: The folder is in use, or lies in a lake.
        StorageError: The folder or a file in it cannot be created.
    """
    made = await in_thread(_make_folder, path)
    draft = path / f"{_LEFT_OVER}{secrets.token_hex(8)}.db"
    try:
        await SqliteDatabase.create(draft)
        database = await SqliteDatabase.open(draft)
        try:
            async with database.transaction() as tx:
                await fill_catalog(tx, time.time_ns() // 1_000_000)
        finally:
            await database.aclose()
        await in_thread(_publish, draft, path)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await in_thread(_remove, draft)
            await in_thread(_remove_folders, made)
        raise
    await in_thread(_remove, draft)


async def check_lake(path: Path) -> None:
    """Raise :class:`NotALakeError` if the folder is not a lake; the error says what is there."""
    await in_thread(_check, path)


async def fill_catalog(tx: Transaction, now: int) -> None:
    """Add the first organization, its owner and a signing key to an empty catalog; ``now`` is in milliseconds."""
    await add_organization(tx, 1, ORGANIZATION, now)
    await put_member(tx, 1, ACCOUNT, OWNER, now)
    await tx.fetch_one(
        "accounts.add_signing_key", secret=secrets.token_bytes(SECRET_BYTES), created=now
    )


def _make_folder(path: Path) -> list[Path]:
    """Create the folder; return those that did not exist, the innermost first."""
    if not is_lake(path):
        check_no_lake(path, below=False)
    made = [each for each in (path, *path.parents) if not os.path.lexists(each)]
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        entries = [name for name in os.listdir(path) if not name.startswith(_LEFT_OVER)]
    except (FileExistsError, NotADirectoryError):
        raise LakeError(f"{path} is a file", hint="choose a new folder") from None
    except OSError as error:
        _remove_folders(made)
        raise StorageError(f"cannot create {path}: {error.strerror}") from error
    if DATABASE in entries:
        raise LakeError(f"{path} is a lake already", hint="use it, or choose a new folder")
    if entries:
        raise LakeError(f"{path} is not empty", hint="choose a new or an empty folder")
    return made


def _publish(draft: Path, path: Path) -> None:
    try:
        path.chmod(0o700)
        try:
            # A link fails if the name is taken; a rename would replace the other lake.
            os.link(draft, path / DATABASE)
        except FileExistsError:
            raise LakeError(f"{path} is a lake already", hint="use it") from None
        except OSError:
            draft.rename(path / DATABASE)
    except OSError as error:
        raise StorageError(f"cannot create a lake in {path}: {error.strerror}") from error


def _remove_folders(made: list[Path]) -> None:
    """Remove the folders that were made for a lake that was not; what others put into one keeps it."""
    for folder in made:
        with suppress(OSError):
            folder.rmdir()


def _remove(draft: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _check(path: Path) -> None:
    cure = f"make one: headrace init {path}"
    if path.is_file():
        raise NotALakeError(f"{path} is a file, not the folder of a lake", hint=cure)
    if not path.exists():
        if re.fullmatch(r"[\w.-]+:\d+", str(path)):
            cure = f"a server's address begins with http: http://{path}"
        raise NotALakeError(f"there is no lake {path}", hint=cure)
    if not is_lake(path):
        raise NotALakeError(f"{path} is a folder but not a lake (no {DATABASE})", hint=cure)
