"""What to do about one file, decided from what is known of it; nothing here looks at a disk."""

from __future__ import annotations

from enum import Enum

from headrace.transfer.source import Item


class Step(Enum):
    """``SKIP`` it, ``READ`` the local file for its digest, or ``FETCH`` it."""

    SKIP = "skip"
    READ = "read"
    FETCH = "fetch"


def step_for(item: Item, *, size: int | None, journaled: bool) -> Step:
    """``size`` is that of the local file, None where there is none; ``journaled``: an earlier run verified it.

    That a file exists proves nothing: where neither size nor digest is known, only the journal's word counts.
    """
    if size is None or (item.size is not None and size != item.size):
        return Step.FETCH
    if journaled:
        return Step.SKIP
    if item.sha256 is not None:
        return Step.READ
    return Step.SKIP if item.size is not None else Step.FETCH
