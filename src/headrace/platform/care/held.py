"""What a process holds of a lake that it has open: its note for other machines, and the mark of a lake that is open."""

from __future__ import annotations

import logging
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import anyio

from headrace.errors import HeadraceWarning, LakeLostError
from headrace.file_system import Mount, mount_of
from headrace.folders.holders import BEAT_SECONDS, Holding
from headrace.folders.lakes import DATABASE
from headrace.folders.moved import moved_to
from headrace.platform.background import Background
from headrace.platform.care.open_mark import OpenMark
from headrace.storage.database.base import Database
from headrace.storage.database.sqlite.catalog_file import is_read_only
from headrace.storage.database.sqlite.maintenance import SqliteMaintenance
from headrace.threads import in_thread

log = logging.getLogger("headrace.platform")


class HeldLake:
    """A lake that this process has open; :meth:`take` it before its database is opened.

    ``guard`` must be asked before the lake is written; None for one that cannot be written, which anybody may read.
    """

    def __init__(self, guard: Holding | None, mark: OpenMark) -> None:
        self.guard = guard
        self._mark = mark

    @classmethod
    async def take(cls, lake: Path, *, verify: bool = False) -> Self:
        """Take a lake. One that was not closed is checked first, for a few seconds at most; with ``verify`` in any case.

        Raises:
            LakeHeldError: Another machine has it open for writing.
            CorruptionError: It is damaged.

        Warns:
            HeadraceWarning: It is on a network file system, or has moved.
        """
        moved = await in_thread(moved_to, lake)
        if moved is not None:
            warnings.warn(
                f"{moved.sentence(lake)}, and is only read", HeadraceWarning, stacklevel=3
            )
        held = cls(await _guard(lake), OpenMark(lake))
        try:
            if await in_thread(_mark, held._mark) or verify:
                await SqliteMaintenance(lake / DATABASE).quick_check()
                await in_thread(held._mark.share)
        except BaseException:
            held.leave()
            raise
        return held

    async def keep(self, database: Database) -> None:
        """Renew the note for as long as the lake is open; nothing is noted in a lake that has taken its place."""
        while self.guard is not None:
            await anyio.sleep(BEAT_SECONDS)
            with suppress(LakeLostError):
                await database.check_present()
                await in_thread(self.guard.renew)

    def free(self) -> None:
        """Note that this process has closed the lake. Idempotent; blocks."""
        self._mark.free()
        if self.guard is not None:
            self.guard.free()

    def leave(self) -> None:
        """Let go of the lake, without noting that it was closed. Idempotent; blocks."""
        self._mark.leave()
        if self.guard is not None:
            self.guard.free()


@asynccontextmanager
async def noted(lake: Path) -> AsyncIterator[Holding | None]:
    """Keep other machines from opening a lake inside the block, without marking it as open; yields its guard.

    Raises:
        LakeHeldError: Another machine has it open for writing.

    Warns:
        HeadraceWarning: It is on a network file system.
    """
    guard, background = await _guard(lake), Background()
    await background.open()
    try:
        if guard is not None:
            background.start(_keep, guard)
        yield guard
    finally:
        with anyio.CancelScope(shield=True):
            await background.aclose()
            if guard is not None:
                await in_thread(guard.free)


async def _guard(lake: Path) -> Holding | None:
    mount, guard = await in_thread(_note, lake)
    if mount is not None and mount.is_remote and guard is not None:
        _warn(lake, mount)
    return guard


async def _keep(guard: Holding) -> None:
    while True:
        await anyio.sleep(BEAT_SECONDS)
        await in_thread(guard.renew)


def _note(lake: Path) -> tuple[Mount | None, Holding | None]:
    mount = mount_of(lake)
    if is_read_only(lake / DATABASE):
        return mount, None
    guard = Holding(lake)
    guard.take()
    return mount, guard


def _mark(mark: OpenMark) -> bool:
    unclean = mark.take()
    if not unclean:
        mark.share()
    return unclean


def _warn(lake: Path, mount: Mount) -> None:
    text = (
        f"the lake {lake} is on a network file system ({mount.kind}): only one machine may have it open at a time, "
        "and a failing network can damage it; keep it on a local disk, and let others in with headrace serve"
    )
    log.info("%s", text)
    # Python's own filter shows the same warning once.
    warnings.warn(text, HeadraceWarning, stacklevel=3)
