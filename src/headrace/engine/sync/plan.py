"""Decide what to do with each file of a folder and a version, as a three-way merge. Pure functions, no I/O.

The inputs for a file are its state after the last synchronization (``base``), its state in the folder, and its state
in the version. A change on one side is applied to the other; changes on both sides are a conflict.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self, TypeVar

from msgspec import Struct

from headrace.engine.name_filter import NameFilter
from headrace.errors import ConfigurationError

E = TypeVar("E", bound=StrEnum)


class Direction(StrEnum):
    """Which side may change: ``BOTH``, only the folder (``DOWN``), or only the version (``UP``)."""

    BOTH = "both"
    DOWN = "down"
    UP = "up"


class Side(StrEnum):
    """The side whose file is kept if both changed: the folder (``LOCAL``) or the version (``REMOTE``)."""

    LOCAL = "local"
    REMOTE = "remote"


class Action(StrEnum):
    """What to do with a file; the last four change nothing.

    ``REPLACE`` uploads a file and replaces the asset in the version. ``KEEP``: the sides differ, but the options do
    not allow a change. ``GONE``: the file is on neither side.
    """

    UPLOAD = "upload"
    REPLACE = "replace"
    DOWNLOAD = "download"
    DELETE_LOCAL = "delete-local"
    DELETE_REMOTE = "delete-remote"
    CONFLICT = "conflict"
    KEEP = "keep"
    SAME = "same"
    GONE = "gone"


class SyncBase(Struct, frozen=True):
    """A file after the last synchronization. Each text identifies the content on its side."""

    local: str
    remote: str


class RemoteFile(Struct, frozen=True):
    """A file of the version. ``sha256`` is None if the platform does not report it; then sizes are compared."""

    content: str
    sha256: str | None = None


class SyncOptions(Struct, frozen=True, kw_only=True):
    """Options of a synchronization. Without ``delete`` nothing is deleted; without ``prefer`` conflicts remain.

    With ``undo`` no asset is removed that cannot be brought back. Files that ``chosen`` leaves out are left alone on both
    sides.
    """

    direction: Direction = Direction.BOTH
    delete: bool = False
    prefer: Side | None = None
    undo: bool = True
    chosen: NameFilter = NameFilter()

    @classmethod
    def parse(
        cls,
        direction: str,
        *,
        delete: bool,
        prefer: str | None,
        undo: bool,
        chosen: NameFilter | None = None,
    ) -> Self:
        """Create options from texts. Raises ConfigurationError for an unknown one."""
        return cls(
            direction=_parse(Direction, direction),
            delete=delete,
            prefer=None if prefer is None else _parse(Side, prefer),
            undo=undo,
            chosen=chosen or NameFilter(),
        )

    @property
    def up(self) -> bool:
        """Whether the version may change."""
        return self.direction is not Direction.DOWN

    @property
    def down(self) -> bool:
        """Whether the folder may change."""
        return self.direction is not Direction.UP


class Decision(Struct, frozen=True):
    """What to do with a file, and why if nothing is done."""

    action: Action
    why: str = ""


def decide(
    base: SyncBase | None, local: str | None, remote: RemoteFile | None, options: SyncOptions
) -> Decision:
    """Decide what to do with one file.

    Args:
        base: State after the last synchronization; None if the file is new.
        local: SHA-256 of the file in the folder; None if it is not there; empty if its size alone shows that it
            differs from both ``base`` and ``remote``.
        remote: State in the version; None if it is not there.
        options: Options of the synchronization.
    """
    if local is None:
        return Decision(Action.GONE) if remote is None else _only_remote(base, remote, options)
    if remote is None:
        return _only_local(base, local, options)
    return _both(base, local, remote, options)


def _both(base: SyncBase | None, local: str, remote: RemoteFile, options: SyncOptions) -> Decision:
    local_changed = base is None or local != base.local
    remote_changed = base is None or remote.content != base.remote
    if remote.sha256 == local or not (local_changed or remote_changed):
        return Decision(Action.SAME)
    if remote.sha256 is None and base is None and local:
        return Decision(Action.SAME)
    if local_changed and remote_changed:
        if options.prefer is Side.LOCAL and options.up:
            return Decision(Action.REPLACE)
        if options.prefer is Side.REMOTE and options.down:
            return Decision(Action.DOWNLOAD)
        return Decision(Action.CONFLICT, "both changed")
    if local_changed:
        if options.up:
            return Decision(Action.REPLACE)
        if options.prefer is Side.REMOTE:
            return Decision(Action.DOWNLOAD)
        return Decision(Action.KEEP, "changed in the folder")
    if options.down:
        return Decision(Action.DOWNLOAD)
    if options.prefer is Side.LOCAL:
        return Decision(Action.REPLACE)
    return Decision(Action.KEEP, "changed in the version")


def _only_local(base: SyncBase | None, local: str, options: SyncOptions) -> Decision:
    if base is None:
        return (
            Decision(Action.UPLOAD) if options.up else Decision(Action.KEEP, "not in the version")
        )
    if local == base.local:
        if not options.down:
            return Decision(Action.UPLOAD)
        if options.delete:
            return Decision(Action.DELETE_LOCAL)
        return Decision(Action.KEEP, "deleted in the version")
    if options.prefer is Side.LOCAL and options.up:
        return Decision(Action.UPLOAD)
    if options.prefer is Side.REMOTE and options.down and options.delete:
        return Decision(Action.DELETE_LOCAL)
    return Decision(Action.CONFLICT, "changed in the folder, deleted in the version")


def _only_remote(base: SyncBase | None, remote: RemoteFile, options: SyncOptions) -> Decision:
    if base is None:
        return (
            Decision(Action.DOWNLOAD)
            if options.down
            else Decision(Action.KEEP, "not in the folder")
        )
    if remote.content == base.remote:
        if not options.up:
            return Decision(Action.DOWNLOAD)
        if options.delete:
            return Decision(Action.DELETE_REMOTE)
        return Decision(Action.KEEP, "deleted in the folder")
    if options.prefer is Side.REMOTE and options.down:
        return Decision(Action.DOWNLOAD)
    if options.prefer is Side.LOCAL and options.up and options.delete:
        return Decision(Action.DELETE_REMOTE)
    return Decision(Action.CONFLICT, "changed in the version, deleted in the folder")


def _parse(kind: type[E], word: str) -> E:
    try:
        return kind(word)
    except ValueError:
        known = ", ".join(repr(each.value) for each in kind)
        raise ConfigurationError(
            f"no {kind.__name__.lower()} {word!r}", hint=f"one of {known}"
        ) from None
