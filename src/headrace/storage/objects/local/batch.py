"""Objects that are written, synced and published together: the disk is waited for twice, not twice for each.

All functions block and must run on a thread.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from headrace.errors import HeadraceError
from headrace.file_system import MANY, FileSystem
from headrace.storage.objects import file_errors, source_file
from headrace.storage.objects.base import ObjectInfo
from headrace.storage.objects.local import files, moves
from headrace.storage.objects.local.files import ObjectWriter


class ObjectBatch:
    """Objects of one store. :meth:`add` writes each to a hidden file, :meth:`publish` makes all of them visible.

    Those whose names are taken stay hidden; ``taken`` are their places in the list. :meth:`replace` is for them.

    A file that is written to while it is copied is an error.

    Args:
        root: The folder of the store, for messages.
        incoming: The folder of unfinished files.
        sync: Whether what becomes visible is on the disk.
    """

    def __init__(self, root: Path, incoming: Path, *, sync: bool) -> None:
        self._root = root
        self._incoming = incoming
        self._sync = sync
        self._file_system = FileSystem(incoming) if sync else None
        self._writers: list[tuple[ObjectWriter, str]] = []
        self.outcomes: list[ObjectInfo | HeadraceError] = []
        self.taken: list[int] = []
        self._can_clone = True
        self._prefix = secrets.token_hex(16)

    def add(self, name: str, target: str, source: Path) -> None:
        """Write an object from a local file; an error is its outcome."""
        writer = ObjectWriter(self._incoming, f"{self._prefix}-{len(self._writers)}")
        try:
            self._write(writer, source)
        except (HeadraceError, OSError) as error:
            writer.discard()
            self.outcomes.append(self._translated(error))
        else:
            self.outcomes.append(files.object_info(name, writer))
        self._writers.append((writer, target))

    def publish(self) -> None:
        """Sync all objects, rename them to their names, sync their folders."""
        together = len(self._writers) >= MANY and self._sync_all()
        alone = self._sync and not together
        moved: set[str] = set()
        for index, (writer, target) in enumerate(self._writers):
            if isinstance(self.outcomes[index], HeadraceError):
                continue
            try:
                if alone:
                    files.sync_file(writer.path)
                if writer.move_new(target, sync=alone):
                    moved.add(target.rpartition(os.sep)[0])
                else:
                    self.taken.append(index)
            except (HeadraceError, OSError) as error:
                self.outcomes[index] = self._translated(error)
        if together and not self._sync_all():
            with file_errors.file_errors(self._root):
                moves.sync_new_folders(map(Path, moved))
        self._close_file_system()

    def replace(self, index: int) -> None:
        """Rename one object to its name, in place of what is there."""
        writer, target = self._writers[index]
        with file_errors.file_errors(self._root):
            writer.replace(target, sync=self._sync)

    def close(self) -> None:
        """Remove what was not published."""
        for writer, _ in self._writers:
            writer.discard()
        self._close_file_system()

    def _close_file_system(self) -> None:
        if self._file_system is not None:
            self._file_system.close()

    def _write(self, writer: ObjectWriter, source: Path) -> None:
        opened = source_file.open_source(source)
        try:
            before = source_file.state_of(opened)
            self._can_clone = self._can_clone and writer.clone(opened)
            if not self._can_clone:
                writer.copy(opened)
            if source_file.state_of(opened) != before:
                raise source_file.changed(source)
            writer.seal(sync=False)
        finally:
            os.close(opened)

    def _translated(self, error: HeadraceError | OSError) -> HeadraceError:
        return (
            error if isinstance(error, HeadraceError) else file_errors.translated(error, self._root)
        )

    def _sync_all(self) -> bool:
        return self._file_system is not None and self._file_system.sync()
