"""Atomic publishing: a target appears complete or not at all, and no file of the user is lost.

The target is built at ``.NAME.headrace-part`` next to it, under a lock on ``.NAME.headrace-lock``. The system releases
the lock when its process ends, so the next run can safely delete the remains of a killed one. A folder that is replaced
is at ``.NAME.headrace-old`` for a moment; a run that was killed in this moment is brought to its end by the next one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from pathlib import Path

from headrace.errors import FormatError
from headrace.folders.lakes import check_no_lake
from headrace.folders.lock import PathLock
from headrace.folders.manifest import NAME, NEXT, Manifest, join_manifests, save_manifest
from headrace.folders.replace import (
    clear_replaced,
    first_of,
    in_the_way,
    in_the_way_error,
    keep_foreign,
    move_aside,
)
from headrace.folders.state import make_state, state_of

log = logging.getLogger("headrace.formats")


class AtomicTarget:
    """Builds one file or folder and publishes it atomically.

    Args:
        target: The path to create. A link is followed.
        overwrite: Replace an existing file; of an existing folder only the files that headrace wrote there and that
            are unchanged. Other files stay where they are.
        force: Rename to ``NAME.replaced-TIME`` what ``overwrite`` must not replace.
    """

    temporary = False
    """Whether the target is in a temporary folder of headrace's own, which may be in a lake. Nothing is noted of it."""

    def __init__(self, target: Path, *, overwrite: bool, force: bool = False) -> None:
        self.shown = target
        self.target = Path(os.path.realpath(target))
        self.temp = self._beside("part")
        self.replaced: Path | None = None
        """What was at the target and is there under this name now; None if nothing was renamed."""
        self._old = self._beside("old")
        self._lock = PathLock(self._beside("lock"))
        self._overwrite = overwrite or force
        self._force = force

    @property
    def lock(self) -> int:
        """File descriptor of the lock, valid from :meth:`begin` on; a process that inherits it holds the lock too."""
        return self._lock.descriptor

    def begin(self, *, folder: bool | None = None) -> Path:
        """Lock the target for this process.

        Args:
            folder: Whether a folder will be built, or a file. Default: not known yet.

        Returns:
            The path to build at, which does not exist yet.

        Raises:
            FormatError: The target exists (an empty folder does not count) and must not be overwritten, its parent
                folder is missing, or another process is writing it.
            LakeError: The target is a lake, or lies in one or contains one.
        """
        if not self.temporary:
            self._check_place()
        if not self._lock.take():
            raise FormatError(
                f"another process is writing {self.shown}",
                hint="wait for it, or choose another target",
            )
        try:
            self._restore()
            self._check_old(folder)
            _remove(self.temp)
        except BaseException:
            self._lock.free()
            raise
        return self.temp

    def check(self) -> None:
        """Check that what was built may be published; raises FormatError. Nothing is changed."""
        if not os.path.lexists(self.target):
            return
        self._check_old(self.temp.is_dir())
        if self.target.is_dir() and not self._force:
            with Manifest(self._manifest()) as own:
                self._check_way(own)

    def publish(self) -> None:
        """Flush the content to disk and rename it to the target.

        Raises:
            FormatError: Something that must not be replaced is in the way; nothing was changed.
        """
        if self.temp.is_dir():
            self._publish_folder()
        else:
            self._publish_file()
        _sync(self.target.parent)
        self._lock.free()

    def discard(self) -> None:
        """Delete the unpublished content and release the lock. Does nothing after :meth:`publish`."""
        if not self._lock.is_held:
            return
        try:
            _remove(self.temp)
            if self.replaced is not None and not os.path.lexists(self.target):
                self.replaced.rename(self.target)
                self.replaced = None
            self._restore()
        finally:
            self._lock.free()

    # --- the checks -----------------------------------------------------------------------------------------

    def _beside(self, what: str) -> Path:
        return self.target.parent / f".{self.target.name}.headrace-{what}"

    def _check_place(self) -> None:
        """Check what no option allows."""
        target, shown = self.target, self.shown
        if shown.exists() and not (shown.is_file() or shown.is_dir()):
            raise FormatError(
                f"{shown} is neither a file nor a folder", hint="choose another target"
            )
        if not target.parent.is_dir():
            raise FormatError(f"the folder {target.parent} does not exist", hint="create it first")
        check_no_lake(shown, below=self._overwrite)
        if target.is_dir():
            # The folder would be replaced by another one of its name.
            for applies, what in (
                (target.is_mount(), "a mounted folder"),
                (_working_folder().is_relative_to(target), "the working folder, or around it"),
            ):
                if applies:
                    raise FormatError(f"{shown} is {what}", hint="choose a new folder below it")

    def _check_old(self, folder: bool | None) -> None:
        """Check whether what is at the target may be replaced by a folder, or by a file."""
        target, shown = self.target, self.shown
        if target.is_dir():
            if folder is False:
                raise FormatError(
                    f"{shown} is a folder, and a file is to be written",
                    hint="choose another target",
                )
            if next(target.iterdir(), None) is None:
                return
            if not self._overwrite:
                raise self._exists("choose another target, or pass overwrite=True")
            if not self._force and not Manifest(self._manifest()).exists:
                raise FormatError(
                    f"{shown} was not written by headrace, or on another machine or account; it holds"
                    f" {first_of(path.name for path in target.iterdir())}",
                    hint="choose another target, or pass force=True, which renames the folder and keeps it",
                )
        elif os.path.lexists(self.shown if self.shown.is_symlink() else target):
            if not self._overwrite:
                raise self._exists("choose another target, or pass overwrite=True")
            if folder and not self._force and target.exists():
                raise FormatError(
                    f"{shown} is a file, and a folder is to be written",
                    hint="choose another target, or pass force=True, which renames the file and keeps it",
                )

    def _check_way(self, own: Manifest) -> None:
        found = first_of(in_the_way(self.target, self.temp, own))
        if found:
            raise in_the_way_error(
                self.shown,
                found,
                "move them, choose another target, or pass force=True, which renames the folder and keeps it",
            )

    def _exists(self, hint: str) -> FormatError:
        return FormatError(f"{self.shown} exists", hint=hint)

    # --- publishing -----------------------------------------------------------------------------------------

    def _publish_file(self) -> None:
        _sync(self.temp)
        self._check_old(folder=False)
        if self.target.exists():
            shutil.copymode(self.target, self.temp)
        if self._overwrite:
            self.temp.replace(self.target)
            return
        try:
            # Unlike a rename, a link never replaces a file that came in the meantime.
            os.link(self.temp, self.target)
        except FileExistsError:
            raise self._exists("choose another target, or pass overwrite=True") from None
        except OSError:
            self.temp.replace(self.target)
        else:
            self.temp.unlink()

    def _publish_folder(self) -> None:
        self._check_old(folder=True)
        target = self.target
        if target.is_dir() and next(target.iterdir(), None) is not None:
            with Manifest(self._manifest()) as own:
                try:
                    self._check_way(own)
                except FormatError:
                    if not self._force:
                        raise
                else:
                    self._swap(own)
                    return
        if target.is_dir() and next(target.iterdir(), None) is None:
            shutil.copymode(target, self.temp)
            if os.name == "nt":  # elsewhere a folder may be renamed to an empty one
                target.rmdir()
        elif target.exists():
            self.replaced = move_aside(target)
        if not self.temporary:
            self._remember()
        self.temp.rename(target)

    def _swap(self, own: Manifest) -> None:
        """Replace the files of headrace's own in the target's folder; all others stay at their paths."""
        state = make_state(self.target)
        save_manifest(state / NEXT, self.temp)
        # For a moment both writings are known: whichever of the two a killed process leaves is headrace's own.
        join_manifests(state / NAME, state / NEXT)
        keep_foreign(self.target, self.temp, own)
        shutil.copymode(self.target, self.temp)
        self.target.rename(self._old)
        self.temp.rename(self.target)
        self.replaced = clear_replaced(self._old, self.target, own) or self.replaced
        (state / NEXT).replace(state / NAME)

    def _remember(self) -> None:
        """Note what is about to be published, so that it may be overwritten later."""
        try:
            save_manifest(make_state(self.target) / NAME, self.temp)
        except OSError as error:
            log.warning(
                "headrace cannot note what it writes to %s, so overwrite will not replace it: %s",
                self.shown,
                error,
            )

    def _manifest(self) -> Path:
        return state_of(self.target) / NAME

    def _restore(self) -> None:
        """Bring to its end what an earlier run left between the two renames of a swap, or after them."""
        if not os.path.lexists(self._old):
            return
        if not os.path.lexists(self.target):
            self._old.rename(self.target)
            return
        with Manifest(self._manifest()) as own:
            if own.exists:
                self.replaced = clear_replaced(self._old, self.target, own)
            else:
                self.replaced = move_aside(self._old, name=self.target.name)


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was deleted
        return Path()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk."""
    if os.name == "nt":
        if path.is_dir():
            return
        fd = os.open(path, os.O_RDWR)
    else:
        fd = os.open(path, os.O_RDONLY)
    try:
        # Some network file systems refuse to flush folders.
        with contextlib.suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)
