"""What to do so that a folder and a version hold the same files: decided from what is known, by nothing else.

Of each file three things are known: what it was when both sides were last the same (``base``), what is in the folder,
and what is in the version. What only one side changed goes to the other one; what both changed is a conflict.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self, TypeVar

from msgspec import Struct

from headrace.errors import ConfigurationError

E = TypeVar("E", bound=StrEnum)


class Direction(StrEnum):
    """``BOTH`` sides may change, the folder alone (``DOWN``), or the version alone (``UP``)."""

    BOTH = "both"
    DOWN = "down"
    UP = "up"


class Side(StrEnum):
    """Whose file wins where both changed."""

    LOCAL = "local"
    REMOTE = "remote"


class Action(StrEnum):
    """What is done about a file; the last four do nothing.

    ``REPLACE`` puts a new file in the place of the one in the version. ``KEEP``: there is a difference that was not
    asked to be levelled. ``GONE`` files are on neither side.
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
    """A file as it was when both sides were the same; contents by any texts that differ where contents do."""

    local: str
    remote: str


class RemoteFile(Struct, frozen=True):
    """A file of the version; ``sha256`` is None where nobody tells it, and then the size has to do."""

    content: str
    sha256: str | None = None


class SyncOptions(Struct, frozen=True, kw_only=True):
    """What was asked for. Nothing is deleted without ``delete``; conflicts stay without ``prefer``."""

    direction: Direction = Direction.BOTH
    delete: bool = False
    prefer: Side | None = None

    @classmethod
    def of(cls, direction: str, *, delete: bool, prefer: str | None) -> Self:
        """A wish in words; ConfigurationError that tells which there are."""
        return cls(
            direction=_meant(Direction, direction),
            delete=delete,
            prefer=None if prefer is None else _meant(Side, prefer),
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
    """What to do about a file, and why where nothing is done."""

    action: Action
    why: str = ""


def decide(
    base: SyncBase | None, local: str | None, remote: RemoteFile | None, wish: SyncOptions
) -> Decision:
    """The verdict on one file.

    ``local`` is its SHA-256 in the folder, None where it is not there, and empty where its size tells already that it
    is neither what it was nor what the version has.
    """
    if local is None:
        return Decision(Action.GONE) if remote is None else _only_remote(base, remote, wish)
    if remote is None:
        return _only_local(base, local, wish)
    return _both(base, local, remote, wish)


def _both(base: SyncBase | None, local: str, remote: RemoteFile, wish: SyncOptions) -> Decision:
    here = base is None or local != base.local
    there = base is None or remote.content != base.remote
    if remote.sha256 == local or not (here or there):
        return Decision(Action.SAME)
    if remote.sha256 is None and base is None and local:
        return Decision(Action.SAME)
    if here and there:
        if wish.prefer is Side.LOCAL and wish.up:
            return Decision(Action.REPLACE)
        if wish.prefer is Side.REMOTE and wish.down:
            return Decision(Action.DOWNLOAD)
        return Decision(Action.CONFLICT, "both changed")
    if here:
        if wish.up:
            return Decision(Action.REPLACE)
        if wish.prefer is Side.REMOTE:
            return Decision(Action.DOWNLOAD)
        return Decision(Action.KEEP, "changed in the folder")
    if wish.down:
        return Decision(Action.DOWNLOAD)
    if wish.prefer is Side.LOCAL:
        return Decision(Action.REPLACE)
    return Decision(Action.KEEP, "changed in the version")


def _only_local(base: SyncBase | None, local: str, wish: SyncOptions) -> Decision:
    if base is None:
        return Decision(Action.UPLOAD) if wish.up else Decision(Action.KEEP, "not in the version")
    if local == base.local:
        if not wish.down:
            return Decision(Action.UPLOAD)
        if wish.delete:
            return Decision(Action.DELETE_LOCAL)
        return Decision(Action.KEEP, "deleted in the version")
    if wish.prefer is Side.LOCAL and wish.up:
        return Decision(Action.UPLOAD)
    if wish.prefer is Side.REMOTE and wish.down and wish.delete:
        return Decision(Action.DELETE_LOCAL)
    return Decision(Action.CONFLICT, "changed in the folder, deleted in the version")


def _only_remote(base: SyncBase | None, remote: RemoteFile, wish: SyncOptions) -> Decision:
    if base is None:
        return (
            Decision(Action.DOWNLOAD) if wish.down else Decision(Action.KEEP, "not in the folder")
        )
    if remote.content == base.remote:
        if not wish.up:
            return Decision(Action.DOWNLOAD)
        if wish.delete:
            return Decision(Action.DELETE_REMOTE)
        return Decision(Action.KEEP, "deleted in the folder")
    if wish.prefer is Side.REMOTE and wish.down:
        return Decision(Action.DOWNLOAD)
    if wish.prefer is Side.LOCAL and wish.up and wish.delete:
        return Decision(Action.DELETE_REMOTE)
    return Decision(Action.CONFLICT, "changed in the version, deleted in the folder")


def _meant(kind: type[E], word: str) -> E:
    try:
        return kind(word)
    except ValueError:
        known = ", ".join(repr(each.value) for each in kind)
        raise ConfigurationError(
            f"no {kind.__name__.lower()} {word!r}", hint=f"one of {known}"
        ) from None
