"""A lake that is being made beside its place, and put there by a rename when it is complete."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headrace.errors import LakeBusyError, LakeError
from headrace.file_system import sync_folder
from headrace.folders.lakes import DATABASE, check_no_lake, is_lake
from headrace.folders.lock import PathLock
from headrace.platform.care.backups.files import make_folder
from headrace.platform.care.backups.folder import CATALOG
from headrace.storage.objects.file_errors import file_errors
from headrace.threads import in_thread


class DraftLake:
    """A lake that is made in a hidden folder beside its place, and appears there when it is complete.

    What was interrupted leaves the folder; the same work continues in it, other work of its kind removes it. ``folder`` is
    the hidden one. All methods but :meth:`held` block.

    Args:
        lake: The place of the lake, an absolute path.
        work: What makes it: ``restore`` or ``migrate``.
        key: What tells this work from other work of its kind.
    """

    def __init__(self, lake: Path, work: str, key: str) -> None:
        self.lake = lake
        self._work = work
        self._prefix = f".{lake.name}.{work}-"
        self.folder = lake.with_name(f"{self._prefix}{key}")

    @property
    def catalog(self) -> Path:
        """The file of the catalog, as long as the draft is not complete."""
        return self.folder / CATALOG

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep other work of this kind away from the place for a block.

        Raises:
            LakeBusyError: Another process does it.
        """
        lock = PathLock(self.lake.with_name(f".{self.lake.name}.{self._work}.lock"))

        def take() -> bool:
            with file_errors(self.lake.parent):
                make_folder(self.lake.parent)
                return lock.take()

        if not await in_thread(take):
            raise LakeBusyError(
                f"another process makes the lake {self.lake}",
                hint="run this again when it has finished",
            )
        try:
            yield
        finally:
            await in_thread(lock.free)

    def check_place(self) -> None:
        """Check that a lake can be made in the place.

        Raises:
            LakeError: It is in use, or lies in a lake.
        """
        if is_lake(self.lake):
            raise LakeError(
                f"{self.lake} is a lake already",
                hint="choose a new folder, and exchange the two afterwards",
            )
        check_no_lake(self.lake, below=False)
        if self.lake.exists() and not self.lake.is_dir():
            raise LakeError(f"{self.lake} is a file", hint="choose a new folder")
        if self.lake.is_dir() and any(self.lake.iterdir()):
            raise self._in_use()

    def begin(self) -> None:
        """Make the folder, and remove what other work of this kind has left here."""
        with file_errors(self.lake.parent):
            for name in os.listdir(self.lake.parent):
                if name.startswith(self._prefix) and name != self.folder.name:
                    shutil.rmtree(self.lake.parent / name, ignore_errors=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)

    def publish(self) -> None:
        """Put the lake in its place.

        Raises:
            LakeError: The place is in use by now.
        """
        with file_errors(self.lake.parent):
            if self.catalog.exists():
                os.rename(self.catalog, self.folder / DATABASE)
                sync_folder(self.folder)
            try:
                os.rename(self.folder, self.lake)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    raise self._in_use() from None
                raise
            sync_folder(self.lake.parent)

    def _in_use(self) -> LakeError:
        return LakeError(f"{self.lake} is not empty", hint="choose a new or an empty folder")
