"""``.headrace`` in a target folder: the lock, the journal of complete files, and the incomplete files.

It exists until a download is complete, so that the same call continues it, also in another process or on another machine.
Then it is deleted, and what is worth knowing later goes to the state of the target (``headrace.folders.state``): the
manifest, which has the marks of the journal, and the list of changed names. Where that cannot be written, a later run
reads the files to compute their digests.

Each run writes incomplete files to its own folder. The next run takes over what a crashed run left: parts that can be
resumed are moved, everything else is deleted.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from functools import partial
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from headrace.file_system import FileSystem
from headrace.folders.state import make_state, state_of
from headrace.model.names import STATE_FOLDER
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item
from headrace.transfer.state.commit import CommitFile, file_committer
from headrace.transfer.state.copier import Copier, LocalMedia
from headrace.transfer.state.disk import NO_FOLDER, Folder, disk_error
from headrace.transfer.state.failed import write_failures
from headrace.transfer.state.folder_lock import (
    SharedLock,
    release_share,
    remove_unheld,
    share_lock,
)
from headrace.transfer.state.journal import (
    MARK,
    CompletedFile,
    Journal,
    append_marks,
    compact_marks,
    mark_of,
)
from headrace.transfer.state.local_file import LocalFiles, Sorted
from headrace.transfer.state.name_map import NameMap, extend_names
from headrace.transfer.state.part import Part, part_files
from headrace.transfer.state.started import StartedFiles

FOLDER = STATE_FOLDER
SYNC_LOCK = "sync.lock"
BATCH = 256
"""Files per commit of the journal."""

OLD_MARKS = 100_000
"""Marks of files that were replaced or deleted, beyond which a manifest is compacted."""

_JOURNAL, _NAMES = "pulled", "pulled-names.jsonl"
_NO_STATE = "the state folder cannot be written: the next run reads the files again"


class WorkerPlace(Struct, frozen=True):
    """Where a worker writes.

    Attributes:
        target: The folder of complete files; all workers reach it by this path.
        parts: The folder of incomplete files, on the same file system.
        temporary: The beginning of names there that no other batch uses.
        durable: Whether each file is synced before it is renamed.
        is_empty: Whether the target was empty, so that no file is replaced.
        media: Whether files of this machine are copied or linked.
    """

    target: str
    parts: str
    temporary: str
    durable: bool
    is_empty: bool
    media: str


class Workspace:
    """The state of one target folder during one run. It blocks, and is not thread-safe.

    With ``some_files`` the run has only some files of the folder, and keeps what is known about the others.

    Call :meth:`lock` until it succeeds, :meth:`open`, and in the end :meth:`finish` or, after an error, :meth:`close`.
    """

    def __init__(self, target: Path, *, durable: bool = False, some_files: bool = False) -> None:
        self.target = target
        self.durable = durable
        self._folder = target / FOLDER
        self._parts = self._folder / f"parts-{secrets.token_hex(4)}"
        self._prefix = f"{target}{os.sep}"
        self._parts_prefix = f"{self._parts}{os.sep}"
        self._lock: SharedLock | None = None
        self._resumable: set[str] = set()
        self._busy: set[str] = set()
        self._committers = 0
        self._target_open = self._parts_open = NO_FOLDER
        self._file_system: FileSystem | None = None
        self._pending: list[CompletedFile] = []
        self._is_synced = True
        self.journal = journal_of(target)
        self._started = StartedFiles(self._parts / "started")
        self.files = LocalFiles(target, self.journal, self._started.is_suspect)
        self.names = NameMap(target, _NAMES, extend=some_files)
        self._kept_names = names_of(target)
        self._some_files = some_files

    def lock(self) -> bool:
        """Create the folders, and exclude other processes; return False while another one works on the target."""
        try:
            self.target.mkdir(parents=True, exist_ok=True)
            self._lock = share_lock(self.target)
        except OSError as error:
            raise disk_error(f"cannot create the folder {self._folder}", error) from error
        return self._lock is not None

    def open(self) -> None:
        """Read the journal, and take over what crashed runs left."""
        try:
            self._parts.mkdir(mode=0o700)
            self._parts_open, self._target_open = Folder(self._parts), Folder(self.target)
            self._file_system = FileSystem(self.target)
            self.files.open(self._target_open)
            if self._lock is not None and self._lock.is_exclusive:
                for other in self._folder.glob("parts-*"):
                    if other != self._parts:
                        self._take_over(other)
        except OSError as error:
            raise disk_error(f"cannot use the folder {self.target}", error) from error

    def finish(self, report: TransferReport) -> None:
        """End a run: if all files are there, ``.headrace`` goes, else it keeps what the next run needs.

        Kept files do not count: no further run would fetch them.
        """
        try:
            self.commit()
            self._write_lists(report)
        except BaseException:
            self.close()
            raise
        self._release(report)

    def close(self) -> None:
        """Commit the journal and close the files; parts that can be resumed stay."""
        try:
            self.commit()
            self._write_lists(None)
        finally:
            self._release(None)

    @property
    def has_resumable(self) -> bool:
        """Whether an earlier run left parts that can be resumed."""
        return bool(self._resumable)

    def part(self, item: Item) -> Part:
        """Return the incomplete file of an item."""
        key = blake2b(item.name.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        while key in self._busy:
            key = secrets.token_hex(16)
        self._busy.add(key)
        return Part(
            item,
            f"{self._prefix}{item.name}",
            f"{self._parts_prefix}{key}",
            durable=self.durable,
            resumable=key in self._resumable,
            release=partial(self._busy.discard, key),
            compare=self.files.must_compare(item),
        )

    def committer(self) -> CommitFile:
        """Return a function that verifies and writes files that are complete in memory, for one thread."""
        self._committers += 1
        temporary = f"{self._committers}.whole"
        return file_committer(
            self._parts_open,
            temporary,
            self._target_open,
            durable=self.durable,
            is_empty=self.files.is_empty,
        )

    def copier(self, media: LocalMedia) -> Copier:
        """Return what copies or links local files, for one thread at a time."""
        self._committers += 1
        return Copier(
            self._parts_open,
            f"{self._committers}.whole",
            self._target_open,
            media,
            durable=self.durable,
            is_empty=self.files.is_empty,
        )

    def worker_place(self, media: LocalMedia, *, synced: bool) -> WorkerPlace:
        """Return where a worker writes one batch; with ``synced`` each file is synced there."""
        self._committers += 1
        return WorkerPlace(
            target=str(self.target),
            parts=str(self._parts),
            temporary=str(self._committers),
            durable=self.durable or synced,
            is_empty=self.files.is_empty,
            media=str(media),
        )

    def sort(self, items: list[Item], *, force_replace: bool = False) -> Sorted:
        """Sort items by what is to be done; complete files that the journal does not know are entered.

        With ``force_replace`` all of them are missing. What is missing is going to be fetched.
        """
        found = Sorted(missing=items) if force_replace else self.files.sort(items)
        if self.enter(found.unmarked):
            self.commit()
        if not self.durable:
            try:
                self._started.begin(item.name for item in found.missing)
            except OSError as error:
                raise disk_error(f"cannot write into {self._folder}", error) from error
        return found

    def done(self, item: Item, stat: os.stat_result) -> CompletedFile:
        """Return the journal entry of a complete file."""
        name = self._target_open.within(item.name)
        return CompletedFile(name, mark_of(item.name, item.sha256 or "", stat))

    def enter(self, complete: list[CompletedFile]) -> bool:
        """Enter complete files; return whether it is time to commit."""
        self._pending += complete
        return len(self._pending) >= BATCH

    def commit(self) -> None:
        """Sync the files entered since the last commit, and append them to the journal.

        Raises TransferError and DiskFullError. The files are complete even so; the next run verifies them again.
        """
        pending, self._pending = self._pending, []
        if pending:
            try:
                self.journal.commit(pending, self._target_open, self._file_system)
                self._started.end(each.path.removeprefix(self._prefix) for each in pending)
            except OSError as error:
                self._is_synced = False
                raise disk_error(f"cannot write the journal of {self.target}", error) from error

    def _write_lists(self, report: TransferReport | None) -> None:
        """Write the changed names and, with a report, the failures; those of a run beside this one are kept."""
        try:
            self.names.close()
            others = self._lock is not None and self._lock.incomplete
            if report is not None and (report.failed or not others):
                write_failures(self.target, report)
        except OSError as error:
            raise disk_error(f"cannot write into {self._folder}", error) from error

    def _release(self, report: TransferReport | None) -> None:
        """Close everything; ``report`` is None after an error."""
        self.journal.close()
        self._started.close(delete=self._is_synced)
        self._parts_open.close()
        self._target_open.close()
        if self._file_system is not None:
            self._file_system.close()
        with contextlib.suppress(OSError):
            self._parts.rmdir()
        lock, self._lock = self._lock, None
        if lock is not None:
            complete = report is not None and not report.failed
            release_share(lock, complete=complete, clean=partial(self._clean, report, lock))
        if report is not None and report.renamed:
            places = (self._folder / _NAMES, self._kept_names)
            report.names_file = next((str(path) for path in places if path and path.exists()), "")

    def _clean(self, report: TransferReport | None, lock: SharedLock) -> None:
        """Move the journal to the state of the target, and delete ``.headrace``. What fails is left to the next run."""
        try:
            self._keep_in_state(report)
        except (OSError, RuntimeError):
            if report is not None:
                report.notes.append(_NO_STATE)
        with contextlib.suppress(OSError):
            for name in (_JOURNAL, _NAMES, "failed.json", "failed.tmp"):
                (self._folder / name).unlink(missing_ok=True)
            for draft in self._folder.glob("pulled-names-*.tmp"):
                draft.unlink()
            remove_unheld(self._folder / SYNC_LOCK)
            if lock.is_locked:
                for parts in self._folder.glob("parts-*"):
                    _delete(parts)

    def _keep_in_state(self, report: TransferReport | None) -> None:
        journal, names = self._folder / _JOURNAL, self._folder / _NAMES
        if not self._some_files and self._kept_names is not None and not names.exists():
            self._kept_names.unlink(missing_ok=True)
        if not (journal.exists() or names.exists()):
            return
        state = make_state(self.target)
        append_marks(journal, state / _JOURNAL)
        if report is not None and not self._some_files:
            marks = (state / _JOURNAL).stat().st_size // MARK
            if marks > 2 * report.total + OLD_MARKS:
                compact_marks(state / _JOURNAL, self.target)
        if names.exists():
            draft = state / f"names-{secrets.token_hex(4)}.tmp"
            shutil.copyfile(names, draft)
            if self._some_files:
                extend_names(state / "names.jsonl", draft)
            draft.replace(state / "names.jsonl")

    def _take_over(self, other: Path) -> None:
        if not other.is_dir():
            other.unlink()  # a lock file of an earlier headrace
            return
        self._started.take_over(other / "started")
        for part, state in part_files(other):
            state.replace(self._parts / state.name)
            part.replace(self._parts / part.name)
            self._resumable.add(part.stem)
        shutil.rmtree(other, ignore_errors=True)


def journal_of(target: Path) -> Journal:
    """Return the journal of a target, with the manifest of complete downloads into it; it is not loaded yet."""
    return Journal(target / FOLDER / _JOURNAL, _in_state(target, _JOURNAL))


def names_of(target: Path) -> Path | None:
    """Return the file with the changed names of a complete download into ``target``, which may not exist."""
    return _in_state(target, "names.jsonl")


def _in_state(target: Path, name: str) -> Path | None:
    try:
        return state_of(target) / name
    except (OSError, RuntimeError):
        # A user without a home folder has no state folder.
        return None


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()
